"""An operator takes somebody off the list of those who are told."""

from wedsync.api.versions import IfMatch, require_version
from wedsync.errors import ContactNotFound, PreconditionFailed
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/monitoring/contacts/{contact_id}",
    summary="Remove a contact",
    uses=(Resource.ROUTING.read_write(),),
    raises=(ContactNotFound, PreconditionFailed),
    status=204,
)
def handler(
    contact_id: str,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; nothing more is sent there."""
    former = services.routing.contact(caller.tenant, contact_id)
    require_version(if_match, former.version)
    services.routing.remove_contact(caller.tenant, former)
    return Answer(None)
