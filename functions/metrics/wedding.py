"""One wedding, live."""

from wedsync.api.live import LIVE, WeddingPageReply
from wedsync.errors import WeddingNotFound
from wedsync.flows.grants import LOOKING
from wedsync.flows.live import wedding_page
from wedsync.flows.visibility import own_share, wedding_for
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer, Freshness
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.tenancy import READERS, Role


@endpoint(
    "GET /api/metrics/wedding/{wedding_id}",
    summary="Read one wedding's live page",
    uses=(*LOOKING, Resource.VIEWS.write()),
    raises=(WeddingNotFound,),
    roles=READERS | {Role.VENDOR},
    layers=("numeric",),
    exact=True,
)
def handler(wedding_id: str, caller: FromCaller, services: Injected) -> Answer[WeddingPageReply]:
    """Answer figures that are at most a second old; of activity, a vendor sees its own."""
    wedding = wedding_for(caller, wedding_id, services.weddings)
    found = wedding_page(services, caller.tenant, wedding)
    activity = own_share(caller, found.value.facts.activity)
    body = WeddingPageReply.of(found.value, activity)
    freshness = Freshness(as_of=found.as_of, hit=found.hit, quality=found.value.quality)
    return Answer(body, LIVE, freshness=freshness)
