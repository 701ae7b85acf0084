"""Incidents and alerts for the tests of incidents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.incidents.ladder import Claimed, claim, due_steps, mark_sent
from wedsync.incidents.model import Incident, LadderStep, Report, StepKind
from wedsync.incidents.opening import open_for_alert, open_incident
from wedsync.incidents.policies import NORMAL, WEDDING_DAY, PolicyChoice, templates
from wedsync.weddings.model import Phase, Status, WeddingContext

NOW = datetime(2026, 6, 6, 14, 5, tzinfo=UTC)
THE_DAY = WeddingContext(
    wedding_id="w1",
    couple_name="Ana & Ben",
    status=Status.TODAY,
    phase=Phase.LIVE,
    is_weekend=True,
    is_saturday_local=True,
    is_wedding_day=True,
    is_season=True,
    in_window=True,
    days_to_wedding=0,
    local=NOW.astimezone(timezone(timedelta(hours=2))),
    time_zone="Europe/Berlin",
)
A_TUESDAY_BEFORE = replace(
    THE_DAY,
    status=Status.PLANNING,
    phase=Phase.MONTH,
    is_weekend=False,
    is_saturday_local=False,
    is_wedding_day=False,
    in_window=False,
    days_to_wedding=18,
)
A_SATURDAY_BEFORE = replace(A_TUESDAY_BEFORE, is_weekend=True, is_saturday_local=True)
WEDDING_DAY_CHOICE = PolicyChoice(
    policy=templates()[WEDDING_DAY], reason="critical on the wedding day"
)
NORMAL_CHOICE = PolicyChoice(policy=templates()[NORMAL], reason="high")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def an_alert(
    alert_id: str = "a-1",
    *,
    severity: Severity = Severity.CRITICAL,
    auto_escalate: bool | None = None,
    context: WeddingContext | None = THE_DAY,
) -> Alert:
    critical = severity is Severity.CRITICAL
    return Alert(
        alert_id=alert_id,
        fingerprint=alert_id.partition("-")[0],
        rule_id="platform.photo_upload_failures",
        type="photo_upload_failures",
        severity=severity,
        severity_reasons=(
            SeverityReason(
                rule="photo_upload_failures",
                severity=severity,
                reason="2 % of photo uploads fail on the wedding day; 1 % is allowed",
                local_time=context.local if context is not None else None,
            ),
        ),
        state=AlertState.FIRING,
        wedding_id=context.wedding_id if context is not None else None,
        service="api" if context is None else None,
        message="Photo uploads fail at the wedding of Ana & Ben: 2 % in 5 minutes",
        impact=Impact.HIGH,
        auto_escalate=critical if auto_escalate is None else auto_escalate,
        value=2.0,
        threshold=1.0,
        started_at=NOW,
        fired_at=NOW,
        wedding_context=context,
        last_breach_at=NOW,
        last_evaluated_at=NOW,
    )


def an_incident(*, now: datetime = NOW, choice: PolicyChoice = WEDDING_DAY_CHOICE) -> Incident:
    """One that a critical alert opened, with its ladder."""
    return open_for_alert(an_alert(), incident_id="i-1", choice=choice, now=now).incident


def a_reported_incident(severity: Severity = Severity.HIGH) -> Incident:
    """One that somebody reported; below critical it has no ladder."""
    report = Report(title="The florist's list is empty", severity=severity, wedding_id="w1")
    return open_incident(
        report, incident_id="i-2", choice=NORMAL_CHOICE, by="mia", now=NOW
    ).incident


def delivered(incident: Incident, *, at: datetime) -> tuple[Incident, list[LadderStep]]:
    """Claim, publish and mark whatever is due."""
    sent: list[LadderStep] = []
    for step in due_steps(incident, now=at):
        taken = claim(incident, step.step_id, now=at)
        assert isinstance(taken, Claimed)
        marked = mark_sent(taken.incident, step.step_id, attempt=taken.step.attempt, now=at)
        assert marked is not None
        incident = marked
        sent.append(taken.step)
    return incident, sent


def kinds(steps: list[LadderStep]) -> list[tuple[StepKind, int]]:
    return [(step.kind, step.tier) for step in steps]
