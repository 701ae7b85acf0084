"""What follows from a changed hot item: totals, closed minutes, weddings' hours.

All of it is made anew from what is stored and overwrites by version only, so it may be repeated
and raced at will; a batch that is delivered again repairs what a crash left undone.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from wedsync.flows.closing import (
    CLOSED_TOGETHER,
    close_minute,
    close_minutes,
    is_made,
    read_hour,
)
from wedsync.flows.following import HourJob, Places, active_packs, follow
from wedsync.flows.history import copied_before, mark_for_copying
from wedsync.flows.reading import CLOSES_AFTER_MS
from wedsync.flows.rollup import SETTLED, gather_hour, keep_wedding_hours, roll_up_pack_hour
from wedsync.flows.times import MINUTE_MS, MINUTES_PER_HOUR, epoch_ms, minute_of
from wedsync.isolation import Units, failure_of, in_turn
from wedsync.metrics.fold import SlotKey
from wedsync.stores.frontiers import Frontier
from wedsync.stores.hot_windows import HotItem, Merged
from wedsync.stores.services import Services
from wedsync.stores.windows import ClosedMinute
from wedsync.tenancy import Tenant

MARGIN = timedelta(seconds=30)
"""How far two functions' clocks may differ: writers that are this near the frontier refresh too."""
HOURS_THAT_CHANGE = 26
"""In hours: how far back a point may still change one, and a little more."""


def refresh(services: Services, merged: Iterable[Merged]) -> None:
    """Bring everything up to date that readers take from these hot items."""
    every = tuple(merged)
    for each in every:
        for item in each.sealed:
            _put_totals(services, each.key, item, _totals_of(item))
            _tell_of_belated(services, each.key, item)
        _put_totals(services, each.key, each.item, each.totals)
        _tell_of_belated(services, each.key, each.item)
    minutes = sorted({(each.key.tenant, each.key.pack, each.key.minute) for each in every})
    now = services.now()
    over = [(Tenant(tenant), pack, at) for tenant, pack, at in minutes if at < minute_of(now)]
    close_minutes(services, over)
    hours: dict[tuple[str, int, int], int] = {}
    again: set[tuple[str, int, int]] = set()
    copied = copied_before(services, services.now() + MARGIN)
    for tenant_id, pack, minute in minutes:
        if minute < _settled(services):
            hours[tenant_id, pack, minute // MINUTES_PER_HOUR] = minute  # the latest of them
        if minute < copied:
            again.add((tenant_id, pack, minute // MINUTES_PER_HOUR))
    _refresh_hours(services, hours)
    # Noted last, so that whoever copies what is noted finds what it is about.
    for tenant_id, pack, hour in sorted(again):
        mark_for_copying(services, Tenant(tenant_id), pack, hour)


def _refresh_hours(services: Services, hours: Mapping[tuple[str, int, int], int]) -> None:
    """Make these hours anew: those that are over with all that is made of them.

    Beside each stands its latest minute that was told of. Where that changed nothing, as when all
    of it came before, an hour that goes on is left as it is.
    """
    made: dict[tuple[str, int], set[int]] = {}
    settled = _settled(services)
    for (tenant_id, pack, hour), minute in sorted(hours.items()):
        if (hour + 1) * MINUTES_PER_HOUR <= settled:
            roll_up_pack_hour(services, Tenant(tenant_id), pack, hour)
            made.setdefault((tenant_id, hour), set()).add(pack)
        elif not is_made(services, Tenant(tenant_id), pack, hour, minute):
            refresh_hour(services, Tenant(tenant_id), pack, hour, before=settled)
    for (tenant_id, hour), packs in sorted(made.items()):
        gather_hour(services, Tenant(tenant_id), hour, changed=packs)


def _settled(services: Services) -> int:
    """The minute before which hours hold what there is, by the clock that is furthest ahead."""
    return minute_of(services.now() - SETTLED + MARGIN)


def refresh_hour(services: Services, tenant: Tenant, pack: int, hour: int, *, before: int) -> None:
    """Make the hours of a pack's weddings anew from its minutes up to ``before``, exclusive."""
    read = read_hour(services, tenant, pack, hour, before=before)
    keep_wedding_hours(services, tenant, pack, read)


def close_last_minute(services: Services, now: datetime) -> int:
    """Close the minute that is just over, for every pack that is active; how many there were.

    Many are merged at a go; where that fails, each is closed alone. Raises Unavailable or
    UnitsFailed at its end where some were not closed.
    """
    minute = minute_of(now) - 1
    if epoch_ms(now) < _minute_end(minute) + CLOSES_AFTER_MS:
        minute -= 1
    active = in_turn(services.windows.active(minute // MINUTES_PER_HOUR), minute)
    units = Units(out_of_time=services.out_of_time)
    for start in range(0, len(active), CLOSED_TOGETHER):
        some = active[start : start + CLOSED_TOGETHER]
        minutes = [(each.tenant, each.pack, minute) for each in some]
        if failure_of(f"minute {minute} of {len(some)} packs", close_minutes, services, minutes):
            for each in some:
                name = f"minute {minute} in pack {each.pack}"
                units.done(
                    each.tenant.id, name, close_minute, services, each.tenant, each.pack, minute
                )
        if units.ended:
            break
    units.finish()
    return len(active)


def compact(services: Services, now: datetime) -> int:
    """Bring every wedding's hours up to the frontier, and move it on; how many packs there were.

    Starts at the hour of the last frontier, so that what a missed run left is caught up. What is
    left for longer than points change an hour is made with the hour as a whole. Raises Unavailable
    or UnitsFailed at its end where something is left.
    """
    target = minute_of(now - SETTLED)
    oldest = target // MINUTES_PER_HOUR - HOURS_THAT_CHANGE
    progress = services.frontiers.progress(Frontier.WEDDING_HOURS)
    count = 0

    units = Units(out_of_time=services.out_of_time)

    def do(tenant: Tenant, minute: int, packs: Places) -> list[str]:
        nonlocal count
        count += len(packs)
        hour = minute // MINUTES_PER_HOUR
        return [
            pack
            for pack in packs
            if not units.done(
                tenant.id,
                f"hour {hour} of weddings in pack {pack}",
                refresh_hour,
                services,
                tenant,
                int(pack),
                hour,
                before=target,
            )
        ]

    job = HourJob(
        name="hours of weddings",
        frontier=Frontier.WEDDING_HOURS,
        until=target,
        oldest=oldest,
        due=lambda hour: active_packs(services, hour),
        do=do,
        other=True,
    )
    follow(services, job, units, progress=progress)
    units.finish()
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
            duplicates=dict(item.copied_in).get(key.minute, 0),
            newest_ms=content.newest_ms,
        ),
        now=services.now(),
    )


def _tell_of_belated(services: Services, key: SlotKey, item: HotItem) -> None:
    """Note in the minute of its merging what came too late to be told in its own.

    The item itself counts it, so that a copy tells the same again and nothing more.
    """
    late = dict(item.late_in)
    copied = {minute: count for minute, count in item.copied_in if minute != key.minute}
    for minute in sorted({*late, *copied}):
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
                sent_late=late.get(minute, 0),
                duplicates=copied.get(minute, 0),
            ),
            now=services.now(),
        )


def _minute_end(minute: int) -> int:
    return (minute + 1) * MINUTE_MS
