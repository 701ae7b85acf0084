"""A planner sets the order of the day: the window and the watch move with it."""

from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.api.weddings import TimelineRequest, WeddingReply, with_timeline
from wedsync.errors import PreconditionFailed, TooLarge, WeddingLeaving, WeddingNotFound
from wedsync.flows.cadence import plan_wedding
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PUT /api/weddings/{wedding_id}/timeline",
    summary="Replace a wedding's timeline",
    uses=(Resource.WEDDINGS.read_write(), Resource.WAKE.send()),
    raises=(WeddingNotFound, PreconditionFailed, WeddingLeaving, TooLarge),
)
def handler(
    wedding_id: str,
    timeline: TimelineRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[WeddingReply]:
    """Replace the timeline of the version that If-Match names, or of the present one."""
    wedding = services.weddings.get(caller.tenant, wedding_id)
    require_version(if_match, wedding.version)
    changed = with_timeline(wedding, timeline, at=services.now())
    plan_wedding(services, changed)
    saved = services.weddings.save(caller.tenant, changed, expected=wedding.version)
    return Answer(WeddingReply.of(saved), {"etag": etag(saved.version)})
