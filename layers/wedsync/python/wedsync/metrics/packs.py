"""How many packs a tenant's weddings are spread over, for whatever was sent at whatever time.

A frame lies in the pack that the number in force when it was created gives it, for ever: so every
copy meets the same item however often the number has changed since. Readers look wherever the
frames of a minute may lie.
"""

from bisect import bisect_right
from dataclasses import dataclass

from wedsync.metrics.lateness import ACCEPTED_MS, AHEAD_MS
from wedsync.metrics.series import pack_of

MOST_PACKS = 256
SLOT_MS = 10_000
"""A number comes into force between two slots: the frames of one slot agree on it."""
LEAD_MS = 15 * 60_000
"""How far ahead a change is decided. It outlasts a frame's head start on the clock, what a warm
process remembers, and the longest run: no frame that it concerns meets anybody who has not heard.
"""
REMEMBERED_MS = 49 * 3_600_000
"""Longer than items live that a copy may still meet."""
MOST_CHANGES = 4
"""As many changes are remembered: each has a day's minutes read in more than one place."""
_MINUTE_MS = 60_000


class TooManyChanges(ValueError):
    """The number cannot change again yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackChange:
    """From frames created at ``since_ms`` on, so many packs."""

    since_ms: int
    packs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackHistory:
    """``first`` holds until the first change; changes stand in the order of their times."""

    first: int
    changes: tuple[PackChange, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers out of bounds and changes that are not in order."""
        numbers = (self.first, *(change.packs for change in self.changes))
        if not all(1 <= packs <= MOST_PACKS for packs in numbers):
            raise ValueError(f"a tenant has 1 to {MOST_PACKS} packs, not {numbers}")
        times = [change.since_ms for change in self.changes]
        if times != sorted(set(times)) or any(ms % SLOT_MS for ms in times):
            raise ValueError("changes stand in the order of their times, each between two slots")

    @property
    def last(self) -> int:
        """The number that is in force once every change is."""
        return self.changes[-1].packs if self.changes else self.first

    def at(self, created_ms: int) -> int:
        """The number for a frame that was created at this time."""
        changed = bisect_right(self.changes, created_ms, key=lambda change: change.since_ms)
        return self.changes[changed - 1].packs if changed else self.first

    def possible(self, first: int, last: int) -> tuple[int, ...]:
        """The numbers that frames with points of these minutes (inclusive) may lie by.

        A frame is created at most five minutes before its points' time (a clock that is fast) and
        a day and five minutes after it, when nothing is accepted any more.
        """
        begin = first * _MINUTE_MS - AHEAD_MS
        end = (last + 1) * _MINUTE_MS + ACCEPTED_MS + AHEAD_MS
        within = {change.packs for change in self.changes if begin < change.since_ms <= end}
        return tuple(sorted({self.at(begin), *within}))

    def homes(self, pack_key: str, first: int, last: int) -> tuple[int, ...]:
        """The packs in which points of this wedding and these minutes may lie."""
        return tuple(sorted({pack_of(pack_key, packs) for packs in self.possible(first, last)}))

    def every_home(self, pack_key: str) -> tuple[int, ...]:
        """The packs in which points of this wedding may lie, whatever minutes they are of."""
        numbers = {self.first, *(change.packs for change in self.changes)}
        return tuple(sorted({pack_of(pack_key, packs) for packs in numbers}))

    def changed(self, packs: int, *, now_ms: int) -> "PackHistory":
        """The history in which there will be so many packs.

        Raises:
            TooManyChanges: the last change is not in force yet, or there were too many.

        """
        if packs == self.last:
            return self
        if self.changes and self.changes[-1].since_ms > now_ms:
            raise TooManyChanges("the last change of packs is not in force yet")
        forgotten = now_ms - REMEMBERED_MS
        kept = tuple(change for change in self.changes if change.since_ms > forgotten)
        if len(kept) >= MOST_CHANGES:
            raise TooManyChanges(f"packs change at most {MOST_CHANGES} times in two days")
        since_ms = -(-(now_ms + LEAD_MS) // SLOT_MS) * SLOT_MS
        return PackHistory(
            first=self.at(forgotten), changes=(*kept, PackChange(since_ms=since_ms, packs=packs))
        )
