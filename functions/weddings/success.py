"""How a wedding's day went, once it is over."""

from wedsync.api.success import SuccessReply
from wedsync.errors import WeddingNotFound
from wedsync.flows.grants import LOOKING
from wedsync.flows.success import wedding_success
from wedsync.flows.visibility import wedding_for
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer, Freshness
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.tenancy import READERS, Role


@endpoint(
    "GET /api/weddings/{wedding_id}/success",
    summary="Read how a wedding's day went, once it is over",
    uses=(*LOOKING, Resource.INCIDENTS.read()),
    raises=(WeddingNotFound,),
    roles=READERS | {Role.VENDOR},
    layers=("numeric",),
)
def handler(wedding_id: str, caller: FromCaller, services: Injected) -> Answer[SuccessReply]:
    """Answer four parts and their sum; what nobody could know is null, and said to be."""
    wedding = wedding_for(caller, wedding_id, services.weddings)
    found = wedding_success(services, caller.tenant, wedding)
    body = SuccessReply.of(wedding, found.value, at=found.as_of)
    return Answer(body, freshness=Freshness(as_of=found.as_of, hit=found.hit))
