"""Minutes that are over: each pack's as one item, and those of an hour together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from wedsync.flows.reading import Activity, block_of, merged_minutes
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.metrics.block import Block
from wedsync.stores.services import Services
from wedsync.stores.windows import ClosedMinute
from wedsync.tenancy import Tenant

MINUTES_PER_QUARTER = 15
HOURS_OF_MINUTES = 47
"""Minutes are kept for 48 h: what was missed longer ago cannot be made of them any more."""
CLOSED_TOGETHER = 16
"""How many packs' minutes are merged at a go: enough to share the work, few enough to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackHour:
    """One pack's hour as it was read: on time and late together.

    ``hour`` is an epoch hour, ``through`` the first epoch minute that was not read, ``sent`` how
    many points there are, copies apart; ``parts`` holds what was read, by quarters, and ``on_time``
    what of it came on time, by epoch minutes.
    """

    hour: int
    through: int
    version: int
    sent: int
    whole: Block
    parts: tuple[tuple[Block, ...], ...]
    on_time: Mapping[int, Block]

    def quarters(self) -> tuple[Block, ...]:
        """The same hour in four."""
        return tuple(map(Block.merge, self.parts))


def first_changeable_minute(now: datetime) -> int:
    """The first minute (of an hour) whose hour can still be made anew from all of its minutes.

    An hour that was made from fewer than there were would take the place of the whole one.
    """
    return (minute_of(now) // MINUTES_PER_HOUR - HOURS_OF_MINUTES + 1) * MINUTES_PER_HOUR


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


def is_made(services: Services, tenant: Tenant, pack: int, hour: int, minute: int) -> bool:
    """Whether the pack's share of the hour holds all of its minutes up to this one, as they are.

    A copy changes none of its minutes but for their versions. Points are never taken out: where
    there are as many as there were in all, there are in each.
    """
    made = services.windows.made(tenant, pack, hour)
    if made is None or made.through <= minute:
        return False
    closed = services.windows.closed(tenant, pack, range(hour * MINUTES_PER_HOUR, made.through))
    return sum(item.sent for item in closed.values()) == made.sent


def read_hour(services: Services, tenant: Tenant, pack: int, hour: int, *, before: int) -> PackHour:
    """A pack's hour from its closed minutes up to ``before``, exclusive; what was open is closed.

    Its version is the sum of theirs, as theirs is of their hot items'.
    """
    first = hour * MINUTES_PER_HOUR
    minutes = range(first, min(first + MINUTES_PER_HOUR, before))
    closed = services.windows.closed(tenant, pack, minutes)
    unclosed = [minute for minute in minutes if minute not in closed]
    with_data = Activity(services.windows, tenant).minutes(pack, unclosed)
    made = close_minutes(services, [(tenant, pack, minute) for minute in with_data])
    items = dict(sorted({**closed, **dict(zip(with_data, made, strict=True))}.items()))
    quarters: list[list[Block]] = [[] for _ in range(MINUTES_PER_HOUR // MINUTES_PER_QUARTER)]
    on_time = {minute: block_of(item.on_time) for minute, item in items.items() if item.on_time}
    for minute, item in items.items():
        quarter = quarters[(minute - first) // MINUTES_PER_QUARTER]
        if item.on_time:
            quarter.append(on_time[minute])
        if item.late:
            quarter.append(block_of(item.late))
    return PackHour(
        hour=hour,
        through=minutes.stop,
        version=sum(item.version for item in items.values()),
        sent=sum(item.sent for item in items.values()),
        whole=Block.merge(chain.from_iterable(quarters)),
        parts=tuple(map(tuple, quarters)),
        on_time=on_time,
    )
