"""What follows from a changed hot item: totals, closed minutes, weddings' hours.

All of it is made anew from what is stored and overwrites by version only, so it may be repeated
and raced at will; a batch that is delivered again repairs what a crash left undone.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from wedsync.flows.reading import CLOSES_AFTER_MS, merged_minute, packs_of
from wedsync.flows.times import MINUTE_MS, MINUTES_PER_HOUR, epoch_ms, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.series import pack_of
from wedsync.stores.hot_windows import Merged
from wedsync.stores.services import Services
from wedsync.stores.windows import ClosedMinute
from wedsync.tenancy import Tenant

SETTLED = timedelta(minutes=2)
"""The frontier of the weddings' hours stays this far behind the clock."""
MARGIN = timedelta(seconds=30)
"""How far two functions' clocks may differ: writers that are this near the frontier refresh too."""
HOURS_BACK = 26
"""How far back a point may still change an hour, and a little more."""


def refresh(services: Services, merged: Iterable[Merged]) -> None:
    """Bring everything up to date that readers take from these hot items."""
    every = tuple(merged)
    for each in every:
        _put_totals(services, each)
        if each.late:
            _tell_of_late(services, each)
    minutes = {(each.key.tenant, each.key.pack, each.key.minute) for each in every}
    hours: set[tuple[str, int, int]] = set()
    for tenant_id, pack, minute in sorted(minutes):
        now = services.now()
        if minute < minute_of(now):
            close_minute(services, Tenant(tenant_id), pack, minute)
        if _minute_end(minute) <= epoch_ms(now - SETTLED + MARGIN):
            hours.add((tenant_id, pack, minute // MINUTES_PER_HOUR))
    for tenant_id, pack, hour in sorted(hours):
        refresh_hour(services, Tenant(tenant_id), pack, hour, before=minute_of(services.now()))


def close_minute(services: Services, tenant: Tenant, pack: int, minute: int) -> ClosedMinute:
    """Merge a minute's hot items into its closed item."""
    item = merged_minute(services.hot_windows.minute(tenant, pack, minute))
    if item.version:
        services.windows.put_closed(tenant, pack, minute, item, now=services.now())
    return item


def refresh_hour(services: Services, tenant: Tenant, pack: int, hour: int, *, before: int) -> None:
    """Make the hours of a pack's weddings anew from its minutes up to ``before``, exclusive."""
    first = hour * MINUTES_PER_HOUR
    minutes = range(first, min(first + MINUTES_PER_HOUR, before))
    closed = services.windows.closed(tenant, pack, minutes)
    blocks: list[Block] = []
    version = 0
    for minute in minutes:
        item = closed.get(minute)
        if item is None:
            item = close_minute(services, tenant, pack, minute)
        version += item.version
        blocks += [Block.decode(part) for part in (item.on_time, item.late) if part]
    whole = Block.merge(blocks)
    packs = packs_of(services.settings)
    for wedding_id in whole.wedding_ids():
        if pack_of(wedding_id, packs) == pack:
            services.windows.put_hour(
                tenant,
                wedding_id,
                hour,
                whole.only(wedding_id),
                through=minutes.stop,
                version=version,
                now=services.now(),
            )


def close_last_minute(services: Services, now: datetime) -> int:
    """Close the minute that is just over, for every pack that is active; how many there were."""
    minute = minute_of(now) - 1
    if epoch_ms(now) < _minute_end(minute) + CLOSES_AFTER_MS:
        minute -= 1
    count = 0
    for active in services.windows.active(minute // MINUTES_PER_HOUR):
        close_minute(services, active.tenant, active.pack, minute)
        count += 1
    return count


def compact(services: Services, now: datetime) -> int:
    """Bring every wedding's hours up to the frontier, and move it on; how many packs there were.

    Starts at the hour of the last frontier, so that what a missed run left is caught up.
    """
    target = minute_of(now - SETTLED)
    frontier = services.windows.frontier()
    oldest = target // MINUTES_PER_HOUR - HOURS_BACK
    first = oldest if frontier is None else max(oldest, frontier // MINUTES_PER_HOUR)
    count = 0
    for hour in range(first, target // MINUTES_PER_HOUR + 1):
        for active in services.windows.active(hour):
            refresh_hour(services, active.tenant, active.pack, hour, before=target)
            count += 1
    services.windows.advance_frontier(target)
    return count


def _put_totals(services: Services, merged: Merged) -> None:
    content = merged.item.content
    services.windows.put_totals(
        Tenant(merged.key.tenant),
        merged.key.pack,
        merged.key.minute,
        merged.item.place,
        ClosedMinute(
            version=merged.item.version,
            on_time=Block.decode(content.on_time).totals_only().encode(),
            late=Block.decode(content.late).totals_only().encode(),
            sent_on_time=content.sent_on_time,
            sent_late=content.sent_late,
            duplicates=content.duplicates,
        ),
        now=services.now(),
    )


def _tell_of_late(services: Services, merged: Merged) -> None:
    """Note in the present minute what came too late for its own, where nobody looks any more.

    Only what was new is noted, once per version of its hot item: copies tell of nothing.
    """
    item = merged.item
    services.windows.put_totals(
        Tenant(merged.key.tenant),
        merged.key.pack,
        minute_of(services.now()),
        f"late#{merged.key.minute}#{item.place}#{item.version}",
        ClosedMinute(
            version=item.version,
            on_time=b"",
            late=b"",
            sent_on_time=0,
            sent_late=merged.late,
            duplicates=0,
        ),
        now=services.now(),
    )


def _minute_end(minute: int) -> int:
    return (minute + 1) * MINUTE_MS
