"""How each vendor of a wedding fares."""

from wedsync.api.vendors import VendorsHealthReply
from wedsync.errors import WeddingNotFound
from wedsync.flows.grants import LOOKING
from wedsync.flows.vendors import vendors_of
from wedsync.flows.visibility import own_share, wedding_for
from wedsync.runtime.answer import Answer, Freshness
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.tenancy import READERS, Role


@endpoint(
    "GET /api/weddings/{wedding_id}/vendors/health",
    summary="Read which vendors of a wedding are online, and what fails for them",
    uses=LOOKING,
    raises=(WeddingNotFound,),
    roles=READERS | {Role.VENDOR},
    layers=("numeric",),
)
def handler(wedding_id: str, caller: FromCaller, services: Injected) -> Answer[VendorsHealthReply]:
    """Answer figures that are at most a second old; a vendor sees itself alone."""
    wedding = wedding_for(caller, wedding_id, services.weddings)
    found = vendors_of(services, caller.tenant, wedding)
    vendors = own_share(caller, found.value)
    body = VendorsHealthReply.of(wedding, vendors, at=found.as_of)
    return Answer(body, freshness=Freshness(as_of=found.as_of, hit=found.hit))
