"""What the detectors found of a service, in the terms of the life of an alert."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.observation import Scope
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.streams.detector import Rule
from wedsync.alerting.streams.verdict import Verdict

PERFORMANCE_DEGRADATION = "performance_degradation"
SYSTEM_FAILURE = "system_failure"
TELEMETRY = "telemetry"
"""The service that alerts about missing reports are filed under."""
TELEMETRY_GAP = "platform.telemetry_gap"
GAP_TOLD_MINUTES = 3
GAP_CRITICAL_MINUTES = 15
MANY_SERVICES = 5
SHARED_INCIDENT = "several services"
"""The incident of services that fail together: one fault, and one call."""

_TYPES = {
    Rule.FAILED_REQUESTS: PERFORMANCE_DEGRADATION,
    Rule.SLOW_REQUESTS: PERFORMANCE_DEGRADATION,
    Rule.TRAFFIC_DROP: SYSTEM_FAILURE,
}
_MESSAGES = {
    Rule.FAILED_REQUESTS: "Requests fail at service {}",
    Rule.SLOW_REQUESTS: "Answers are slow at service {}",
    Rule.TRAFFIC_DROP: "Requests stay away from service {}",
}


def rule_id(rule: Rule) -> str:
    """Name a detector among the platform's rules."""
    return f"platform.{rule.value}"


def finding_of(service: str, rule: Rule, verdict: Verdict) -> Finding:
    """Put a verdict as a finding. What it found took minutes already: it waits for nothing."""
    reasons: tuple[SeverityReason, ...] = ()
    if verdict.severity is not None:
        reasons = (
            SeverityReason(
                rule=f"{rule.value}_{verdict.axis}",
                severity=verdict.severity,
                reason=verdict.text,
            ),
        )
    return Finding(
        rule_id=rule_id(rule),
        type=_TYPES[rule],
        scope=Scope(service=service),
        outcome=verdict.outcome,
        axes=(AxisOutcome(axis=rule.value, outcome=verdict.outcome),),
        severity=verdict.severity,
        reasons=reasons,
        value=verdict.value,
        threshold=verdict.threshold,
        message=_MESSAGES[rule].format(service),
        impact=Impact.MEDIUM,
        auto_escalate=verdict.severity is Severity.CRITICAL,
        for_seconds=0,
    )


def telemetry_gap(minutes: int, services: int) -> Finding:
    """Judge for how long most services have been silent together: told, and late critical."""
    outcome = Outcome.CLEAR if minutes == 0 else Outcome.HOLD
    severity: Severity | None = None
    if minutes >= GAP_TOLD_MINUTES:
        outcome = Outcome.BREACH
        severity = Severity.CRITICAL if minutes >= GAP_CRITICAL_MINUTES else Severity.HIGH
    reasons: tuple[SeverityReason, ...] = ()
    if severity is not None:
        text = (
            f"most of {services} services have sent nothing for {minutes} minutes: that looks like "
            "their reports being lost, and nothing is known of them meanwhile"
        )
        reasons = (SeverityReason(rule="telemetry_gap", severity=severity, reason=text),)
    return Finding(
        rule_id=TELEMETRY_GAP,
        type=SYSTEM_FAILURE,
        scope=Scope(service=TELEMETRY),
        outcome=outcome,
        axes=(AxisOutcome(axis="reports", outcome=outcome),),
        severity=severity,
        reasons=reasons,
        value=float(minutes),
        threshold=float(GAP_TOLD_MINUTES),
        message="Most services stopped reporting at the same time",
        impact=Impact.MEDIUM,
        auto_escalate=severity is Severity.CRITICAL,
        for_seconds=0,
    )


def findings_of(
    verdicts: Mapping[str, Mapping[Rule, Verdict]],
    *,
    open_rules: Mapping[str, frozenset[str]],
) -> list[Finding]:
    """Breaches by service, and whatever else an alert that is open waits for."""
    return [
        finding_of(service, rule, verdict)
        for service, by_rule in sorted(verdicts.items())
        for rule, verdict in by_rule.items()
        if verdict.outcome is Outcome.BREACH
        or rule_id(rule) in open_rules.get(service, frozenset())
    ]


def together(findings: Sequence[Finding]) -> list[Finding]:
    """Let services that break down in one look share an incident, five of them or more."""
    broken = {
        each.scope
        for each in findings
        if each.severity is Severity.CRITICAL and each.scope.wedding_id is None
    }
    if len(broken) < MANY_SERVICES:
        return list(findings)
    return [
        replace(each, shared_incident=SHARED_INCIDENT) if each.scope in broken else each
        for each in findings
    ]
