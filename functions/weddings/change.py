"""A planner changes a wedding: its windows and its watch move with it."""

from pydantic import JsonValue

from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.api.weddings import WeddingReply, patched
from wedsync.errors import PreconditionFailed, TooLarge, WeddingLeaving, WeddingNotFound
from wedsync.flows.cadence import plan_wedding
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PATCH /api/weddings/{wedding_id}",
    summary="Change a wedding (JSON merge patch)",
    uses=(Resource.WEDDINGS.read_write(), Resource.WAKE.send()),
    raises=(WeddingNotFound, PreconditionFailed, WeddingLeaving, TooLarge),
)
def handler(
    wedding_id: str,
    patch: dict[str, JsonValue],
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[WeddingReply]:
    """Apply the patch to the version that If-Match names, or to the present one."""
    wedding = services.weddings.get(caller.tenant, wedding_id)
    require_version(if_match, wedding.version)
    changed = patched(wedding, patch, at=services.now())
    plan_wedding(services, changed)
    saved = services.weddings.save(caller.tenant, changed, expected=wedding.version)
    return Answer(WeddingReply.of(saved), {"etag": etag(saved.version)})
