"""What was not counted, and why."""

from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.api.rejections import RejectionListReply, RejectionReply
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/ingest/rejections",
    summary="List what was not counted, with the reason",
    uses=(Resource.REJECTIONS.read(),),
)
def handler(
    caller: FromCaller, services: Injected, limit: Limit = 50, cursor: Cursor = None
) -> Answer[RejectionListReply]:
    """Answer a page, newest first."""
    size = clamped(limit)
    page = services.rejections.page(caller.tenant, limit=size, cursor=cursor)
    body = RejectionListReply(
        items=[RejectionReply.of(each) for each in page.rejections],
        next_cursor=page.next_cursor,
        effective_limit=size,
    )
    return Answer(body, linked("/api/metrics/ingest/rejections", page.next_cursor, limit=size))
