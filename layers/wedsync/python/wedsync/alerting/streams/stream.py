"""A stream of requests as it is remembered: its last hour, its last six, and what is usual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wedsync.alerting.streams.habit import Habit
from wedsync.alerting.streams.minute import Counts, Minute, blind, quiet, remembered
from wedsync.alerting.streams.rhythm import BLOCK, Rhythm

HOUR = 60
REREAD = 5
"""So many of the newest minutes are read again at every step: late points change them."""
QUIET_SHARE = 0.3
"""Of the level: below it, a stream hardly has any requests."""
FORGOTTEN_AFTER = 8 * 24 * HOUR
HALF_HOUR = 30
HALF_HOURS = 10
"""What is kept beside the last hour: with it, six hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream up to the minute ``through``, inclusive, which is over.

    ``hour``: its last minutes, the oldest first, without a gap. ``halves``: requests that were
    judged and that failed, by half hours (numbered since 1970), older than the hour. Everything
    older than the minutes that are read again is learned once, in order. ``seen``: the newest
    minute with requests; ``quiet_since``: since when there have been hardly any.
    """

    through: int
    seen: int = 0
    quiet_since: int | None = None
    hour: tuple[Minute, ...] = ()
    halves: tuple[tuple[int, int, int], ...] = ()
    learned: int = 0
    rhythm: Rhythm = field(default_factory=Rhythm)
    habit: Habit = field(default_factory=Habit)

    def step(self, read: Mapping[int, Counts], through: int, blinded: frozenset[int]) -> "Stream":
        """Advance to ``through``, by what the newest minutes hold now.

        ``read`` holds every minute with requests among the last `REREAD`; a minute that nobody
        looked at in time, or that is ``blinded``, is blind. Advancing to where it stands already
        changes nothing but the newest minutes.
        """
        if through < self.through:
            return self
        first = through - REREAD + 1
        started = self.hour[0].minute if self.hour else min(read, default=through)
        rows = [row for row in self.hour if row.minute < first]
        # After a long pause there is no use in a row for every minute that nobody looked at.
        after = max(rows[-1].minute + 1 if rows else started, through - 2 * HOUR)
        for minute in range(after, through + 1):
            counts = read.get(minute)
            if counts is not None:
                rows.append(remembered(counts, self.habit.objective))
            elif minute < first or minute in blinded:
                rows.append(blind(minute))
            else:
                rows.append(remembered(quiet(minute), self.habit.objective))
        return self._learned(rows, read, first, through)

    def _learned(
        self, rows: list[Minute], read: Mapping[int, Counts], first: int, through: int
    ) -> "Stream":
        rhythm, habit = self.rhythm, self.habit
        learned = self.learned or rows[0].minute // BLOCK * BLOCK
        if first - learned > 2 * HOUR:
            learned = first // BLOCK * BLOCK
        by_minute = {row.minute: row for row in rows} if first - learned >= BLOCK else {}
        while first - learned >= BLOCK:
            block = [by_minute.get(each) or blind(each) for each in range(learned, learned + BLOCK)]
            rhythm = rhythm.after(block)
            habit = habit.after_failures(block)
            learned += BLOCK
        if through > self.through and first in read:
            habit = habit.after_times(read[first])
        halves = self.halves
        for row in rows[:-HOUR]:
            halves = _with_half(halves, row)
        return replace(
            self,
            through=through,
            seen=max([self.seen, *read]),
            quiet_since=self._quiet_since(rows, rhythm.level or 0.0),
            hour=tuple(rows[-HOUR:]),
            halves=halves,
            learned=learned,
            rhythm=rhythm,
            habit=habit,
        )

    def _quiet_since(self, rows: Sequence[Minute], level: float) -> int | None:
        began: int | None = None
        for row in reversed(rows):
            if row.total >= QUIET_SHARE * level:
                return began
            began = row.minute
        return self.quiet_since if self.quiet_since is not None else began

    def with_present(self, read: Mapping[int, Counts]) -> tuple[Minute, ...]:
        """The last hour with what has been read since, the newest last."""
        rows = [row for row in self.hour if row.minute not in read]
        rows += [remembered(counts, self.habit.objective) for counts in read.values()]
        rows.sort()
        return tuple(rows[-HOUR:])

    @property
    def is_forgotten(self) -> bool:
        """Nothing has come for so long that it need not be remembered."""
        return self.through - self.seen > FORGOTTEN_AFTER


def _with_half(
    halves: Sequence[tuple[int, int, int]], row: Minute
) -> tuple[tuple[int, int, int], ...]:
    half = row.minute // HALF_HOUR
    kept = list(halves[-HALF_HOURS:])
    if kept and kept[-1][0] == half:
        _, judged, failed = kept.pop()
        kept.append((half, judged + row.judged, failed + row.failed))
    else:
        kept.append((half, row.judged, row.failed))
    return tuple(kept)
