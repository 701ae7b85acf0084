"""Bodies of the alert routes."""

from datetime import datetime

from wedsync.alerting.model import Alert, AlertState
from wedsync.alerting.severity import Impact, Severity
from wedsync.api.shape import Reply
from wedsync.weddings.model import Phase, Status, WeddingContext


class SeverityReasonReply(Reply):
    """One rule that asked for this severity."""

    rule: str
    severity: Severity
    reason: str
    local_time: datetime | None


class WeddingContextReply(Reply):
    """The wedding clock when it happened."""

    wedding_id: str
    couple_name: str
    status: Status
    phase: Phase
    is_weekend: bool
    is_saturday_local: bool
    is_wedding_day: bool
    is_season: bool
    in_window: bool
    days_to_wedding: int
    local: datetime
    time_zone: str

    @classmethod
    def of(cls, context: WeddingContext) -> "WeddingContextReply":
        """This context."""
        return cls(
            wedding_id=context.wedding_id,
            couple_name=context.couple_name,
            status=context.status,
            phase=context.phase,
            is_weekend=context.is_weekend,
            is_saturday_local=context.is_saturday_local,
            is_wedding_day=context.is_wedding_day,
            is_season=context.is_season,
            in_window=context.in_window,
            days_to_wedding=context.days_to_wedding,
            local=context.local,
            time_zone=context.time_zone,
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
            severity_reasons=[
                SeverityReasonReply(
                    rule=each.rule,
                    severity=each.severity,
                    reason=each.reason,
                    local_time=each.local_time,
                )
                for each in alert.severity_reasons
            ],
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
            wedding_context=None
            if alert.wedding_context is None
            else WeddingContextReply.of(alert.wedding_context),
            version=alert.version,
        )


class AlertListReply(Reply):
    """Some alerts, newest first."""

    items: list[AlertReply]
    next_cursor: str | None
    effective_limit: int
