"""Bodies of the alert routes."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from wedsync.alerting.feedback import Tally, Verdict
from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.api.context import WeddingContextReply
from wedsync.api.shape import Reply, Request, Text


class SeverityReasonReply(Reply):
    """One rule that asked for this severity."""

    rule: str
    severity: Severity
    reason: str
    local_time: datetime | None

    @classmethod
    def of(cls, reason: SeverityReason) -> "SeverityReasonReply":
        """This reason."""
        return cls(
            rule=reason.rule,
            severity=reason.severity,
            reason=reason.reason,
            local_time=reason.local_time,
        )


class AlertReply(Reply):
    """One episode of one alert, with the reasons of its severity."""

    alert_id: str
    fingerprint: str
    rule_id: str
    type: str
    severity: Severity
    severity_reasons: list[SeverityReasonReply]
    state: AlertState
    wedding_id: str | None
    service: str | None
    message: str
    impact: Impact
    auto_escalate: bool
    value: float | None
    threshold: float | None
    started_at: datetime
    fired_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    incident_id: str | None
    recovered_automatically: bool
    tags: list[str]
    suppressed_by: str | None
    wedding_context: WeddingContextReply | None
    version: int

    @classmethod
    def of(cls, alert: Alert) -> "AlertReply":
        """This alert as its tenant sees it."""
        return cls(
            alert_id=alert.alert_id,
            fingerprint=alert.fingerprint,
            rule_id=alert.rule_id,
            type=alert.type,
            severity=alert.severity,
            severity_reasons=[SeverityReasonReply.of(each) for each in alert.severity_reasons],
            state=alert.state,
            wedding_id=alert.wedding_id,
            service=alert.service,
            message=alert.message,
            impact=alert.impact,
            auto_escalate=alert.auto_escalate,
            value=alert.value,
            threshold=alert.threshold,
            started_at=alert.started_at,
            fired_at=alert.fired_at,
            acknowledged_at=alert.acknowledged_at,
            acknowledged_by=alert.acknowledged_by,
            resolved_at=alert.resolved_at,
            incident_id=alert.incident_id,
            recovered_automatically=alert.recovered_automatically,
            tags=list(alert.tags),
            suppressed_by=alert.suppressed_by,
            wedding_context=WeddingContextReply.of_any(alert.wedding_context),
            version=alert.version,
        )


class AlertListReply(Reply):
    """Some alerts, newest first."""

    items: list[AlertReply]
    next_cursor: str | None
    effective_limit: int


class FeedbackRequest(Request):
    """Whether there was anything to be told of."""

    verdict: Annotated[Verdict, Field(strict=False)]
    comment: Text = ""


class FeedbackReply(Reply):
    """What was said, and how right the alert's rule has been since people say it."""

    alert_id: str
    rule_id: str
    verdict: Verdict
    comment: str
    true_positives: int
    false_positives: int
    precision: float | None

    @classmethod
    def of(cls, alert_id: str, tally: Tally) -> "FeedbackReply":
        """What this tally holds of the alert."""
        mark = next(each for each in tally.marks if each.alert_id == alert_id)
        return cls(
            alert_id=alert_id,
            rule_id=tally.rule_id,
            verdict=mark.verdict,
            comment=mark.comment,
            true_positives=tally.true_positives,
            false_positives=tally.false_positives,
            precision=tally.precision,
        )
