"""How an incident begins, and how alerts and people make its ladder begin anew.

Steps that fall due at once are in the answer: whoever stores it then claims them.
"""

from dataclasses import replace
from datetime import datetime

from wedsync.alerting.model import Alert
from wedsync.alerting.severity import Impact, Severity
from wedsync.errors import Conflict
from wedsync.incidents.decisions import Decision, noted, require_active
from wedsync.incidents.ladder import SYSTEM, cancelled, plan, planned_step, rounded_up, with_step
from wedsync.incidents.lifecycle import lower
from wedsync.incidents.model import (
    Incident,
    IncidentAlert,
    IncidentStatus,
    LadderStep,
    Report,
    StepKind,
    UpdateKind,
)
from wedsync.incidents.policies import PolicyChoice


def alert_escalates(alert: Alert) -> bool:
    """Tell whether the alert opens or joins an incident with a ladder."""
    return alert.severity is Severity.CRITICAL or alert.auto_escalate


def report_escalates(report: Report | Incident) -> bool:
    """Tell whether what somebody reports pages at once: critical, or of high impact."""
    return report.severity is Severity.CRITICAL or report.wedding_impact is Impact.HIGH


def open_incident(
    report: Report,
    *,
    incident_id: str,
    choice: PolicyChoice,
    by: str,
    now: datetime,
) -> Decision:
    """Open what somebody reports. Below the bar for a ladder, the first tier is told once."""
    incident = _opened(report, incident_id=incident_id, choice=choice, by=by, now=now)
    if report_escalates(report):
        steps = plan(choice.policy, epoch=1, now=now)
        return Decision(incident=replace(incident, steps=steps), reason=choice.reason)
    notice = _notice(choice, epoch=1, now=now)
    return Decision(incident=with_step(incident, notice), reason="no ladder: one notice")


def open_for_alert(
    alert: Alert,
    *,
    incident_id: str,
    choice: PolicyChoice,
    wedding_impact: Impact = Impact.NONE,
    now: datetime,
) -> Decision:
    """Open an incident with its ladder for an alert that escalates."""
    report = Report(
        title=alert.message,
        severity=alert.severity,
        wedding_id=alert.wedding_id,
        wedding_impact=wedding_impact,
        affected_services=(alert.service,) if alert.service is not None else (),
        wedding_context=alert.wedding_context,
    )
    incident = _opened(
        report,
        incident_id=incident_id,
        choice=choice,
        by=SYSTEM,
        now=now,
    )
    incident = replace(
        incident,
        auto_created=True,
        alerts=(_remembered(alert),),
        steps=plan(choice.policy, epoch=1, now=now),
    )
    return Decision(incident=incident, reason=choice.reason)


def join(incident: Incident, alert: Alert, *, choice: PolicyChoice, now: datetime) -> Decision:
    """Let an alert join, or rise within, an active incident.

    A critical alert that joins a lower or an acknowledged incident, and any that escalates and
    finds no ladder, begins a new epoch with the ladder of ``choice``.
    """
    require_active(incident)
    known = next((each for each in incident.alerts if each.alert_id == alert.alert_id), None)
    if known is not None and known.severity >= alert.severity:
        return Decision(incident=incident, reason="the alert is part of it already")
    remembered = {each.alert_id: each for each in incident.alerts}
    remembered[alert.alert_id] = _remembered(alert)
    verb = "joined" if known is None else "rose"
    joined = noted(
        replace(
            incident,
            alerts=tuple(remembered.values()),
            severity=max(incident.severity, alert.severity, key=lambda each: each.rank),
        ),
        at=now,
        by=SYSTEM,
        kind=UpdateKind.ALERT,
        text=f"{alert.severity} {alert.type} {verb}: {alert.message}",
    )
    critical = alert.severity is Severity.CRITICAL
    answered = incident.acknowledged_at is not None
    if critical and (incident.severity < Severity.CRITICAL or answered):
        reason = "a critical alert: a new ladder begins"
    elif alert_escalates(alert) and not incident.has_ladder:
        reason = "the alert escalates, and no ladder was running"
    else:
        return Decision(incident=joined, reason="the alert joined; its ladder is under way")
    risen = replace(joined, raised_for=alert.alert_id)
    return Decision(incident=_new_epoch(risen, choice=choice, now=now), reason=reason)


