"""One wedding, live."""

from wedsync.api.live import WeddingPageReply, freshness_headers
from wedsync.errors import WeddingNotFound
from wedsync.flows.grants import LOOKING
from wedsync.flows.live import wedding_page
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/wedding/{wedding_id}",
    summary="Read one wedding's live page",
    uses=LOOKING,
    raises=(WeddingNotFound,),
    layers=("numeric",),
)
def handler(wedding_id: str, caller: FromCaller, services: Injected) -> Answer[WeddingPageReply]:
    """Answer figures that are at most a second old; null where nothing is known."""
    wedding = services.weddings.get(caller.tenant, wedding_id)
    found = wedding_page(services, caller.tenant, wedding)
    return Answer(WeddingPageReply.of(found.value), freshness_headers(found, found.value.quality))
