"""Somebody looks through the runbooks."""

from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.api.runbooks import RunbookListReply, RunbookReply
from wedsync.flows.runbooks import runbook_page
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/runbooks",
    summary="List runbooks by their ids",
    uses=(Resource.RUNBOOKS.read(),),
)
def handler(
    caller: FromCaller, services: Injected, limit: Limit = 50, cursor: Cursor = None
) -> Answer[RunbookListReply]:
    """Answer a page of the tenant's own and the built-in ones that it has left as they are."""
    size = clamped(limit)
    page = runbook_page(services, caller.tenant, limit=size, cursor=cursor)
    return Answer(
        RunbookListReply(
            items=[RunbookReply.of(each) for each in page.runbooks],
            next_cursor=page.next_cursor,
            effective_limit=size,
        ),
        linked("/api/monitoring/runbooks", page.next_cursor, limit=size),
    )
