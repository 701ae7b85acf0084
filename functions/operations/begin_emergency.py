"""An operator switches emergency mode on, or says anew until when it lasts."""

from wedsync.api.emergency import EmergencyReply, EmergencyRequest, named_by
from wedsync.api.versions import IfMatch, etag
from wedsync.errors import PreconditionFailed
from wedsync.flows.emergency_mode import switch_on
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PUT /api/operations/emergency-mode",
    summary="Switch emergency mode on",
    uses=(Resource.TENANT_SETTINGS.read_write(), Resource.WAKE.send()),
    raises=(PreconditionFailed,),
)
def handler(
    request: EmergencyRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[EmergencyReply]:
    """Replace the version that If-Match names, or the present one; whoever is on call hears of it.

    It ends by itself, four hours from now at the latest.
    """
    now = services.now()
    wanted = request.emergency(by=caller.subject, now=now)
    begun = switch_on(services, caller.tenant, wanted, check=named_by(if_match))
    return Answer(EmergencyReply.of(begun, now=now), {"etag": etag(begun.version)})
