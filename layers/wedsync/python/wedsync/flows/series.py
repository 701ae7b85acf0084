"""One metric over time, in buckets of a window; where nothing came there is no point.

Buckets are answered from the coarsest of what is stored whole: days, hours, minutes. One second,
one and five minutes tell of what came on time; an hour and a day of all that was accepted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import merge

from wedsync.cloud.memory import Remembered
from wedsync.errors import Invalid, ResolutionNotKept
from wedsync.flows.closing import HOURS_OF_MINUTES, MINUTES_PER_QUARTER
from wedsync.flows.long_range import from_history
from wedsync.flows.query import QUANTILES, Bucket, Group, Line, SeriesQuery, lines_of
from wedsync.flows.readers import window_reader
from wedsync.flows.rolled import UTC_ZONE, stored_pieces
from wedsync.flows.times import MINUTES_PER_HOUR, in_words, minute_of, minute_start
from wedsync.flows.viewing import note_view
from wedsync.metrics.asking import Stat, Window
from wedsync.metrics.block import Block
from wedsync.metrics.lateness import ACCEPTED_MS
from wedsync.metrics.summary import Summary
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rollups import WHOLE, Scope, ScopeKind
from wedsync.stores.services import Services
from wedsync.stores.windows import HOURS_KEPT
from wedsync.tenancy import Tenant
from wedsync.weddings.calendar import zone_names
from wedsync.weddings.days import LocalDay, day_at, days_between
from wedsync.weddings.model import Wedding

MINUTES_KEPT = timedelta(hours=HOURS_OF_MINUTES)
"""Minutes are kept for 48 h; older hours come from what they were rolled up to."""
CACHED_SECONDS = 1.0


def query_for(
    *,
    name: str,
    stat: Stat,
    window: Window,
    between: tuple[datetime, datetime],
    group_by: tuple[str, ...],
    wedding: Wedding | None,
    vendor_id: str | None,
    zone: str | None,
) -> SeriesQuery:
    """The query of these wishes, whose days are the venue's, or UTC's, unless a zone is named.

    Raises Invalid for what is no zone and for a range too long.
    """
    kept = UTC_ZONE if wedding is None else wedding.venue.time_zone
    if zone is not None and zone not in zone_names():
        raise Invalid.field("zone", "unknown-zone", "an IANA time zone such as Europe/Madrid")
    start, end = between
    longest = window.longest
    if window is Window.DAY and zone not in (None, kept):
        longest = HOURS_KEPT
    if end - start > longest:
        detail = f"at most {in_words(longest)} in {window} buckets"
        raise Invalid.field("timeRange", "too-long", detail)
    return SeriesQuery(
        name=name,
        stat=stat,
        window=window,
        start=start,
        end=end,
        group_by=group_by,
        wedding_id=None if wedding is None else wedding.wedding_id,
        vendor_id=vendor_id,
        zone=zone or kept,
        kept_zone=kept,
    ).aligned()


class Source(StrEnum):
    """Where the older part of an answer was read."""

    ROLLUPS = "rollups"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Found:
    """The lines of a query, and where their older part comes from."""

    lines: tuple[Line, ...]
    source: Source


def series(services: Services, tenant: Tenant, query: SeriesQuery) -> Remembered[Found]:
    """The lines of a query, at most a second old."""
    return services.memory.recall(
        (tenant, "series", query),
        lambda: read_series(services, tenant, query),
        now=services.now(),
        for_seconds=CACHED_SECONDS,
    )


def read_series(services: Services, tenant: Tenant, query: SeriesQuery) -> Found:
    """The lines of a query. Raises ResolutionNotKept.

    What is older than minutes are kept is asked of the long-range store, if there is one; where
    that fails or cannot tell, rollups answer.
    """
    oldest = minute_start(_oldest_minute(services))
    split = day_at(query.zone, oldest).start if query.window is Window.DAY else oldest
    if query.start < split:
        old = from_history(services, tenant, replace(query, end=min(query.end, split)))
        if old is not None:
            recent = replace(query, start=split)
            values = old | (_values(services, tenant, recent) if split < query.end else {})
            return Found(lines_of(query, values), Source.HISTORY)
    return Found(lines_of(query, _values(services, tenant, query)), Source.ROLLUPS)


def _values(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> dict[tuple[Group, Bucket], float]:
    buckets: dict[tuple[Group, Bucket], list[Summary]] = {}
    for bucket, group, summary in _observations(services, tenant, query):
        buckets.setdefault((group, bucket), []).append(summary)
    return {
        at: value
        for at, summaries in buckets.items()
        if (value := _value(Summary.merge(summaries), query, at[1])) is not None
    }


def _observations(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> Iterator[tuple[Bucket, Group, Summary]]:
    match query.window:
        case Window.SECOND:
            yield from _by_second(services, tenant, query)
        case Window.DAY:
            yield from _by_day(services, tenant, query)
        case _:
            yield from _by_epoch(services, tenant, query)


def _by_second(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> Iterator[tuple[Bucket, Group, Summary]]:
    if query.group_by:
        raise Invalid.field("groupBy", "not-with-1s", "one-second buckets are not grouped")
    if query.wedding_id is not None:
        note_view(services, tenant, query.wedding_id)
    first, last = minute_of(query.start), minute_of(query.end - timedelta(milliseconds=1))
    for minute, block in _between(services, tenant, query, first, last + 1):
        selection = query.select(block)
        if not selection:
            continue
        if not selection.seconds_kept:
            raise ResolutionNotKept(
                "one second is kept of a wedding while its window is open or somebody looks at "
                "it: from now on, and not in all of this range"
            )
        for second, summary in selection.per_second().items():
            at = minute * 60 + second
            if query.start.timestamp() <= at < query.end.timestamp():
                yield Bucket(at, at + 1), (), summary


def _by_epoch(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> Iterator[tuple[Bucket, Group, Summary]]:
    """Buckets that are multiples of their width since 1970."""
    width = query.window.seconds
    first = int(query.start.timestamp()) // width * width // 60
    end = -(-int(query.end.timestamp()) // width) * width // 60
    for minute, block in _between(services, tenant, query, first, end):
        start = minute * 60 // width * width
        for group, summary in query.select(block).by(*query.group_by).items():
            yield Bucket(start, start + width), group, summary


def _by_day(
    services: Services, tenant: Tenant, query: SeriesQuery
) -> Iterator[tuple[Bucket, Group, Summary]]:
    days = list(days_between(query.zone, query.start, query.end))
    # Before the days: what the frontier has passed by then is among them.
    made = services.frontiers.of(Frontier.DAYS, tenant) or 0
    stored: dict[LocalDay, Block] = {}
    if query.zone == query.kept_zone:
        held = services.rollups.days(
            tenant, query.scope, query.zone, first=days[0].date, last=days[-1].date
        )
        by_date = {each.date: each.block for each in held}
        stored = {day: by_date[day.date] for day in days if day.date in by_date}
    for run in _runs(services, query, days, stored, made=made):
        ends = iter(run)
        day = next(ends)
        for minute, block in _between(
            services, tenant, query, run[0].first_minute, run[-1].end_minute
        ):
            while minute >= day.end_minute:
                day = next(ends)
            for group, summary in query.select(block).by(*query.group_by).items():
                yield _bucket(day), group, summary
    for day, block in stored.items():
        for group, summary in query.select(block).by(*query.group_by).items():
            yield _bucket(day), group, summary


def _runs(
    services: Services,
    query: SeriesQuery,
    days: Sequence[LocalDay],
    stored: dict[LocalDay, Block],
    *,
    made: int,
) -> Iterator[list[LocalDay]]:
    """The days that are to be read from hours, those that follow each other together.

    A day for which nothing is stored though its time has come had no data, except a wedding's:
    its venue may have moved to another zone since.
    """
    kept_since = services.now() - HOURS_KEPT
    run: list[LocalDay] = []
    for day in days:
        over = day.end_minute <= made and query.zone == query.kept_zone
        empty = over and query.scope.kind is not ScopeKind.WEDDING
        # A day that begins within an hour is read for itself, so that this hour is cut.
        if run and (day in stored or empty or day.first_minute % MINUTES_PER_HOUR):
            yield run
            run = []
        if day not in stored and not empty and day.start >= kept_since:
            run.append(day)
    if run:
        yield run


def _bucket(day: LocalDay) -> Bucket:
    return Bucket(day.first_minute * 60, day.end_minute * 60)


def _between(
    services: Services, tenant: Tenant, query: SeriesQuery, first: int, end: int
) -> Iterator[tuple[int, Block]]:
    """Blocks for a query's buckets, none of which reaches over two."""
    return blocks_between(services, tenant, query.scope, first, end, late=query.window.holds_late)


