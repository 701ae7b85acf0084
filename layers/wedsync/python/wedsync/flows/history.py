"""Copying what is closed to the long-range store, where the deployment has one.

Minutes of tenants, and of weddings while their window is open, are copied when nothing can come
for them in time any more; hours of tenants, weddings and vendors likewise. A row carries the
version of what it was made from, so copying again changes nothing, and what changes is copied
again. The rollups stay the truth: a store that is down is caught up with later, and loses nobody an
answer.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from wedsync.cloud import Measured
from wedsync.cloud.limits import DIMENSION_VALUE_BYTES, MEASURED_POINTS
from wedsync.flows.closing import HOURS_OF_MINUTES
from wedsync.flows.following import AS_A_WHOLE, HourJob, Places, active_tenants, follow
from wedsync.flows.reading import block_of
from wedsync.flows.rolled import hours_of
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTE_MS, MINUTES_PER_HOUR, epoch_ms, minute_of, minute_start
from wedsync.isolation import Units, in_turn
from wedsync.metrics.block import Block
from wedsync.metrics.lateness import ON_TIME_MS
from wedsync.metrics.parts import each_series
from wedsync.metrics.selection import Selection
from wedsync.metrics.summary import Summary
from wedsync.settings import History
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rollups import WHOLE, Again, Changed, Scope, ScopeKind, scopes_in
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.timeline import operational_window

ALL_DIMS = "*"
"""Stands for a metric's series of all dimensions together."""
COPIED_AFTER = timedelta(milliseconds=ON_TIME_MS, minutes=2)
"""A minute is copied when it has been over this long: what comes later is late, and the hour's."""
_QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}


class Width(StrEnum):
    """What a row sums up."""

    MINUTE = "1m"
    HOUR = "1h"

    @property
    def frontier(self) -> Frontier:
        """Before which minute rows of this width are copied."""
        return Frontier.HISTORY_MINUTES if self is Width.MINUTE else Frontier.HISTORY_HOURS


WIDTHS = {Width.MINUTE: 1, Width.HOUR: MINUTES_PER_HOUR}
"""Minutes that a row sums up."""


def copied_before(services: Services, now: datetime) -> int:
    """The minute before which everything may have been copied; 0 where nothing ever is."""
    if services.settings.history is History.DYNAMODB:
        return 0
    return minute_of(now - COPIED_AFTER)


def mark_for_copying(services: Services, tenant: Tenant, pack: int, hour: int) -> None:
    """Have an hour, and its minutes, copied again."""
    now = services.now()
    changed = Changed(hour=hour, tenant=tenant, pack=pack, version=epoch_ms(now))
    services.rollups.mark_changed(Again.HISTORY, changed, now=now)


