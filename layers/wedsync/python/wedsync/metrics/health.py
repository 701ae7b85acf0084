"""One number from 0 to 100 for how well something works, in which the worst part dominates."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

_FLOOR = 0.8
"""How much of its worst axis a score feels at least."""


class Band(StrEnum):
    """The score in words."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing that health is judged by: anchors from good to critical, and its weight."""

    name: str
    anchors: tuple[float, float, float, float]
    weight: float

    def fraction(self, value: float) -> float:
        """How bad, from 0 to 1: linear between the anchors, which stand at 0, 0.4, 0.7 and 1."""
        rising = self.anchors[0] < self.anchors[-1]
        sign = 1.0 if rising else -1.0
        steps = list(zip(self.anchors, _FRACTIONS, strict=True))
        for (low, worse_from), (high, worse_to) in pairwise(steps):
            if sign * value <= sign * high:
                share = max(0.0, (value - low) / (high - low))
                return worse_from + share * (worse_to - worse_from)
        return 1.0


_FRACTIONS = (0.0, 0.4, 0.7, 1.0)
P95_MS = Axis(name="p95_ms", anchors=(500.0, 2000.0, 3000.0, 5000.0), weight=0.35)
ERROR_PERCENT = Axis(name="error_percent", anchors=(0.1, 2.0, 5.0, 10.0), weight=0.40)
AVAILABILITY_PERCENT = Axis(
    name="availability_percent", anchors=(99.9, 99.0, 97.0, 95.0), weight=0.25
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisHealth:
    """One axis that had data: its value, and how bad that is from 0 to 1."""

    name: str
    value: float
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A score with what it was made of; blind, it is ``None`` and neither good nor bad."""

    score: float | None
    band: Band | None
    axes: tuple[AxisHealth, ...]


def health_score(
    p95_ms: float | None, error_percent: float | None, availability_percent: float | None
) -> Health:
    """``100 · (1 - max(Σ w·f, 0.8 · max f))`` over the axes that have data, one decimal.

    The weights are .35, .40 and .25, shared out anew over those axes.
    """
    measured = [
        (axis, value)
        for axis, value in (
            (P95_MS, p95_ms),
            (ERROR_PERCENT, error_percent),
            (AVAILABILITY_PERCENT, availability_percent),
        )
        if value is not None
    ]
    if not measured:
        return Health(score=None, band=None, axes=())
    weights = sum(axis.weight for axis, _ in measured)
    fractions = [axis.fraction(value) for axis, value in measured]
    mean = sum(axis.weight / weights * f for (axis, _), f in zip(measured, fractions, strict=True))
    score = round(100.0 * (1.0 - max(mean, _FLOOR * max(fractions))), 1)
    axes = tuple(
        AxisHealth(name=axis.name, value=value, fraction=round(f, 4))
        for (axis, value), f in zip(measured, fractions, strict=True)
    )
    return Health(score=score, band=band_of(score), axes=axes)


def band_of(score: float) -> Band:
    """The band that a score lies in; each bound belongs to the better one."""
    if score >= 90:
        return Band.HEALTHY
    if score >= 70:
        return Band.DEGRADED
    return Band.UNHEALTHY if score >= 40 else Band.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingScore:
    """The health of one wedding."""

    wedding_id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingSystemHealth:
    """The mean over open weddings that have data, and the worst of them."""

    score: float | None
    worst: WeddingScore | None


def wedding_system_health(scores: Iterable[tuple[str, float | None]]) -> WeddingSystemHealth:
    """Of (wedding id, score) of weddings whose window is open; blind ones are left out."""
    seen = [(score, wedding_id) for wedding_id, score in scores if score is not None]
    if not seen:
        return WeddingSystemHealth(score=None, worst=None)
    worst, wedding_id = min(seen)
    return WeddingSystemHealth(
        score=round(sum(score for score, _ in seen) / len(seen), 1),
        worst=WeddingScore(wedding_id=wedding_id, score=worst),
    )
