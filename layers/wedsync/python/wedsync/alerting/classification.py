"""Severity from what a wedding is doing: the rows that hold for every kind of alert.

Every row that matches counts and the highest decides; no row lowers another.
"""

from enum import StrEnum

from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.weddings.model import Phase, Status, WeddingContext


class Subject(StrEnum):
    """What an alert is about, as far as its severity depends on it."""

    WORKFLOW = "workflow"
    """Something that guests, couple and vendors do at a wedding: uploads, check-in, seating …"""
    PERFORMANCE = "performance"
    PAYMENT = "payment"
    """A service that takes money has failed."""
    OTHER = "other"


def wedding_impact(context: WeddingContext | None) -> Impact:
    """How much a fault would touch this wedding now, by how near it is."""
    if context is None:
        return Impact.NONE
    if context.in_window or context.phase is Phase.LIVE:
        return Impact.HIGH
    if context.phase is Phase.EVE:
        return Impact.MEDIUM
    if context.phase in {Phase.WEEK, Phase.MONTH}:
        return Impact.LOW
    return Impact.NONE


def classify(subject: Subject, context: WeddingContext | None) -> tuple[SeverityReason, ...]:
    """Every row that matches, the most severe first; never empty."""
    local = context.local if context is not None else None

    def row(rule: str, severity: Severity, reason: str) -> SeverityReason:
        return SeverityReason(rule=rule, severity=severity, reason=reason, local_time=local)

    rows: list[SeverityReason] = []
    if subject is Subject.WORKFLOW and context is not None:
        if context.status is Status.TODAY or context.in_window:
            rows.append(
                row(
                    "weekend_wedding_workflow",
                    Severity.CRITICAL,
                    "a wedding workflow is hit on the wedding day",
                )
            )
        elif context.is_weekend:
            rows.append(
                row(
                    "weekend_wedding_workflow",
                    Severity.HIGH,
                    "a wedding workflow is hit on a weekend that is not the wedding's own",
                )
            )
    if subject is Subject.PERFORMANCE:
        if context is not None and context.is_season and wedding_impact(context) >= Impact.LOW:
            rows.append(
                row(
                    "season_performance",
                    Severity.HIGH,
                    f"performance is degraded in the wedding season, "
                    f"with the wedding {_distance(context)}",
                )
            )
        # On weekends too: a slow Saturday is never milder than a slow Tuesday.
        rows.append(
            row("performance_degradation", Severity.MEDIUM, "degraded performance is at least this")
        )
    if subject is Subject.PAYMENT:
        rows.append(row("payment_service_failure", Severity.HIGH, "a payment service has failed"))
    return tuple(rows) or (row("default", Severity.LOW, "no row of the classification matches"),)


def _distance(context: WeddingContext) -> str:
    if context.days_to_wedding == 0 or context.in_window:
        return "today"
    return f"{context.days_to_wedding} days away"
