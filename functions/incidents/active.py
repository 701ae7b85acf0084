"""What is going wrong now, the worst first."""

from wedsync.api.incidents import IncidentReply
from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/incidents/active",
    summary="List active incidents, the worst first",
    uses=(Resource.INCIDENTS.read(),),
    exact=True,
)
def handler(
    caller: FromCaller, services: Injected, limit: Limit = 200, cursor: Cursor = None
) -> Answer[list[IncidentReply]]:
    """Answer a page by severity, then wedding impact, then age; a Link header leads on."""
    size = clamped(limit)
    page = services.incidents.active(caller.tenant, limit=size, cursor=cursor)
    return Answer(
        [IncidentReply.of(each) for each in page.incidents],
        linked("/api/monitoring/incidents/active", page.next_cursor, limit=size),
    )
