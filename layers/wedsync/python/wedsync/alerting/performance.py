"""Degraded performance: response time, errors and availability, judged as one rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.classification import Subject, classify
from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.observation import WeddingObservation
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.surroundings import EVIDENT_COUNT, Surroundings, descending
from wedsync.alerting.thresholds import Levels, joined

PERFORMANCE_DEGRADATION = "performance_degradation"
RESPONSE_MS = Levels(
    steps=((Severity.MEDIUM, 2000.0), (Severity.HIGH, 3000.0), (Severity.CRITICAL, 5000.0))
)
WEDDING_DAY_RESPONSE_MS = Levels(steps=((Severity.HIGH, 2000.0),))
ERROR_PERCENT = Levels(
    steps=((Severity.MEDIUM, 2.0), (Severity.HIGH, 5.0), (Severity.CRITICAL, 10.0))
)
AVAILABILITY_PERCENT = Levels(
    steps=((Severity.MEDIUM, 99.0), (Severity.HIGH, 97.0), (Severity.CRITICAL, 95.0)),
    lower_is_worse=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    name: str
    label: str
    unit: str
    levels: Levels
    value: float | None
    sampled_at: datetime | None
    evident: bool = True

    def judged(self, around: Surroundings) -> AxisOutcome:
        inside = (
            None if self.value is None else self.levels.outcome(self.value, evident=self.evident)
        )
        return around.axis(self.name, inside, sampled_at=self.sampled_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exceeded:
    rule: str
    severity: Severity
    axis: _Axis
    value: float
    threshold: float

    @property
    def text(self) -> str:
        side = "below" if self.axis.levels.lower_is_worse else "above"
        unit = self.axis.unit
        return f"{self.axis.label} {self.value:.5g} {unit}, {side} {self.threshold:g} {unit}"


def performance_degradation(observation: WeddingObservation, around: Surroundings) -> Finding:
    """Judge three axes by one table each; the worst decides, and none of them lowers another.

    On the wedding day a response above 2000 ms is at least high. A few failed requests are no
    error rate: five are needed, two on the wedding day, or 100 requests.
    """
    axes = _performance_axes(observation, around)
    outcomes = tuple(axis.judged(around) for axis in axes)
    exceeded = [
        each
        for axis, judged in zip(axes, outcomes, strict=True)
        if judged.outcome is Outcome.BREACH
        for each in _exceeded(axis, around)
    ]
    worst = max(exceeded, key=lambda each: each.severity.rank, default=None)
    reasons: tuple[SeverityReason, ...] = ()
    if worst is not None:
        reasons = descending(
            *(around.reason(each.rule, each.severity, each.text) for each in exceeded),
            *classify(Subject.PERFORMANCE, around.context),
        )
    severity = reasons[0].severity if reasons else None
    return Finding(
        rule_id=f"platform.{PERFORMANCE_DEGRADATION}",
        type=PERFORMANCE_DEGRADATION,
        scope=around.scope,
        outcome=joined(outcomes),
        axes=outcomes,
        severity=severity,
        reasons=reasons,
        value=worst.value if worst is not None else None,
        threshold=worst.threshold if worst is not None else None,
        message=f"Performance is degraded for {around.subject}"
        + (f": {worst.text}" if worst is not None else ""),
        impact=Impact.MEDIUM,
        auto_escalate=severity is Severity.CRITICAL,
        for_seconds=around.for_seconds(severity),
    )


def _performance_axes(
    observation: WeddingObservation, around: Surroundings
) -> tuple[_Axis, _Axis, _Axis]:
    requests = observation.requests
    needed = 2 if around.on_the_day else 5
    return (
        _Axis(
            name="response",
            label=f"response time p95 ({observation.response.source.value})",
            unit="ms",
            levels=RESPONSE_MS,
            value=observation.response.p95_ms,
            sampled_at=observation.response.sampled_at,
        ),
        _Axis(
            name="errors",
            label="error rate",
            unit="%",
            levels=ERROR_PERCENT,
            value=requests.error_percent,
            sampled_at=requests.sampled_at,
            evident=requests.errors >= needed or requests.total >= EVIDENT_COUNT,
        ),
        _Axis(
            name="availability",
            label="availability",
            unit="%",
            levels=AVAILABILITY_PERCENT,
            value=observation.checks.availability_percent,
            sampled_at=observation.checks.sampled_at,
        ),
    )


def _exceeded(axis: _Axis, around: Surroundings) -> Iterator[_Exceeded]:
    """Every table that the axis' value is beyond; on the day the response time has two."""
    tables = [(f"{axis.name}_thresholds", axis.levels)]
    if axis.name == "response" and around.on_the_day:
        tables.append(("wedding_day_response", WEDDING_DAY_RESPONSE_MS))
    for rule, levels in tables:
        level = levels.exceeded(axis.value) if axis.value is not None else None
        if level is not None and axis.value is not None:
            severity, threshold = level
            yield _Exceeded(
                rule=rule, severity=severity, axis=axis, value=axis.value, threshold=threshold
            )
