"""Somebody looks through what is silenced, and what was."""

from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.api.silences import SilenceListReply, SilenceReply
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/alerts/silences",
    summary="List silences",
    uses=(Resource.RULES.read(),),
)
def handler(
    caller: FromCaller, services: Injected, limit: Limit = 50, cursor: Cursor = None
) -> Answer[SilenceListReply]:
    """Answer a page of those of the last month; a Link header leads on."""
    now, size = services.now(), clamped(limit)
    found, following = services.silences.page(caller.tenant, limit=size, cursor=cursor)
    return Answer(
        SilenceListReply(
            items=[SilenceReply.of(each, now=now) for each in found],
            next_cursor=following,
            effective_limit=size,
        ),
        linked("/api/metrics/alerts/silences", following, limit=size),
    )
