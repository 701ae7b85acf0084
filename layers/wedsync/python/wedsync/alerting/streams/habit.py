"""What is usual for a stream's answers: how many fail, how long they take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from wedsync.alerting.streams.likelihood import at_least
from wedsync.alerting.streams.minute import OCTAVES, TIME_BINS, Counts, Minute, time_bin

_FORGET_PER_MINUTE = 0.5 ** (1 / (3 * 1440))
"""What was learned loses half its weight in three days."""
_PRIOR_REQUESTS = 300.0
_PRIOR_FAILED = 1.0
_UNUSUAL = math.log(1e-6)
_UNUSUAL_SHARE = 0.02
_MOST_PER_MINUTE = 60.0
"""A minute weighs as much as this many requests at the most, however many it held."""
_LEARNED_FROM = 150.0
"""Response times that must have been seen before they are a habit."""
_LEARNED_MINUTES = 90
_ANCHORS_MS = (60.0, 5000.0)
_TOO_SLOW_OCTAVES = 1.0
_WANDER_WEIGHT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A stream's answers, as they usually are.

    ``objective`` is the first bin that is too slow: twice what nine answers of ten used to need,
    within 60 ms and 5 s. ``slow_share``: how many answers miss it when all is well. ``centre``
    and ``width``: mean and variance of the answers' octaves; ``wander``: the variance of minutes'
    means beyond what their counts explain.
    """

    judged: float = 0.0
    failed: float = 0.0
    times: tuple[float, ...] = (0.0,) * TIME_BINS
    minutes: int = 0
    objective: int | None = None
    slow_share: float = 0.0
    centre: float = 0.0
    width: float = 1.0
    wander: float = 0.04

    @property
    def failure_share(self) -> float:
        """The usual share of failures, with a little caution where little has been seen."""
        return (self.failed + _PRIOR_FAILED) / (self.judged + _PRIOR_REQUESTS)

    def after_failures(self, rows: Sequence[Minute]) -> "Habit":
        """Learn how many requests of a block failed; what cannot be chance hardly counts."""
        judged = sum(row.judged for row in rows if not row.blind)
        failed = sum(row.failed for row in rows if not row.blind)
        if not judged:
            return self
        usual = self.failure_share
        odd = failed > judged * max(_UNUSUAL_SHARE, 3 * usual) and (
            at_least(failed, judged, usual) < _UNUSUAL
        )
        weight = 0.02 if odd else 1.0
        keep = _FORGET_PER_MINUTE ** len(rows)
        return replace(
            self,
            judged=self.judged * keep + judged * weight,
            failed=self.failed * keep + failed * weight,
        )

    def after_times(self, counts: Counts) -> "Habit":
        """Learn a minute's response times."""
        timed = sum(count for _, count in counts.times)
        if not timed:
            return self
        weight = min(1.0, _MOST_PER_MINUTE / timed)
        minutes = self.minutes + 1
        if self.objective is not None:
            mean = sum(OCTAVES[each] * count for each, count in counts.times) / timed
            off = (mean - self.centre) ** 2
            if off > 0.64:  # a slow or broken minute must not teach that such minutes are usual
                weight *= 0.1
            beyond = min(0.64, off) - self.width / timed
            wander = self.wander + _WANDER_WEIGHT * (beyond - self.wander)
        else:
            wander = self.wander
        times = list(self.times)
        for each, count in counts.times:
            times[each] += count * weight
        learned = replace(self, times=tuple(times), minutes=minutes, wander=max(0.01, wander))
        return learned.settled() if minutes % 60 == 0 or minutes == _LEARNED_MINUTES else learned

    def settled(self) -> "Habit":
        """Forget a little, and draw from the times what is usual."""
        keep = _FORGET_PER_MINUTE**60
        times = tuple(round(weight * keep, 3) for weight in self.times)
        total = sum(times)
        if self.minutes < _LEARNED_MINUTES or total < _LEARNED_FROM:
            return replace(self, times=times)
        below = list(accumulate(times))
        nine = next(each for each, weight in enumerate(below) if weight >= 0.9 * below[-1])
        low, high = (time_bin(ms) for ms in _ANCHORS_MS)
        objective = max(low, min(high, nine + 1 + round(_TOO_SLOW_OCTAVES * 4)))
        centre = sum(OCTAVES[each] * weight for each, weight in enumerate(times)) / total
        width = (
            sum((OCTAVES[each] - centre) ** 2 * weight for each, weight in enumerate(times)) / total
        )
        slow = sum(times[objective:])
        return replace(
            self,
            times=times,
            objective=objective,
            slow_share=(slow + 0.5) / (total + 50.0),
            centre=centre,
            width=max(0.02, width),
        )