def blocks_between(
    services: Services, tenant: Tenant, scope: Scope, first: int, end: int, *, late: bool
) -> Iterator[tuple[int, Block]]:
    """What is known from ``first`` to ``end``, by the minute that each block begins with.

    With ``late`` it is all that was accepted, by hours where these are whole, else what came on
    time, by minutes. An hour that the range cuts is read by minutes as long as these are kept.
    What is older than minutes are kept is what is stored, whether or not the hourly job came there.
    """
    oldest = _oldest_minute(services)
    if not late:
        if first < oldest:
            raise ResolutionNotKept("buckets below an hour are kept for two days")
        yield from _minutes(services, tenant, scope, first, end, late=False)
        return
    rolled = (
        (services.frontiers.of(Frontier.HOURS, tenant) or 0) // MINUTES_PER_HOUR * MINUTES_PER_HOUR
    )
    stored_from = first if first < oldest else -(-first // MINUTES_PER_HOUR) * MINUTES_PER_HOUR
    stored_until = min(end, max(rolled, oldest))
    if stored_until >= oldest:
        stored_until = stored_until // MINUTES_PER_HOUR * MINUTES_PER_HOUR
    if stored_from >= stored_until:
        yield from _unrolled(services, tenant, scope, max(first, oldest), end)
        return
    yield from _unrolled(services, tenant, scope, first, stored_from)
    for piece in stored_pieces(services, tenant, scope, stored_from, stored_until):
        yield piece.minute, piece.block
    yield from _unrolled(services, tenant, scope, max(stored_until, oldest), end)


def _unrolled(
    services: Services, tenant: Tenant, scope: Scope, first: int, end: int
) -> Iterator[tuple[int, Block]]:
    """What is known of minutes whose hour is not stored or cut, with what was backfilled to them.

    What is backfilled is a day old at least, and kept by quarters. A block is told of by the minute
    that it begins with, in order.
    """
    added: list[tuple[int, Block]] = []
    last = min(end - 1, minute_of(services.now() - timedelta(milliseconds=ACCEPTED_MS)))
    if first <= last:
        first_hour, last_hour = first // MINUTES_PER_HOUR, last // MINUTES_PER_HOUR
        for each in services.backfills.added(tenant, scope, first=first_hour, last=last_hour):
            for at, block in enumerate(each.blocks):
                minute = each.hour * MINUTES_PER_HOUR + at * MINUTES_PER_QUARTER
                if first <= minute < end:
                    added.append((minute, block))
    minutes = _minutes(services, tenant, scope, first, end, late=True)
    yield from merge(minutes, sorted(added, key=_minute), key=_minute)


def _minute(piece: tuple[int, Block]) -> int:
    return piece[0]


def _oldest_minute(services: Services) -> int:
    """The first minute of the oldest hour whose minutes are all kept."""
    return minute_of(services.now() - MINUTES_KEPT) // MINUTES_PER_HOUR * MINUTES_PER_HOUR


def _minutes(
    services: Services, tenant: Tenant, scope: Scope, first: int, end: int, *, late: bool
) -> Iterator[tuple[int, Block]]:
    """Minutes from ``first`` to ``end``, exclusive, as far as there can be any."""
    now = services.now()
    end = min(end, minute_of(now) + _AHEAD_MINUTES)
    if first >= end:
        return
    if scope == WHOLE:
        for minute in range(first, end):
            items = services.windows.totals(tenant, minute)
            kept = (block for item in items for block in (item.on_time, item.late)[: 1 + late])
            yield minute, Block.merge(kept)
        return
    reader = window_reader(services, tenant, now)
    if scope.kind is ScopeKind.WEDDING:
        read = [reader.minutes_of_wedding(scope.id, first, end - 1)]
    else:
        read = reader.minutes_of_all(first, end - 1)
    for at, minute in enumerate(range(first, end)):
        for pack in read:
            yield minute, pack[at].both() if late else pack[at].on_time


_AHEAD_MINUTES = 7
"""A point may lie five minutes ahead of the clock, in a minute that has begun by then."""


def _value(summary: Summary, query: SeriesQuery, bucket: Bucket) -> float | None:
    if query.stat in QUANTILES:
        return summary.quantile(QUANTILES[query.stat])
    return {
        Stat.COUNT: summary.count,
        Stat.SUM: summary.sum,
        Stat.AVG: summary.mean,
        Stat.MIN: summary.min,
        Stat.MAX: summary.max,
        Stat.RATE: summary.count / (bucket.end - bucket.start),
    }[query.stat]
