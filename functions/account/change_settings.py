"""An administrator settles how a tenant's data lies, and when its season is."""

from wedsync.api.settings import SettingsReply, SettingsRequest
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import Conflict, PreconditionFailed
from wedsync.flows.tenant_settings import usual_settings
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.tenancy import Role


@endpoint(
    "PUT /api/settings",
    summary="Replace the tenant's settings",
    uses=(Resource.TENANT_SETTINGS.read_write(),),
    raises=(PreconditionFailed, Conflict),
    roles=(Role.ADMIN,),
)
def handler(
    request: SettingsRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[SettingsReply]:
    """Replace the version that If-Match names, or the present one.

    Another number of packs comes into force a quarter of an hour later, and not again before.
    """
    now = services.now()
    former = services.tenant_settings.find(caller.tenant) or usual_settings(services)
    require_version(if_match, former.version)
    saved = services.tenant_settings.save(
        caller.tenant, request.settled(former, at=now), expected=former.version
    )
    return Answer(SettingsReply.of(saved, at=now), {"etag": etag(saved.version)})
