"""What is judged of a tenant as a whole: callers that are refused, and payments that fail."""

from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.classification import Subject, classify
from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.observation import Scope
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.surroundings import Surroundings, descending
from wedsync.alerting.thresholds import Levels, seen

REFUSED_CALLERS = "refused_callers"
PAYMENT_FAILURES = "payment_failures"
SECURITY = "security"
BUSINESS = "business"
REFUSED_STATUSES = frozenset({"401", "403"})
PAYMENT = "payment.attempt"
_REFUSED_PERCENT = Levels(steps=((Severity.HIGH, 20.0),))
_LEAST_REFUSED = 50
_FAILED_PERCENT = Levels(steps=((Severity.HIGH, 5.0),))
_LEAST_FAILED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """How many of a tenant's cases of one kind went wrong in five minutes."""

    total: int
    wrong: int
    sampled_at: datetime | None

    @property
    def percent(self) -> float | None:
        """The share that went wrong, 0-100; None without cases."""
        return 100.0 * self.wrong / self.total if self.total else None


def refused_callers(cases: Cases, *, now: datetime) -> Finding:
    """Judge answers of 401 and 403: above 20 % of all, and 50 of them, somebody tries keys."""
    return _finding(
        cases,
        now=now,
        rule=REFUSED_CALLERS,
        kind=SECURITY,
        levels=_REFUSED_PERCENT,
        least=_LEAST_REFUSED,
        subject=Subject.OTHER,
        what="of all requests were refused for want of rights",
        message="Callers are refused in bursts: somebody may be trying keys",
    )


def payment_failures(cases: Cases, *, now: datetime) -> Finding:
    """Judge payments: above 5 % that fail, and 5 of them, a payment service has failed."""
    return _finding(
        cases,
        now=now,
        rule=PAYMENT_FAILURES,
        kind=BUSINESS,
        levels=_FAILED_PERCENT,
        least=_LEAST_FAILED,
        subject=Subject.PAYMENT,
        what="of all payments failed",
        message="Payments fail",
    )


def _finding(
    cases: Cases,
    *,
    now: datetime,
    rule: str,
    kind: str,
    levels: Levels,
    least: int,
    subject: Subject,
    what: str,
    message: str,
) -> Finding:
    around = Surroundings(
        scope=Scope(tenant_wide=True),
        context=None,
        guest_count=None,
        any_wedding_today=False,
        now=now,
    )
    percent = cases.percent
    inside = None if percent is None else levels.outcome(percent, evident=cases.wrong >= least)
    outcome = seen(inside, sampled_at=cases.sampled_at, now=now)
    reasons: tuple[SeverityReason, ...] = ()
    if outcome is Outcome.BREACH:
        text = f"{percent:.4g} % {what} in 5 minutes, {cases.wrong} of {cases.total}"
        reasons = descending(
            around.reason(rule, Severity.HIGH, text),
            *(each for each in classify(subject, None) if subject is not Subject.OTHER),
        )
    return Finding(
        rule_id=f"platform.{rule}",
        type=kind,
        scope=around.scope,
        outcome=outcome,
        axes=(AxisOutcome(axis=rule, outcome=outcome),),
        severity=reasons[0].severity if reasons else None,
        reasons=reasons,
        value=percent,
        threshold=levels.steps[0][1],
        message=message,
        impact=Impact.MEDIUM,
        shared_incident=f"rule platform.{rule}",
    )
