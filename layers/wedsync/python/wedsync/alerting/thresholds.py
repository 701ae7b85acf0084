"""Levels of a measured value, the point at which it has recovered, and what silence means."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.alerting.finding import AxisOutcome, Outcome
from wedsync.alerting.severity import Severity

NO_DATA_AFTER = timedelta(seconds=300)
_RECOVERED_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Ascending severities with the values beyond which they begin. Comparisons are strict.

    A value has recovered at 80 % of the mildest threshold; where lower is worse (a percentage
    such as availability) at the threshold plus 20 % of what is left to 100.
    """

    steps: tuple[tuple[Severity, float], ...]
    lower_is_worse: bool = False

    def exceeded(self, value: float) -> tuple[Severity, float] | None:
        """Find the worst level that the value is beyond, with its threshold."""
        beyond = [
            (severity, threshold)
            for severity, threshold in self.steps
            if (value < threshold if self.lower_is_worse else value > threshold)
        ]
        return max(beyond, key=lambda step: step[0].rank, default=None)

    @property
    def recovery(self) -> float:
        """At this value, and on its good side, it has recovered."""
        threshold = self.steps[0][1]
        if self.lower_is_worse:
            return threshold + (1 - _RECOVERED_SHARE) * (100 - threshold)
        return threshold * _RECOVERED_SHARE

    def outcome(self, value: float, *, evident: bool = True) -> Outcome:
        """Breach, clear or between; without enough evidence a bad value opens nothing."""
        if self.exceeded(value) is not None:
            return Outcome.BREACH if evident else Outcome.HOLD
        recovered = value >= self.recovery if self.lower_is_worse else value <= self.recovery
        return Outcome.CLEAR if recovered else Outcome.HOLD


def seen(outcome: Outcome | None, *, sampled_at: datetime | None, now: datetime) -> Outcome:
    """Weigh an axis' outcome in the window (None: empty) against the age of its newest sample."""
    if sampled_at is None or now - sampled_at >= NO_DATA_AFTER:
        return Outcome.NO_DATA
    return Outcome.SILENT if outcome is None else outcome


def joined(axes: tuple[AxisOutcome, ...]) -> Outcome:
    """Let the worst of the axes that were seen speak for the rule."""
    outcomes = {each.outcome for each in axes}
    order = (Outcome.BREACH, Outcome.HOLD, Outcome.CLEAR, Outcome.SILENT)
    return next((outcome for outcome in order if outcome in outcomes), Outcome.NO_DATA)
