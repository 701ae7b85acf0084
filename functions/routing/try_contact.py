"""An operator finds out whether somebody can be reached."""

from wedsync.api.notifications import TriedReply
from wedsync.errors import ContactNotFound
from wedsync.flows.contacts import try_channels
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/contacts/{contact_id}/test",
    summary="Send a test on every channel of a contact",
    uses=(
        Resource.ROUTING.read(),
        Resource.NOTIFICATIONS.write(),
        Resource.DIRECT.send(),
    ),
    raises=(ContactNotFound,),
    status=202,
)
def handler(contact_id: str, caller: FromCaller, services: Injected) -> TriedReply:
    """Answer what was sent; what became of it stands among the notifications."""
    contact = services.routing.contact(caller.tenant, contact_id)
    return TriedReply.of(contact_id, try_channels(services, caller.tenant, contact))
