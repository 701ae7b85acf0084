"""Reading minutes: from the closed item where a minute is over, else from its hot items.

Whoever changes a minute that is over closes it anew before anything else happens, so a closed
item is never behind what its writer has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from wedsync.flows.times import minute_of
from wedsync.metrics.block import Block, merge_all
from wedsync.metrics.packs import PackHistory
from wedsync.stores.hot_windows import HotItem, HotWindowStore
from wedsync.stores.windows import ACTIVE_MINUTES, ClosedMinute, WindowStore
from wedsync.tenancy import Tenant

CLOSES_AFTER_MS = 10_000
"""A minute is closed by the clock only this long after its end; until then writers may come."""
WORTH_ASKING = 2
"""So many minutes that were never closed are read one by one without a question."""
_SMALL_BYTES = 16 * 1024
_NOTHING = ClosedMinute(version=0, on_time=b"", late=b"", sent_on_time=0, sent_late=0, duplicates=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteRead:
    """One pack's minute as it was read."""

    minute: int
    on_time: Block
    late: Block

    def both(self) -> Block:
        """All that was accepted for this minute, however late."""
        return Block.merge([self.on_time, self.late])


@lru_cache(maxsize=512)
def _remembered(data: bytes) -> Block:
    return Block.decode(data)


def block_of(data: bytes) -> Block:
    """The block of these bytes; a warm process decodes the small ones that it meets again once."""
    return _remembered(data) if len(data) <= _SMALL_BYTES else Block.decode(data)


def merged_minutes(minutes: Sequence[Sequence[HotItem]]) -> list[ClosedMinute]:
    """The hot items of each of these packs and minutes as one, all at a go."""
    on_time = merge_all([[item.content.on_time for item in items] for items in minutes])
    late = merge_all([[item.content.late for item in items] for items in minutes])
    return [
        ClosedMinute(
            version=sum(item.version for item in items),
            on_time=on_time[at],
            late=late[at],
            sent_on_time=sum(item.content.sent_on_time for item in items),
            sent_late=sum(item.content.sent_late for item in items),
            duplicates=sum(item.content.duplicates for item in items),
        )
        for at, items in enumerate(minutes)
    ]


class Activity:
    """When packs of a tenant had data: one question spares a read of each minute without any.

    Writers tell that a pack is active before they write its data, so that a minute that is left
    out was empty when the question was asked.
    """

    def __init__(self, windows: WindowStore, tenant: Tenant) -> None:
        """Each stretch is asked for once in this object's life."""
        self._windows = windows
        self._tenant = tenant
        self._active: dict[int, frozenset[int]] = {}

    def minutes(self, pack: int, minutes: Sequence[int]) -> list[int]:
        """Those of these minutes in which a pack may have data."""
        if len(minutes) <= WORTH_ASKING:
            return list(minutes)
        if unknown := {minute // ACTIVE_MINUTES for minute in minutes} - self._active.keys():
            self._active |= self._windows.active_packs(
                self._tenant, first=min(unknown), last=max(unknown)
            )
        return [minute for minute in minutes if pack in self._active[minute // ACTIVE_MINUTES]]


class WindowReader:
    """Minutes of one tenant, each pack and minute read once in this object's life."""

    def __init__(
        self,
        hot: HotWindowStore,
        windows: WindowStore,
        tenant: Tenant,
        *,
        packs: PackHistory,
        now: datetime,
    ) -> None:
        """``now`` decides which minutes are over."""
        self.tenant = tenant
        self.packs = packs
        self.now = now
        self._hot = hot
        self._windows = windows
        self._read: dict[tuple[int, int], MinuteRead] = {}
        self._activity = Activity(windows, tenant)

    def stored(
        self, pack: int, minutes: Sequence[int]
    ) -> tuple[dict[int, ClosedMinute], dict[int, tuple[HotItem, ...]]]:
        """A pack's minutes as they are stored: those that are closed, and the items of others.

        A minute in which there can be nothing is in neither.
        """
        current = minute_of(self.now)
        over = [minute for minute in minutes if minute < current]
        closed = self._windows.closed(self.tenant, pack, over) if over else {}
        unclosed = [minute for minute in minutes if minute not in closed]
        with_data = self._activity.minutes(pack, unclosed)
        hot = {minute: self._hot.minute(self.tenant, pack, minute) for minute in with_data}
        return closed, hot

    def minutes(self, pack: int, first: int, last: int) -> tuple[MinuteRead, ...]:
        """A pack's minutes from ``first`` to ``last``, inclusive."""
        wanted = [minute for minute in range(first, last + 1) if (pack, minute) not in self._read]
        closed, hot = self.stored(pack, wanted)
        found = {**closed, **dict(zip(hot, merged_minutes(list(hot.values())), strict=True))}
        for minute in wanted:
            item = found.get(minute, _NOTHING)
            # What still fills is another the next time.
            decoded = Block.decode if minute in hot else block_of
            self._read[pack, minute] = MinuteRead(
                minute=minute, on_time=decoded(item.on_time), late=decoded(item.late)
            )
        return tuple(self._read[pack, minute] for minute in range(first, last + 1))

    def minutes_of_packs(
        self, packs: Sequence[int], first: int, last: int
    ) -> tuple[MinuteRead, ...]:
        """Minutes of several packs as one."""
        every = [self.minutes(pack, first, last) for pack in packs]
        if len(every) == 1:
            return every[0]
        return tuple(
            MinuteRead(
                minute=parts[0].minute,
                on_time=Block.merge(part.on_time for part in parts),
                late=Block.merge(part.late for part in parts),
            )
            for parts in zip(*every, strict=True)
        )

    def minutes_of_wedding(self, wedding_id: str, first: int, last: int) -> tuple[MinuteRead, ...]:
        """The minutes of wherever a wedding may lie; they hold other weddings too."""
        return self.minutes_of_packs(self.packs.homes(wedding_id, first, last), first, last)

    def minutes_of_all(self, first: int, last: int) -> list[tuple[MinuteRead, ...]]:
        """The minutes of every pack that the tenant may have points in."""
        most = max(self.packs.possible(first, last))
        return [self.minutes(pack, first, last) for pack in range(most)]
