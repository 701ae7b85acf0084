"""Weddings' clocks, observations and findings for the tests of alerting."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.observation import (
    Checks,
    Requests,
    Response,
    Scope,
    Uploads,
    WeddingObservation,
)
from wedsync.alerting.rules import judge
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.weddings.model import Phase, Status, WeddingContext

NOW = datetime(2026, 3, 14, 15, 5, tzinfo=UTC)
VENUE = timezone(timedelta(hours=1))

PLANNING = WeddingContext(
    wedding_id="w1",
    couple_name="Ana & Ben",
    status=Status.PLANNING,
    phase=Phase.PLANNING,
    is_weekend=False,
    is_saturday_local=False,
    is_wedding_day=False,
    is_season=False,
    in_window=False,
    days_to_wedding=100,
    local=NOW.astimezone(VENUE),
    time_zone="Europe/Berlin",
)
"""A Tuesday, a hundred days before, off season."""

OTHER_SATURDAY = replace(PLANNING, is_weekend=True, is_saturday_local=True)
THE_DAY = replace(
    PLANNING,
    status=Status.TODAY,
    phase=Phase.LIVE,
    is_weekend=True,
    is_saturday_local=True,
    is_wedding_day=True,
    in_window=True,
    days_to_wedding=0,
)
THE_DAY_ON_A_WEDNESDAY = replace(THE_DAY, is_weekend=False, is_saturday_local=False)
WEDDING = Scope(wedding_id="w1")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def photos(*, failed: int = 0, completed: int = 0, rate: float | None = None) -> WeddingObservation:
    return WeddingObservation(
        scope=WEDDING,
        uploads=Uploads(
            failed=failed,
            completed=completed,
            sampled_at=NOW if failed + completed else None,
            supplied_failure_percent=rate,
            supplied_at=NOW if rate is not None else None,
        ),
    )


def slow(p95_ms: float, *, scope: Scope = WEDDING) -> WeddingObservation:
    return WeddingObservation(scope=scope, response=Response(p95_ms=p95_ms, sampled_at=NOW))


def failing(*, errors: int, total: int) -> WeddingObservation:
    return WeddingObservation(
        scope=WEDDING, requests=Requests(errors=errors, total=total, sampled_at=NOW)
    )


def unavailable(*, failed: int, total: int) -> WeddingObservation:
    return WeddingObservation(
        scope=WEDDING, checks=Checks(failed=failed, total=total, sampled_at=NOW)
    )


def found(
    type_: str,
    observation: WeddingObservation,
    context: WeddingContext | None,
    *,
    guests: int | None = None,
    any_wedding_today: bool = False,
) -> Finding:
    findings = judge(
        observation,
        context=context,
        guest_count=guests,
        any_wedding_today=any_wedding_today,
        now=NOW,
    )
    (finding,) = (each for each in findings if each.type == type_)
    return finding


def a_finding(
    outcome: Outcome = Outcome.BREACH,
    *,
    severity: Severity = Severity.CRITICAL,
    for_seconds: int = 0,
    value: float = 2.0,
) -> Finding:
    """A finding of a rule with one input, called ``errors``."""
    breach = outcome is Outcome.BREACH
    return Finding(
        rule_id="platform.performance_degradation",
        type="performance_degradation",
        scope=WEDDING,
        outcome=outcome,
        axes=(AxisOutcome(axis="errors", outcome=outcome),),
        severity=severity if breach else None,
        reasons=(SeverityReason(rule="r", severity=severity, reason="because"),) if breach else (),
        value=value,
        threshold=1.0,
        message="it is bad",
        impact=Impact.MEDIUM,
        auto_escalate=breach and severity is Severity.CRITICAL,
        for_seconds=for_seconds,
    )
