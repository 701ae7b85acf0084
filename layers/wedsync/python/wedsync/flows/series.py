"""One metric over time, in buckets of a window; where nothing came there is no point."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wedsync.errors import Invalid, ResolutionNotKept
from wedsync.flows.reading import WindowReader
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.flows.viewing import note_view
from wedsync.metrics.block import Block
from wedsync.metrics.selection import Selection
from wedsync.metrics.summary import Summary
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

MINUTES_KEPT = timedelta(hours=47)
"""Minutes are kept for 48 h; older hours come from what they were rolled up to."""


class Window(StrEnum):
    """The width of a bucket."""

    SECOND = "1s"
    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    HOUR = "1h"

    @property
    def seconds(self) -> int:
        """How long one bucket is."""
        return {"1s": 1, "1m": 60, "5m": 300, "1h": 3600}[self.value]

    @property
    def longest(self) -> timedelta:
        """The longest range that is answered in these buckets."""
        return {
            "1s": timedelta(minutes=15),
            "1m": timedelta(hours=6),
            "5m": timedelta(hours=24),
            "1h": timedelta(days=31),
        }[self.value]


class Stat(StrEnum):
    """What is told of a bucket's observations. ``rate`` is observations per second."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    RATE = "rate"
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"


_QUANTILES = {Stat.P50: 0.50, Stat.P90: 0.90, Stat.P95: 0.95, Stat.P99: 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """Which metric, of which wedding (None: the tenant's totals), how and when.

    ``start`` is inclusive and ``end`` exclusive, both cut to whole buckets.
    """

    name: str
    stat: Stat
    window: Window
    start: datetime
    end: datetime
    group_by: tuple[str, ...] = ()
    wedding_id: str | None = None


Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the answer: its dimensions, and (bucket start in epoch ms, value)."""

    dims: dict[str, str | None]
    points: tuple[tuple[int, float], ...]


def read_series(services: Services, tenant: Tenant, query: SeriesQuery) -> tuple[Line, ...]:
    """The lines of a query. Raises Invalid for a range too long, ResolutionNotKept."""
    if query.end - query.start > query.window.longest:
        raise Invalid.field(
            "timeRange", "too-long", f"at most {query.window.longest} in {query.window} buckets"
        )
    buckets: dict[tuple[Group, int], list[Summary]] = {}
    for bucket, group, summary in _observations(services, tenant, query):
        buckets.setdefault((group, bucket), []).append(summary)
    lines: dict[Group, list[tuple[int, float]]] = {}
    for (group, bucket), summaries in sorted(buckets.items(), key=lambda each: each[0][1]):
        value = _value(Summary.merge(summaries), query)
        if value is not None:
            point = (bucket * query.window.seconds * 1000, value)
            lines.setdefault(group, []).append(point)
    return tuple(
        Line(dict(zip(query.group_by, group, strict=True)), tuple(points))
        for group, points in sorted(
            lines.items(), key=lambda each: [part or "" for part in each[0]]
        )
    )


def _observations(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> Iterator[tuple[int, Group, Summary]]:
    if query.window is Window.SECOND:
        yield from _by_second(services, tenant, query)
        return
    per_bucket = query.window.seconds // 60
    for minute, selection in _selections(services, tenant, query):
        for group, summary in selection.by(*query.group_by).items():
            yield minute // per_bucket, group, summary


def _by_second(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> Iterator[tuple[int, Group, Summary]]:
    if query.group_by:
        raise Invalid.field("groupBy", "not-with-1s", "one-second buckets are not grouped")
    if query.wedding_id is not None:
        note_view(services, tenant, query.wedding_id)
    for minute, selection in _selections(services, tenant, query):
        if not selection:
            continue
        if not selection.seconds_kept:
            raise ResolutionNotKept(
                "one second is kept of a wedding while its window is open or somebody looks at "
                "it: from now on, and not in all of this range"
            )
        for second, summary in selection.per_second().items():
            bucket = minute * 60 + second
            if query.start.timestamp() <= bucket < query.end.timestamp():
                yield bucket, (), summary


def _selections(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> Iterator[tuple[int, Selection]]:
    """The query's series of each minute; of whole hours where their minutes are gone."""
    now = services.now()
    both = query.window is Window.HOUR
    first, last = minute_of(query.start), minute_of(query.end - timedelta(milliseconds=1))
    oldest = minute_of(now - MINUTES_KEPT) // MINUTES_PER_HOUR * MINUTES_PER_HOUR
    if query.wedding_id is None:
        for minute in range(max(first, oldest), last + 1):
            items = services.windows.totals(tenant, minute)
            blocks = [block for item in items for block in (item.on_time, item.late)[: 1 + both]]
            yield minute, Block.merge(blocks).totals(query.name)
        return
    if both and first < oldest:
        hours = services.windows.hours(
            tenant,
            query.wedding_id,
            first=first // MINUTES_PER_HOUR,
            last=min(oldest - 1, last) // MINUTES_PER_HOUR,
        )
        for hour in hours:
            yield hour.hour * MINUTES_PER_HOUR, _of_wedding(hour.block, query)
    reader = WindowReader(
        services.hot_windows,
        services.windows,
        tenant,
        packs=settings_of(services, tenant).packs,
        now=now,
    )
    for read in reader.minutes_of_wedding(query.wedding_id, max(first, oldest), last):
        yield read.minute, _of_wedding(read.both() if both else read.on_time, query)


def _of_wedding(block: Block, query: SeriesQuery) -> Selection:
    return block.select(query.name, wedding_id=query.wedding_id)


def _value(summary: Summary, query: SeriesQuery) -> float | None:
    if query.stat in _QUANTILES:
        return summary.quantile(_QUANTILES[query.stat])
    return {
        Stat.COUNT: summary.count,
        Stat.SUM: summary.sum,
        Stat.AVG: summary.mean,
        Stat.MIN: summary.min,
        Stat.MAX: summary.max,
        Stat.RATE: summary.count / query.window.seconds,
    }[query.stat]
