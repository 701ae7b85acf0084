"""Photo uploads that fail on the wedding day."""

from datetime import datetime

from wedsync.alerting.classification import Subject, classify
from wedsync.alerting.finding import AxisOutcome, Finding, Outcome
from wedsync.alerting.observation import Uploads
from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.alerting.surroundings import EVIDENT_COUNT, Surroundings
from wedsync.alerting.thresholds import Levels, joined
from wedsync.weddings.model import Status, WeddingContext

PHOTO_UPLOAD_FAILURES = "photo_upload_failures"
PHOTO_FAILURE_PERCENT = Levels(steps=((Severity.CRITICAL, 1.0),))


def minimum_photo_failures(guest_count: int | None) -> int:
    """Count the failures that a computed rate needs beside it: one per 100 guests, at least 2.

    Halves go to the even neighbour: 150 guests need 2, 250 need 2, 350 need 4.
    """
    return max(2, round((guest_count or 0) / 100))


def failures_tell(failed: int, of: int, *, guest_count: int | None) -> bool:
    """Whether a counted rate is evidence: enough failed, or there were many cases."""
    return failed >= minimum_photo_failures(guest_count) or of >= EVIDENT_COUNT


def photo_upload_failures(
    uploads: Uploads, around: Surroundings, context: WeddingContext
) -> Finding:
    """Judge the wedding day's uploads: more than 1 % failed is critical, whatever the weekday.

    A rate computed from few uploads needs a minimum of failures beside it; a supplied rate
    decides alone.
    """
    counted = uploads.failure_percent
    evident = failures_tell(uploads.failed, uploads.tried, guest_count=around.guest_count)
    supplied = uploads.supplied_failure_percent

    # The day lies ahead (again): an alert of a day that was moved away needs no sample to end.
    ahead = context.status is Status.PLANNING and not around.on_the_day

    def axis(
        name: str, value: float | None, *, evident: bool, sampled_at: datetime | None
    ) -> AxisOutcome:
        if ahead:
            return AxisOutcome(axis=name, outcome=Outcome.CLEAR)
        inside = None
        if value is not None:
            inside = (
                PHOTO_FAILURE_PERCENT.outcome(value, evident=evident)
                if around.on_the_day
                else Outcome.CLEAR  # the rule is one of the wedding day; with it, it ends
            )
        return around.axis(name, inside, sampled_at=sampled_at)

    axes = (
        axis("uploads", counted, evident=evident, sampled_at=uploads.sampled_at),
        axis("supplied_rate", supplied, evident=True, sampled_at=uploads.supplied_at),
    )
    breaching = [
        value
        for value, axis in zip((counted, supplied), axes, strict=True)
        if value is not None and axis.outcome is Outcome.BREACH
    ]
    threshold = PHOTO_FAILURE_PERCENT.steps[0][1]
    value = max(breaching, default=None)
    reasons: tuple[SeverityReason, ...] = ()
    if value is not None:
        text = f"{value:.4g} % of photo uploads fail on the wedding day; {threshold:g} % is allowed"
        reasons = (
            around.reason(PHOTO_UPLOAD_FAILURES, Severity.CRITICAL, text),
            *classify(Subject.WORKFLOW, context),
        )
    return Finding(
        rule_id=f"platform.{PHOTO_UPLOAD_FAILURES}",
        type=PHOTO_UPLOAD_FAILURES,
        scope=around.scope,
        outcome=joined(axes),
        axes=axes,
        severity=Severity.CRITICAL if reasons else None,
        reasons=reasons,
        value=value,
        threshold=threshold,
        message=(
            f"Photo uploads fail at the wedding of {context.couple_name}"
            + (f": {value:.4g} % in 5 minutes" if value is not None else "")
        ),
        impact=Impact.HIGH,
        auto_escalate=True,
        for_seconds=around.for_seconds(Severity.CRITICAL),
    )
