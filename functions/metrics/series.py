"""One metric over time."""

from datetime import timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.api.ranges import time_range
from wedsync.api.series import SeriesReply
from wedsync.api.shape import Instant
from wedsync.errors import ResolutionNotKept, WeddingNotFound
from wedsync.flows.grants import LOOKING
from wedsync.flows.series import query_for, series
from wedsync.flows.tenant_settings import settings_of
from wedsync.metrics.asking import Stat, Window
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer, Freshness
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.weddings.context import wedding_context


@endpoint(
    "GET /api/metrics/series",
    summary="Read one metric over time",
    uses=(*LOOKING, Resource.HISTORY.read(), Resource.VIEWS.write()),
    raises=(WeddingNotFound, ResolutionNotKept),
    layers=("numeric",),
)
def handler(
    caller: FromCaller,
    services: Injected,
    name: Annotated[str, Query(min_length=1, max_length=200)],
    stat: Annotated[Stat, Query()] = Stat.AVG,
    window: Annotated[Window, Query()] = Window.MINUTE,
    time_range_text: Annotated[str | None, Query(alias="timeRange")] = None,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    group_by: Annotated[str | None, Query(alias="groupBy", max_length=200)] = None,
    wedding_id: Annotated[str | None, Query(alias="weddingId")] = None,
    vendor_id: Annotated[str | None, Query(alias="vendorId", max_length=128)] = None,
    zone: Annotated[str | None, Query(max_length=64)] = None,
) -> Answer[SeriesReply]:
    """Answer whole buckets: of a wedding, of a vendor, or of the tenant's totals."""
    now = services.now()
    wedding = None
    if wedding_id is not None:
        wedding = services.weddings.get(caller.tenant, wedding_id, pointer="weddingId")
    default = window.usual if time_range_text is None and start is None else time_range_text
    first, until = time_range(text=default, start=start, end=end, now=now + timedelta(seconds=1))
    query = query_for(
        name=name,
        stat=stat,
        window=window,
        between=(first, until),
        group_by=tuple(part for part in (group_by or "").split(",") if part),
        wedding=wedding,
        vendor_id=vendor_id,
        zone=zone,
    )
    found = series(services, caller.tenant, query)
    context = None
    if wedding is not None:
        context = wedding_context(wedding, now, settings_of(services, caller.tenant).season)
    body = SeriesReply.of(query, found.value, as_of=found.as_of, context=context)
    return Answer(body, freshness=Freshness(as_of=found.as_of, hit=found.hit))
