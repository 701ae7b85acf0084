"""How incidents went over a stretch of time, Saturdays apart."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.api.postmortems import RecordReply, StatisticsReply
from wedsync.api.ranges import time_range
from wedsync.api.shape import Instant
from wedsync.incidents.postmortem import opened_on_saturday, record
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint

MOST = 2000


@endpoint(
    "GET /api/monitoring/incidents/statistics",
    summary="Read how long incidents took to be detected, answered and resolved",
    uses=(Resource.INCIDENTS.read(),),
)
def handler(
    caller: FromCaller,
    services: Injected,
    time_range_text: Annotated[str | None, Query(alias="timeRange")] = None,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
) -> StatisticsReply:
    """Answer the last 90 days, or what is asked for, by when incidents were opened."""
    usual = "90d" if time_range_text is None and start is None else time_range_text
    first, until = time_range(text=usual, start=start, end=end, now=services.now())
    found = services.incidents.opened(caller.tenant, since=first, until=until, most=MOST)
    saturdays = [each for each in found if opened_on_saturday(each)]
    others = [each for each in found if not opened_on_saturday(each)]
    return StatisticsReply(
        from_=first,
        to=until,
        saturdays=RecordReply.of(record(saturdays)),
        other_days=RecordReply.of(record(others)),
        complete=len(found) < MOST,
    )
