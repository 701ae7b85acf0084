"""Answering from the long-range store what it can tell exactly.

It holds what each series of a minute or an hour amounts to. Counts, sums and extremes of several
rows add up; quantiles do not, so a quantile is told only where one row is the whole bucket.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from wedsync.cloud import Measured, Span
from wedsync.errors import Unavailable
from wedsync.flows.history import ALL_DIMS, WIDTHS, Width, dimensions_of
from wedsync.flows.query import QUANTILES, Bucket, Group, SeriesQuery
from wedsync.metrics.asking import Stat, Window
from wedsync.settings import History
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.days import days_between

_NO_DIMENSIONS = frozenset({"wedding_id", "vendor_id", "metric"})
"""Names to group by that are no dimensions of a row."""

Values = dict[tuple[Group, Bucket], float]


def from_history(services: Services, tenant: Tenant, query: SeriesQuery) -> Values | None:
    """The values of a query, or None where the store is off, down, or cannot tell exactly."""
    if services.settings.history is History.DYNAMODB or query.window is Window.SECOND:
        return None
    both = query.wedding_id is not None and query.vendor_id is not None
    if both or _NO_DIMENSIONS & set(query.group_by):
        return None
    buckets = tuple(_buckets(query))
    width = Width.HOUR if query.window.holds_late else Width.MINUTE
    if any(bucket.start % (WIDTHS[width] * 60) for bucket in buckets):
        return None  # a day that begins within an hour
    frontier = services.frontiers.of(width.frontier, tenant) or 0
    if buckets[-1].end > frontier * 60:
        return None
    dimensions = dimensions_of(tenant, query.scope, width, query.name)
    if not query.group_by:
        dimensions["dims"] = ALL_DIMS
    span = Span(
        dimensions=dimensions, start_ms=buckets[0].start * 1000, end_ms=buckets[-1].end * 1000
    )
    try:
        rows = services.history.read(span)
    except (Unavailable, ValueError):
        return None
    # Nothing at all may be a gap, or a store that was made only now: rollups know.
    return _values(query, buckets, rows) if rows else None


def _buckets(query: SeriesQuery) -> Iterator[Bucket]:
    if query.window is Window.DAY:
        for day in days_between(query.zone, query.start, query.end):
            yield Bucket(day.first_minute * 60, day.end_minute * 60)
        return
    width = query.window.seconds
    start = int(query.start.timestamp()) // width * width
    while start < query.end.timestamp():
        yield Bucket(start, start + width)
        start += width


def _values(
    query: SeriesQuery, buckets: Sequence[Bucket], rows: Sequence[Measured]
) -> Values | None:
    found: dict[tuple[Group, Bucket], list[Mapping[str, float]]] = {}
    ordered = iter(buckets)
    bucket = next(ordered)
    for row in _telling(query, rows):
        while row.at_ms >= bucket.end * 1000:
            bucket = next(ordered)
        found.setdefault((_group(query, row), bucket), []).append(row.numbers)
    values: Values = {}
    for at, numbers in found.items():
        value = _value(query.stat, numbers, seconds=at[1].end - at[1].start)
        if value is None:
            return None
        values[at] = value
    return values


def _telling(query: SeriesQuery, rows: Sequence[Measured]) -> Iterator[Measured]:
    """Rows by dimensions where these are grouped; a metric without any has one for all."""
    if not query.group_by:
        yield from rows
        return
    split = {row.at_ms for row in rows if row.dimensions["dims"] != ALL_DIMS}
    for row in rows:
        if (row.dimensions["dims"] != ALL_DIMS) == (row.at_ms in split):
            yield row


def _group(query: SeriesQuery, row: Measured) -> Group:
    dims = row.dimensions["dims"]
    held: Mapping[str, str] = {} if dims == ALL_DIMS else json.loads(dims)
    return tuple(held.get(name) for name in query.group_by)


def _value(stat: Stat, rows: Sequence[Mapping[str, float]], *, seconds: int) -> float | None:
    if stat in QUANTILES:
        return rows[0].get(stat.value) if len(rows) == 1 else None
    count = sum(row["count"] for row in rows)
    total = sum(row["sum"] for row in rows)
    return {
        Stat.COUNT: count,
        Stat.SUM: total,
        Stat.AVG: total / count,
        Stat.MIN: min(row["min"] for row in rows),
        Stat.MAX: max(row["max"] for row in rows),
        Stat.RATE: count / seconds,
    }[stat]
