"""What follows from a changed hot item: totals, closed minutes, weddings' hours.

All of it is made anew from what is stored and overwrites by version only, so it may be repeated
and raced at will; a batch that is delivered again repairs what a crash left undone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.flows.reading import CLOSES_AFTER_MS, block_of, merged_minutes
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTE_MS, MINUTES_PER_HOUR, epoch_ms, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.fold import SlotKey
from wedsync.stores.hot_windows import HotItem, Merged
from wedsync.stores.services import Services
from wedsync.stores.windows import ClosedMinute
from wedsync.tenancy import Tenant

SETTLED = timedelta(minutes=2)
"""The frontier of the weddings' hours stays this far behind the clock."""
MARGIN = timedelta(seconds=30)
"""How far two functions' clocks may differ: writers that are this near the frontier refresh too."""
CLOSED_TOGETHER = 16
"""How many packs' minutes are merged at a go: enough to share the work, few enough to hold."""
HOURS_BACK = 26
"""How far back a point may still change an hour, and a little more."""


def refresh(services: Services, merged: Iterable[Merged]) -> None:
    """Bring everything up to date that readers take from these hot items."""
    every = tuple(merged)
    for each in every:
        for item in each.sealed:
            _put_totals(services, each.key, item, _totals_of(item))
            _tell_of_late(services, each.key, item)
        _put_totals(services, each.key, each.item, each.totals)
        _tell_of_late(services, each.key, each.item)
    minutes = sorted({(each.key.tenant, each.key.pack, each.key.minute) for each in every})
    now = services.now()
    over = [(Tenant(tenant), pack, at) for tenant, pack, at in minutes if at < minute_of(now)]
    close_minutes(services, over)
    settled_ms = epoch_ms(services.now() - SETTLED + MARGIN)
    hours = {
        (tenant, pack, minute // MINUTES_PER_HOUR)
        for tenant, pack, minute in minutes
        if _minute_end(minute) <= settled_ms
    }
    for tenant_id, pack, hour in sorted(hours):
        refresh_hour(services, Tenant(tenant_id), pack, hour, before=minute_of(services.now()))


def close_minute(services: Services, tenant: Tenant, pack: int, minute: int) -> ClosedMinute:
    """Merge a minute's hot items into its closed item."""
    (item,) = close_minutes(services, [(tenant, pack, minute)])
    return item


def close_minutes(
    services: Services, minutes: Sequence[tuple[Tenant, int, int]]
) -> list[ClosedMinute]:
    """Merge the hot items of each tenant, pack and minute into its closed item, many at a go."""
    closed: list[ClosedMinute] = []
    for start in range(0, len(minutes), CLOSED_TOGETHER):
        some = minutes[start : start + CLOSED_TOGETHER]
        items = [services.hot_windows.minute(*each) for each in some]
        for (tenant, pack, minute), item in zip(some, merged_minutes(items), strict=True):
            if item.version:
                services.windows.put_closed(tenant, pack, minute, item, now=services.now())
            closed.append(item)
    return closed


def refresh_hour(services: Services, tenant: Tenant, pack: int, hour: int, *, before: int) -> None:
    """Make the hours of a pack's weddings anew from its minutes up to ``before``, exclusive.

    Where the number of packs changed near the hour, a wedding's hour is made from every pack that
    its points may lie in. Each writer closes what it changed before it reads the rest, so that of
    two the later sees both, and its version is the greater.
    """
    first = hour * MINUTES_PER_HOUR
    minutes = range(first, min(first + MINUTES_PER_HOUR, before))
    if not minutes:
        return
    packs = settings_of(services, tenant).packs
    hours = {pack: _hour_of_pack(services, tenant, pack, minutes)}
    for wedding_id in hours[pack].block.wedding_ids():
        homes = packs.homes(wedding_id, minutes[0], minutes[-1])
        if pack not in homes:
            continue
        parts = []
        for home in homes:
            if home not in hours:
                hours[home] = _hour_of_pack(services, tenant, home, minutes)
            parts.append(hours[home])
        services.windows.put_hour(
            tenant,
            wedding_id,
            hour,
            Block.merge(part.block.only(wedding_id) for part in parts),
            through=minutes.stop,
            version=sum(part.version for part in parts),
            now=services.now(),
        )


@dataclass(frozen=True, slots=True)
class _HourOfPack:
    """One pack's hour, and the sum of the versions that it was made from."""

    block: Block
    version: int


def _hour_of_pack(services: Services, tenant: Tenant, pack: int, minutes: range) -> _HourOfPack:
    closed = services.windows.closed(tenant, pack, minutes)
    blocks: list[Block] = []
    version = 0
    for minute in minutes:
        item = closed.get(minute)
        if item is None:
            item = close_minute(services, tenant, pack, minute)
        version += item.version
        blocks += [block_of(part) for part in (item.on_time, item.late) if part]
    return _HourOfPack(Block.merge(blocks), version)


def close_last_minute(services: Services, now: datetime) -> int:
    """Close the minute that is just over, for every pack that is active; how many there were."""
    minute = minute_of(now) - 1
    if epoch_ms(now) < _minute_end(minute) + CLOSES_AFTER_MS:
        minute -= 1
    active = list(services.windows.active(minute // MINUTES_PER_HOUR))
    close_minutes(services, [(each.tenant, each.pack, minute) for each in active])
    return len(active)


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


def _totals_of(item: HotItem) -> tuple[bytes, bytes]:
    """The tenant's totals of an item, on time and late."""
    return item.on_time().totals_only().encode(), item.late().totals_only().encode()


def _put_totals(
    services: Services, key: SlotKey, item: HotItem, totals: tuple[bytes, bytes]
) -> None:
    content = item.content
    services.windows.put_totals(
        Tenant(key.tenant),
        key.pack,
        key.minute,
        item.place,
        ClosedMinute(
            version=item.version,
            on_time=totals[0],
            late=totals[1],
            sent_on_time=content.sent_on_time,
            sent_late=content.sent_late,
            duplicates=content.duplicates,
        ),
        now=services.now(),
    )


def _tell_of_late(services: Services, key: SlotKey, item: HotItem) -> None:
    """Note in the minute of its merging what came too late for its own, where nobody looks.

    The item itself counts it, so that a copy tells the same again and nothing more.
    """
    for minute, late in item.late_in:
        services.windows.put_totals(
            Tenant(key.tenant),
            key.pack,
            minute,
            f"late#{key.minute}#{item.place}",
            ClosedMinute(
                version=item.version,
                on_time=b"",
                late=b"",
                sent_on_time=0,
                sent_late=late,
                duplicates=0,
            ),
            now=services.now(),
        )


def _minute_end(minute: int) -> int:
    return (minute + 1) * MINUTE_MS