def copy_history(services: Services, now: datetime) -> int:
    """Copy what is closed and was not copied yet, and what has changed; how many rows there were.

    Raises Unavailable while the store takes nothing, UnitsFailed where it was something else, or
    only some of it: the next run goes on from there.
    """
    if services.settings.history is History.DYNAMODB:
        return 0
    before = copied_before(services, now)
    rolled = services.frontiers.progress(Frontier.HOURS)
    count = 0

    units = Units(out_of_time=services.out_of_time)

    def copied(tenant: Tenant, name: str, rows: Iterable[Measured]) -> Places:
        def copy() -> None:
            nonlocal count
            count += _write(services, rows)

        return () if units.done(tenant.id, f"copy of {name}", copy) else AS_A_WHOLE

    def minutes(tenant: Tenant, first: int, _: Places) -> Places:
        span = range(first, min(before, (first // MINUTES_PER_HOUR + 1) * MINUTES_PER_HOUR))
        return copied(tenant, f"minutes from {first}", minute_rows(services, tenant, span))

    def hours(tenant: Tenant, first: int, _: Places) -> Places:
        if first >= (rolled.of(tenant) or 0):
            return AS_A_WHOLE  # it is not made yet
        hour = first // MINUTES_PER_HOUR
        return copied(tenant, f"hour {hour}", hour_rows(services, tenant, hour))

    for frontier, until, do in (
        (Frontier.HISTORY_MINUTES, before, minutes),
        (
            Frontier.HISTORY_HOURS,
            min(before, rolled.minute or 0) // MINUTES_PER_HOUR * MINUTES_PER_HOUR,
            hours,
        ),
    ):
        job = HourJob(
            name=f"copy of {frontier}",
            frontier=frontier,
            until=until,
            oldest=before // MINUTES_PER_HOUR - HOURS_OF_MINUTES,
            due=lambda hour: active_tenants(services, hour),
            do=do,
        )
        follow(services, job, units, progress=services.frontiers.progress(frontier))
    count += _copy_changed(services, units)
    units.finish()
    return count


def copy_scope_hour(services: Services, tenant: Tenant, scope: Scope, hour: int) -> int:
    """Copy one scope's hour, where there is a store to copy it to; how many rows there were."""
    if services.settings.history is History.DYNAMODB:
        return 0
    return _write(services, scope_rows(services, tenant, scope, hour))


def copy_hour(services: Services, tenant: Tenant, hour: int) -> int:
    """Copy a tenant's hour and its minutes as far as these are kept; how many rows there were."""
    if services.settings.history is History.DYNAMODB:
        return 0
    start = hour * MINUTES_PER_HOUR
    minutes = range(start, min(start + MINUTES_PER_HOUR, copied_before(services, services.now())))
    written = _write(services, minute_rows(services, tenant, minutes))
    return written + _write(services, hour_rows(services, tenant, hour))


def minute_rows(services: Services, tenant: Tenant, minutes: Sequence[int]) -> Iterator[Measured]:
    """What came on time in some minutes of one hour: the tenant's, and of its open weddings."""
    for minute in minutes:
        items = services.windows.totals(tenant, minute)
        block = Block.merge(item.on_time for item in items)
        version = sum(item.version for item in items if item.on_time or item.late)
        yield from rows_of(tenant, WHOLE, Width.MINUTE, minute, version, block.totals())
    if not minutes:
        return
    packs = settings_of(services, tenant).packs
    shared: dict[tuple[int, str], list[tuple[int, Block]]] = {}
    for pack in range(max(packs.possible(minutes[0], minutes[-1]))):
        for minute, wedding_id, version, block in _minutes_of_open(services, tenant, pack, minutes):
            homes = packs.homes(wedding_id, minute, minute)
            if homes == (pack,):
                yield from _wedding_minute(tenant, wedding_id, minute, version, block)
            elif pack in homes:
                part = (version, block.only(wedding_id))
                shared.setdefault((minute, wedding_id), []).append(part)
    for (minute, wedding_id), parts in sorted(shared.items()):
        version = sum(version for version, _ in parts)
        block = Block.merge(block for _, block in parts)
        yield from _wedding_minute(tenant, wedding_id, minute, version, block)


def _minutes_of_open(
    services: Services, tenant: Tenant, pack: int, minutes: Sequence[int]
) -> Iterator[tuple[int, str, int, Block]]:
    """A pack's closed minutes by the weddings whose window was open in them, with the version."""
    closed = services.windows.closed(tenant, pack, minutes)
    blocks = {minute: block_of(item.on_time) for minute, item in sorted(closed.items())}
    named = {each for block in blocks.values() for each in block.wedding_ids()}
    found = services.weddings.find_many(tenant, named)
    windows = {each: operational_window(wedding) for each, wedding in found.items()}
    for minute, block in blocks.items():
        for wedding_id in block.wedding_ids():
            window = windows.get(wedding_id)
            if window is not None and window.contains(minute_start(minute)):
                yield minute, wedding_id, closed[minute].version, block


def _wedding_minute(
    tenant: Tenant, wedding_id: str, minute: int, version: int, block: Block
) -> Iterator[Measured]:
    scope = Scope(ScopeKind.WEDDING, wedding_id)
    series = block.select(wedding_id=wedding_id)
    yield from rows_of(tenant, scope, Width.MINUTE, minute, version, series)


def hour_rows(services: Services, tenant: Tenant, hour: int) -> Iterator[Measured]:
    """All that was accepted for an hour: of the tenant, its weddings and its vendors."""
    for scope in sorted(scopes_in(services.rollups.parts(tenant, hour))):
        yield from scope_rows(services, tenant, scope, hour)


def scope_rows(services: Services, tenant: Tenant, scope: Scope, hour: int) -> Iterator[Measured]:
    """All that was accepted for an hour of one scope, whenever it came."""
    shares = hours_of(services, tenant, scope, first=hour, last=hour)
    block = Block.merge(share.block for share in shares)
    series = block.totals() if scope == WHOLE else block.select()
    version = sum(share.version for share in shares)
    yield from rows_of(tenant, scope, Width.HOUR, hour * MINUTES_PER_HOUR, version, series)


def rows_of(
    tenant: Tenant, scope: Scope, width: Width, minute: int, version: int, series: Selection
) -> Iterator[Measured]:
    """One row a metric for all its series together, and one for each set of dimensions."""
    if not version:
        return
    by_dims: dict[str, dict[str, list[Summary]]] = {}
    for each, summary in each_series(series):
        dims = json.dumps(dict(each.dims), sort_keys=True)
        by_dims.setdefault(each.metric, {}).setdefault(dims, []).append(summary)
    for metric, found in sorted(by_dims.items()):
        dimensions = dimensions_of(tenant, scope, width, metric)
        together = [summary for summaries in found.values() for summary in summaries]
        rows = {ALL_DIMS: together} | (found if set(found) != {"{}"} else {})
        for dims, summaries in rows.items():
            named = {**dimensions, "dims": dims}
            if all(len(text.encode()) <= DIMENSION_VALUE_BYTES for text in named.values()):
                yield Measured(
                    dimensions=named,
                    at_ms=minute * MINUTE_MS,
                    version=version,
                    numbers=_numbers(Summary.merge(summaries)),
                )


def dimensions_of(tenant: Tenant, scope: Scope, width: Width, metric: str) -> dict[str, str]:
    """What names a row, but for the dimensions of its series."""
    return {
        "tenant": tenant.id,
        "scope": scope.text(),
        "width": width.value,
        "metric": metric,
    }


def _numbers(summary: Summary) -> Mapping[str, int | float]:
    known = {
        "min": summary.min,
        "max": summary.max,
        **{name: summary.quantile(q) for name, q in _QUANTILES.items()},
    }
    return {
        "count": summary.count,
        "sum": summary.sum,
        **{name: number for name, number in known.items() if number is not None},
    }


def _copy_changed(services: Services, units: Units) -> int:
    """Copy again what has changed, each tenant's hour once, however many of its packs have."""
    count = 0
    noted: dict[tuple[Tenant, int], list[Changed]] = {}
    for each in services.rollups.changed(Again.HISTORY):
        noted.setdefault((each.tenant, each.hour), []).append(each)

    def copy(tenant: Tenant, hour: int) -> None:
        nonlocal count
        count += copy_hour(services, tenant, hour)
        for each in noted[tenant, hour]:
            services.rollups.settle(Again.HISTORY, each)

    units.begin_again()
    for tenant, hour in in_turn(noted, minute_of(services.now())):
        units.done(tenant.id, f"copy of hour {hour} again", copy, tenant, hour)
    return count


def _write(services: Services, rows: Iterable[Measured]) -> int:
    """Write rows; those that are refused for good are set aside with the reason."""
    every = tuple(rows)
    for start in range(0, len(every), MEASURED_POINTS):
        batch = every[start : start + MEASURED_POINTS]
        for refusal in services.history.write(batch):
            row = batch[refusal.index]
            digest = "-".join(row.dimensions[name] for name in ("scope", "metric", "width"))
            services.quarantine.put(
                f"history/{row.dimensions['tenant']}/{row.at_ms}-{digest[:400]}",
                json.dumps(
                    {
                        "reason": refusal.reason,
                        "dimensions": dict(row.dimensions),
                        "atMs": row.at_ms,
                        "version": row.version,
                        "numbers": dict(row.numbers),
                    }
                ).encode(),
            )
    return len(every)
