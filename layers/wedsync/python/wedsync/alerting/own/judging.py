"""From what a rule's windows hold to a finding, with the reasons that decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.classification import wedding_impact
from wedsync.alerting.finding import KEEP_FIRING_SECONDS, AxisOutcome, Finding, Outcome
from wedsync.alerting.own.condition import (
    Comparison,
    Condition,
    Join,
    NoData,
    Statistic,
)
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.photos import failures_tell
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.surroundings import Surroundings
from wedsync.alerting.thresholds import joined

PREDICTED = "predicted"
"""The tag of an alert that tells of what has not happened yet."""
_BOTH = (Outcome.CLEAR, Outcome.HOLD, Outcome.NO_DATA, Outcome.SILENT, Outcome.BREACH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the window of one comparison holds for one group.

    ``value`` None: the window is empty. ``sampled_at`` is the time of the newest sample, also of
    one that has left the window. ``fitting`` of ``of`` observations fit a share's filters.
    ``forecast`` is the value that its last windows lead to, where that is asked for.
    """

    value: float | None = None
    sampled_at: datetime | None = None
    fitting: int = 0
    of: int = 0
    forecast: float | None = None


NOTHING = Measured()


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a part of a condition says; ``worst`` is the comparison that speaks for it."""

    outcome: Outcome
    axes: tuple[AxisOutcome, ...]
    for_seconds: int
    worst: "_Judged"


@dataclass(frozen=True, slots=True)
class _Judged:
    """One comparison, judged."""

    comparison: Comparison
    threshold: float
    measured: Measured
    predicted: bool

    @property
    def text(self) -> str:
        """The figure, its window and its bound, for people."""
        each, value = self.comparison, self.measured.value
        over = f"{each.stat} of {each.metric} over {_span(each.window_seconds)}"
        bound = f"{each.op} {self.threshold:g}"
        if value is None:
            return f"{over}: nothing came for 300 s"
        if self.predicted and each.predict_seconds is not None:
            ahead = _span(each.predict_seconds)
            return f"{over} is {value:.4g} and leads to {bound} within {ahead}"
        return f"{over} is {value:.4g}; the rule objects to {bound}"


def judge_rule(
    rule: Rule,
    group: tuple[tuple[str, str], ...],
    measured: Sequence[Measured],
    around: Surroundings,
    *,
    leniency: float = 0.0,
) -> Finding:
    """Judge one group; ``measured`` goes along with the rule's comparisons.

    ``leniency``: by which share of themselves the thresholds are moved to the good side.
    """
    seen = iter(zip(rule.comparisons, measured, strict=True))
    verdict = _judged(rule.condition, seen, rule, around, leniency)
    worst = verdict.worst
    reasons: tuple[SeverityReason, ...] = ()
    if verdict.outcome is Outcome.BREACH:
        reasons = (around.reason(rule.rule_id, rule.severity, f"{rule.name}: {worst.text}"),)
    critical = rule.severity is Severity.CRITICAL
    return Finding(
        rule_id=rule.rule_id,
        type=rule.type,
        scope=around.scope,
        group=tuple((name, value) for name, value in group if name != "service"),
        outcome=verdict.outcome,
        axes=verdict.axes,
        severity=rule.severity if reasons else None,
        reasons=reasons,
        value=worst.measured.value,
        threshold=worst.threshold,
        message=_message(rule, group, around),
        impact=wedding_impact(around.context)
        if around.context is not None
        else (Impact.MEDIUM if critical else Impact.LOW),
        auto_escalate=critical or rule.policy is not None,
        auto_resolve=rule.auto_resolve,
        shared_incident=f"rule {rule.rule_id}",
        roles=rule.roles,
        policy=rule.policy,
        tags=(PREDICTED,) if worst.predicted and reasons else (),
        for_seconds=verdict.for_seconds,
        keep_firing_for_seconds=_keep_firing_seconds(rule),
    )


def _judged(
    condition: Condition,
    seen: "zip[tuple[Comparison, Measured]]",
    rule: Rule,
    around: Surroundings,
    leniency: float,
) -> _Verdict:
    if isinstance(condition, Comparison):
        comparison, measured = next(seen)
        return _compared(comparison, measured, rule, around, leniency)
    parts = [_judged(part, seen, rule, around, leniency) for part in condition.parts]
    return _all(parts) if condition.join is Join.ALL else _any(parts)


def _compared(
    each: Comparison, measured: Measured, rule: Rule, around: Surroundings, leniency: float
) -> _Verdict:
    sign = -1 if each.op.lower_is_worse else 1
    threshold = each.threshold + sign * leniency * abs(each.threshold)
    inside, predicted = _inside(each, threshold, measured, rule, around)
    name = f"{each.metric} {each.stat}"
    axis = around.axis(name, inside, sampled_at=measured.sampled_at)
    if axis.outcome is Outcome.NO_DATA and each.no_data is not NoData.KEEP_LAST:
        # Before and after a wedding's window, nothing coming is as it should be.
        awaited = around.context is None or around.context.in_window
        alerts = each.no_data is NoData.ALERT and awaited
        axis = AxisOutcome(axis=name, outcome=Outcome.BREACH if alerts else Outcome.CLEAR)
    waits = each.for_seconds
    if waits is None:
        waits = around.for_seconds(rule.severity) if rule.wedding_specific else 60
    return _Verdict(axis.outcome, (axis,), waits, _Judged(each, threshold, measured, predicted))


def _inside(
    each: Comparison, threshold: float, measured: Measured, rule: Rule, around: Surroundings
) -> tuple[Outcome | None, bool]:
    """What the window says (None: it is empty), and whether that is a prediction."""
    value = measured.value
    if value is None:
        return None, False
    if each.op.holds(value, threshold):
        return (Outcome.BREACH if _evident(each, measured, rule, around) else Outcome.HOLD), False
    forecast = measured.forecast
    if forecast is not None and each.op.holds(forecast, threshold):
        return Outcome.BREACH, True
    return (Outcome.CLEAR if each.has_recovered(value, threshold) else Outcome.HOLD), False


def _evident(each: Comparison, measured: Measured, rule: Rule, around: Surroundings) -> bool:
    """Whether a share means something: at a wedding it needs as many cases as its guests suggest.

    That is what holds for the platform's own rule about photos.
    """
    if each.stat is not Statistic.SHARE or not rule.wedding_specific or each.op.lower_is_worse:
        return True
    return failures_tell(measured.fitting, measured.of, guest_count=around.guest_count)


def _all(parts: Sequence[_Verdict]) -> _Verdict:
    """All must hold: what is furthest from it speaks, and one that is clear is proof enough."""
    outcome = min((part.outcome for part in parts), key=_BOTH.index)
    axes = tuple(axis for part in parts for axis in part.axes)
    if outcome is Outcome.CLEAR:
        axes = tuple(axis for part in parts if part.outcome is Outcome.CLEAR for axis in part.axes)
    return _Verdict(
        outcome, axes, max(part.for_seconds for part in parts), _speaking(parts, outcome)
    )


def _any(parts: Sequence[_Verdict]) -> _Verdict:
    """One is enough; how long it must hold is up to those that do."""
    outcome = joined(tuple(AxisOutcome(axis="", outcome=part.outcome) for part in parts))
    deciding = [part for part in parts if part.outcome is outcome]
    return _Verdict(
        outcome,
        tuple(axis for part in parts for axis in part.axes),
        min(part.for_seconds for part in deciding),
        _speaking(parts, outcome),
    )


def _speaking(parts: Sequence[_Verdict], outcome: Outcome) -> _Judged:
    return next(part.worst for part in parts if part.outcome is outcome)


def _keep_firing_seconds(rule: Rule) -> int:
    wanted = [
        KEEP_FIRING_SECONDS
        if each.keep_firing_for_seconds is None
        else each.keep_firing_for_seconds
        for each in rule.comparisons
    ]
    return max(wanted)


def _message(rule: Rule, group: tuple[tuple[str, str], ...], around: Surroundings) -> str:
    told = ", ".join(f"{name} {value}" for name, value in group)
    about = f" ({told})" if told else ""
    if around.context is None:
        return f"{rule.name}{about}"
    return f"{rule.name} at the wedding of {around.context.couple_name}{about}"


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
