"""Reading minutes: from the closed item where a minute is over, else from its hot items.

Whoever changes a minute that is over closes it anew before anything else happens, so a closed
item is never behind what its writer has seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wedsync.flows.times import minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.series import pack_of
from wedsync.settings import Settings
from wedsync.stores.hot_windows import HotItem, HotWindowStore
from wedsync.stores.windows import ClosedMinute, WindowStore
from wedsync.tenancy import Tenant

CLOSES_AFTER_MS = 10_000
"""A minute is closed by the clock only this long after its end; until then writers may come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteRead:
    """One pack's minute as it was read."""

    minute: int
    on_time: Block
    late: Block
    version: int

    def both(self) -> Block:
        """All that was accepted for this minute, however late."""
        return Block.merge([self.on_time, self.late])


def packs_of(settings: Settings) -> int:
    """How many packs a tenant's weddings are spread over."""
    return settings.packs


def merged_minute(items: Iterable[HotItem]) -> ClosedMinute:
    """The hot items of one pack and minute as one."""
    every = tuple(items)
    return ClosedMinute(
        version=sum(item.version for item in every),
        on_time=_joined([item.content.on_time for item in every]),
        late=_joined([item.content.late for item in every]),
        sent_on_time=sum(item.content.sent_on_time for item in every),
        sent_late=sum(item.content.sent_late for item in every),
        duplicates=sum(item.content.duplicates for item in every),
    )


def _joined(parts: list[bytes]) -> bytes:
    filled = [part for part in parts if part]
    if len(filled) < 2:
        return filled[0] if filled else b""
    return Block.merge([Block.decode(part) for part in filled]).encode()


class WindowReader:
    """Minutes of one tenant, each pack and minute read once in this object's life."""

    def __init__(
        self,
        hot: HotWindowStore,
        windows: WindowStore,
        tenant: Tenant,
        *,
        packs: int,
        now: datetime,
    ) -> None:
        """``now`` decides which minutes are over."""
        self.tenant = tenant
        self.packs = packs
        self.now = now
        self._hot = hot
        self._windows = windows
        self._read: dict[tuple[int, int], MinuteRead] = {}

    def minutes(self, pack: int, first: int, last: int) -> tuple[MinuteRead, ...]:
        """A pack's minutes from ``first`` to ``last``, inclusive."""
        wanted = [minute for minute in range(first, last + 1) if (pack, minute) not in self._read]
        current = minute_of(self.now)
        over = [minute for minute in wanted if minute < current]
        closed = self._windows.closed(self.tenant, pack, over) if over else {}
        for minute in wanted:
            found = closed.get(minute)
            if found is None:
                found = merged_minute(self._hot.minute(self.tenant, pack, minute))
            self._read[pack, minute] = MinuteRead(
                minute=minute,
                on_time=Block.decode(found.on_time),
                late=Block.decode(found.late),
                version=found.version,
            )
        return tuple(self._read[pack, minute] for minute in range(first, last + 1))

    def minutes_of_wedding(self, wedding_id: str, first: int, last: int) -> tuple[MinuteRead, ...]:
        """The minutes of the pack that a wedding lies in; they hold other weddings too."""
        return self.minutes(pack_of(wedding_id, self.packs), first, last)
