"""A planner registers a wedding; from here on its clock is known."""

from wedsync.api.versions import etag
from wedsync.api.weddings import WeddingReply, WeddingRequest, to_wedding
from wedsync.errors import TooLarge
from wedsync.flows.cadence import plan_wedding
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/weddings",
    summary="Register a wedding",
    uses=(Resource.WEDDINGS.write(), Resource.WAKE.send()),
    raises=(TooLarge,),
    status=201,
)
def handler(
    wedding: WeddingRequest, caller: FromCaller, services: Injected
) -> Answer[WeddingReply]:
    """Register the wedding under an id of our own."""
    now = services.now()
    made = to_wedding(wedding, wedding_id=services.new_id("wed"), created_at=now, at=now, version=1)
    plan_wedding(services, made)
    stored = services.weddings.add(caller.tenant, made)
    return Answer(
        WeddingReply.of(stored),
        {"location": f"/api/weddings/{stored.wedding_id}", "etag": etag(stored.version)},
    )
