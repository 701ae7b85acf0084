"""Components whose health checks fail, and hosts that run full."""

from wedsync.alerting.classification import Subject, classify
from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.observation import ComponentChecks, HostReading
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.surroundings import Surroundings, descending
from wedsync.alerting.thresholds import Levels, joined

SYSTEM_FAILURE = "system_failure"
RESOURCE_LIMIT = "resource_limit"
COMPONENT_FAILURES = 2
HOST_PERCENT = Levels(
    steps=((Severity.MEDIUM, 80.0), (Severity.HIGH, 90.0), (Severity.CRITICAL, 95.0))
)


def system_failure(checks: ComponentChecks, around: Surroundings) -> Finding:
    """Judge one component: two failed checks in 60 s are high, critical with a wedding today."""
    failures = checks.failures_in_60_s
    if failures >= COMPONENT_FAILURES:
        inside: Outcome | None = Outcome.BREACH
    elif failures:
        inside = Outcome.HOLD
    else:
        # Without a check in the last minute, no failure in it proves nothing.
        recent = (around.now - checks.sampled_at).total_seconds() < 60
        inside = Outcome.CLEAR if recent else None
    axes = (around.axis(checks.component, inside, sampled_at=checks.sampled_at),)
    outcome = joined(axes)
    reasons: tuple[SeverityReason, ...] = ()
    today = around.on_the_day or around.any_wedding_today
    if outcome is Outcome.BREACH:
        text = f"{checks.component} failed {failures} health checks in 60 s"
        subject = Subject.PAYMENT if checks.component.startswith("payment") else Subject.OTHER
        matching = [around.reason(SYSTEM_FAILURE, Severity.HIGH, text)]
        if today:
            matching.append(
                around.reason(
                    "wedding_today",
                    Severity.CRITICAL,
                    f"{checks.component} fails while a wedding is today",
                )
            )
        reasons = descending(*matching, *classify(subject, around.context))
    severity = reasons[0].severity if reasons else None
    return Finding(
        rule_id=f"platform.{SYSTEM_FAILURE}",
        type=SYSTEM_FAILURE,
        scope=around.scope,
        group=(("component", checks.component),),
        outcome=outcome,
        axes=axes,
        severity=severity,
        reasons=reasons,
        value=float(failures),
        threshold=float(COMPONENT_FAILURES),
        message=f"Health checks of {checks.component} fail for {around.subject}",
        impact=Impact.HIGH if today else Impact.MEDIUM,
        auto_escalate=severity is Severity.CRITICAL,
        # Two failures in 60 s are evidence over time already; a minute later they have left
        # the window, and no pending alert would ever fire.
        for_seconds=0,
    )


def resource_limit(reading: HostReading, around: Surroundings) -> Finding:
    """Judge one resource of one host: above 80, 90 and 95 % it is medium, high and critical."""
    percent = reading.percent
    axes = (
        around.axis(
            reading.resource.value, HOST_PERCENT.outcome(percent), sampled_at=reading.sampled_at
        ),
    )
    outcome = joined(axes)
    level = HOST_PERCENT.exceeded(percent) if outcome is Outcome.BREACH else None
    reasons: tuple[SeverityReason, ...] = ()
    if level is not None:
        text = f"{reading.resource} of {reading.host} at {percent:.4g} %, above {level[1]:g} %"
        reasons = descending(
            around.reason(RESOURCE_LIMIT, level[0], text), *classify(Subject.OTHER, around.context)
        )
    severity = reasons[0].severity if reasons else None
    return Finding(
        rule_id=f"platform.{RESOURCE_LIMIT}",
        type=RESOURCE_LIMIT,
        scope=around.scope,
        group=(("host", reading.host), ("resource", reading.resource.value)),
        outcome=outcome,
        axes=axes,
        severity=severity,
        reasons=reasons,
        value=percent,
        threshold=level[1] if level is not None else HOST_PERCENT.steps[0][1],
        message=f"Host {reading.host} is running out of {reading.resource}",
        impact=Impact.MEDIUM if severity is Severity.CRITICAL else Impact.LOW,
        auto_escalate=severity is Severity.CRITICAL,
        for_seconds=around.for_seconds(severity),
    )
