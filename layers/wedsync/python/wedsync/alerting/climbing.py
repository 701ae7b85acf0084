"""Memory and disks that fill up steadily: told before they are full.

A prediction is a straight line through the last 20 minutes that reaches the critical threshold
within 30. A line is drawn through anything, so four things must hold before it means something:

- it explains the minutes (R² of at least 0.92), which noise about a level does not;
- each half of the minutes climbs at half its pace at the least, which one step does not;
- nothing fell back in the last hour by half of what was climbed, as it does where garbage is
  collected or logs are rotated;
- the threshold still lies ahead: beyond it the resource limit itself speaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.infrastructure import HOST_PERCENT, RESOURCE_LIMIT
from wedsync.alerting.observation import HostReading, HostResource, Scope
from wedsync.alerting.own.judging import PREDICTED
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.surroundings import Surroundings

RESOURCE_FORECAST = "resource_forecast"
RULE_ID = f"platform.{RESOURCE_FORECAST}"
FILLING = frozenset({HostResource.MEMORY, HostResource.DISK})
"""What fills up. How busy a processor is leads nowhere."""
LINE_MINUTES = 20
LOOKED_BACK_MINUTES = 60
CRITICAL_PERCENT = HOST_PERCENT.steps[-1][1]
WITHIN_MINUTES = 30
_OVER_MINUTES = 60
"""What reaches the threshold no sooner than this has recovered."""
_LEAST_POINTS = 15
_LEAST_EXPLAINED = 0.92
_LEAST_FALL = 3.0
"""Percentage points that a reading may wander without having fallen back."""

Points = Sequence[tuple[float, float]]
"""Minutes, oldest first, with the percentage at the end of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How full one resource of one host was, minute by minute, and its newest reading."""

    newest: HostReading
    points: Points


def may_lead_there(points: Points) -> bool:
    """Whether a few newest minutes climb so fast that looking further back is worth it."""
    if len(points) < 2:
        return False
    (first, low), (last, high) = points[0], points[-1]
    pace = (high - low) / (last - first)
    return high <= CRITICAL_PERCENT and high + pace * WITHIN_MINUTES > CRITICAL_PERCENT


def minutes_left(points: Points) -> float | None:
    """In how many minutes a steady climb reaches the critical threshold; None: it is none."""
    newest = points[-1][0] if points else 0.0
    line = [each for each in points if each[0] > newest - LINE_MINUTES]
    if len(line) < _LEAST_POINTS:
        return None
    fit = _Line.through(line)
    middle = newest - LINE_MINUTES / 2
    older = [each for each in line if each[0] <= middle]
    newer = [each for each in line if each[0] > middle]
    if fit.slope <= 0 or fit.explained < _LEAST_EXPLAINED:
        return None
    if min(_Line.through(half).slope for half in (older, newer)) < fit.slope / 2:
        return None
    if _deepest_fall(points) > max(_LEAST_FALL, fit.slope * LINE_MINUTES / 2):
        return None
    return max(0.0, (CRITICAL_PERCENT - fit.at(newest)) / fit.slope)


def resource_forecast(filled: Filled, *, any_wedding_today: bool, now: datetime) -> Finding:
    """Judge where one resource of one host leads to."""
    reading = filled.newest
    around = Surroundings(
        scope=Scope(service=reading.host),
        context=None,
        guest_count=None,
        any_wedding_today=any_wedding_today,
        now=now,
    )
    left = minutes_left(filled.points)
    if reading.percent > CRITICAL_PERCENT:
        inside = Outcome.HOLD
    elif left is None or left > _OVER_MINUTES:
        inside = Outcome.CLEAR
    else:
        inside = Outcome.BREACH if left <= WITHIN_MINUTES else Outcome.HOLD
    axis = around.axis(reading.resource.value, inside, sampled_at=reading.sampled_at)
    reasons: tuple[SeverityReason, ...] = ()
    if axis.outcome is Outcome.BREACH and left is not None:
        text = (
            f"{reading.resource} of {reading.host} at {reading.percent:.4g} % climbs steadily, and "
            f"reaches {CRITICAL_PERCENT:g} % in {left:.0f} min if it goes on so"
        )
        reasons = (around.reason(RESOURCE_FORECAST, Severity.HIGH, text),)
    return Finding(
        rule_id=RULE_ID,
        type=RESOURCE_LIMIT,
        scope=around.scope,
        group=(("host", reading.host), ("resource", reading.resource.value)),
        outcome=axis.outcome,
        axes=(axis,),
        severity=Severity.HIGH if reasons else None,
        reasons=reasons,
        value=reading.percent,
        threshold=CRITICAL_PERCENT,
        message=f"Host {reading.host} will run out of {reading.resource}",
        impact=Impact.LOW,
        tags=(PREDICTED,) if reasons else (),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A least-squares line, and the share of the variance that it explains."""

    mean_x: float
    mean_y: float
    slope: float
    explained: float

    @classmethod
    def through(cls, points: Points) -> "_Line":
        n = len(points)
        mean_x = sum(x for x, _ in points) / n
        mean_y = sum(y for _, y in points) / n
        wide = sum((x - mean_x) ** 2 for x, _ in points)
        high = sum((y - mean_y) ** 2 for _, y in points)
        both = sum((x - mean_x) * (y - mean_y) for x, y in points)
        if not wide or not high:
            return cls(mean_x, mean_y, 0.0, 0.0)
        return cls(mean_x, mean_y, both / wide, both**2 / (wide * high))

    def at(self, x: float) -> float:
        return self.mean_y + self.slope * (x - self.mean_x)


def _deepest_fall(points: Points) -> float:
    """How far the values ever came down from the highest before them."""
    highest = deepest = 0.0
    for _, value in points:
        highest = max(highest, value)
        deepest = max(deepest, highest - value)
    return deepest