def regrade(
    incident: Incident, severity: Severity, *, choice: PolicyChoice, by: str, at: datetime
) -> Decision:
    """Say anew how severe it is. What becomes critical begins a new epoch with its ladder.

    Whoever had taken it took something smaller: others hear of what it has become.
    """
    judged = lower(incident, severity, by=by, at=at)
    becomes_critical = incident.severity < severity is Severity.CRITICAL
    if not becomes_critical or not incident.is_active:
        return judged
    return Decision(
        incident=_new_epoch(judged.incident, choice=choice, now=at),
        reason=f"{by} calls it critical: a new ladder begins",
    )


def reopen(incident: Incident, *, choice: PolicyChoice, by: str, at: datetime) -> Decision:
    """Take a resolved incident up again, in a new epoch.

    What had a ladder, or should have one, begins it from the start; of the rest the first tier is
    told once.
    """
    if incident.is_active:
        return Decision(incident=incident, reason="open already")
    if incident.status is IncidentStatus.CLOSED:
        raise Conflict("a closed incident stays closed; open another one")
    opened = replace(incident, status=IncidentStatus.OPEN, resolved_at=None, resolved_by=None)
    opened = noted(opened, at=at, by=by, kind=UpdateKind.REOPENED, text="reopened")
    escalates = incident.has_ladder or report_escalates(incident)
    again = _new_epoch(opened, choice=choice, now=at, escalates=escalates)
    return Decision(incident=again, reason=f"reopened by {by}")


def _opened(
    report: Report,
    *,
    incident_id: str,
    choice: PolicyChoice,
    by: str,
    now: datetime,
) -> Incident:
    incident = Incident(
        incident_id=incident_id,
        title=report.title,
        description=report.description,
        severity=report.severity,
        wedding_id=report.wedding_id,
        wedding_impact=report.wedding_impact,
        affected_services=report.affected_services,
        user_impact_estimate=report.user_impact_estimate,
        system_state_json=report.system_state_json,
        created_at=now,
        opened_at=rounded_up(now),
        wedding_context=report.wedding_context,
        policy=choice.policy,
        policy_reason=choice.reason,
        runbooks_due=True,
    )
    return noted(incident, at=now, by=by, kind=UpdateKind.OPENED, text=f"opened: {report.title}")


def _notice(choice: PolicyChoice, *, epoch: int, now: datetime) -> LadderStep:
    roles = choice.policy.tiers[0].roles
    return planned_step(StepKind.NOTICE, epoch=epoch, tier=0, roles=roles, due_at=now)


def _new_epoch(
    incident: Incident, *, choice: PolicyChoice, now: datetime, escalates: bool = True
) -> Incident:
    stopped = cancelled(incident, *StepKind)
    epoch = incident.epoch + 1
    notice = _notice(choice, epoch=epoch, now=now)
    steps = plan(choice.policy, epoch=epoch, now=now) if escalates else (notice,)
    return replace(
        stopped,
        epoch=epoch,
        opened_at=rounded_up(now),
        acknowledged_at=None,
        acknowledged_by=None,
        policy=choice.policy,
        policy_reason=choice.reason,
        steps=(*stopped.steps, *steps),
    )


def _remembered(alert: Alert) -> IncidentAlert:
    return IncidentAlert(
        alert_id=alert.alert_id,
        rule_id=alert.rule_id,
        type=alert.type,
        severity=alert.severity,
        severity_reasons=alert.severity_reasons,
        message=alert.message,
        value=alert.value,
        threshold=alert.threshold,
        started_at=alert.started_at,
        fired_at=alert.fired_at,
        resolved_at=alert.resolved_at,
        tags=alert.tags,
    )
