"""What guests and vendors do at a wedding beside uploading photos, where it fails.

Guest lists that are not shown, and timelines that do not reach the devices, are judged by the table
of errors on any day. On the wedding's day any such breach is critical, since a workflow is hit.
"""

from wedsync.alerting.classification import Subject, classify, wedding_impact
from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.observation import Attempts
from wedsync.alerting.performance import ERROR_PERCENT
from wedsync.alerting.photos import failures_tell
from wedsync.alerting.severity import Severity, SeverityReason
from wedsync.alerting.surroundings import EVIDENT_COUNT, Surroundings, descending
from wedsync.weddings.model import WeddingContext

GUEST_LIST_FAILURES = "guest_list_failures"
TIMELINE_SYNC_FAILURES = "timeline_sync_failures"
_LEAST_FAILED = 5
"""Off the wedding's day, as many as of requests."""


def guest_list_failures(loads: Attempts, around: Surroundings, context: WeddingContext) -> Finding:
    """Judge guest lists that are asked for and not shown."""
    return _failures(
        GUEST_LIST_FAILURES,
        loads,
        around,
        context,
        what="guest lists cannot be loaded",
        message="Guest lists cannot be loaded",
    )


def timeline_sync_failures(
    syncs: Attempts, around: Surroundings, context: WeddingContext
) -> Finding:
    """Judge changes of the timeline that do not reach the devices."""
    return _failures(
        TIMELINE_SYNC_FAILURES,
        syncs,
        around,
        context,
        what="timelines are not synchronised",
        message="The timeline does not reach the devices",
    )


def _failures(
    rule: str,
    attempts: Attempts,
    around: Surroundings,
    context: WeddingContext,
    *,
    what: str,
    message: str,
) -> Finding:
    """Judge a share of failures that also must be several: two, or as the guests suggest, today."""
    if around.on_the_day:
        evident = failures_tell(attempts.failed, attempts.total, guest_count=around.guest_count)
    else:
        evident = attempts.failed >= _LEAST_FAILED or attempts.total >= EVIDENT_COUNT
    percent = attempts.failure_percent
    inside = None if percent is None else ERROR_PERCENT.outcome(percent, evident=evident)
    axis = around.axis(rule, inside, sampled_at=attempts.sampled_at)
    level = None if percent is None else ERROR_PERCENT.exceeded(percent)
    reasons: tuple[SeverityReason, ...] = ()
    if axis.outcome is Outcome.BREACH and percent is not None and level is not None:
        text = f"{percent:.4g} % of {what}, {attempts.failed} of {attempts.total} in 5 minutes"
        reasons = descending(
            around.reason(rule, level[0], f"{text}, above {level[1]:g} %"),
            *(each for each in classify(Subject.WORKFLOW, context) if each.severity > Severity.LOW),
        )
    severity = reasons[0].severity if reasons else None
    return Finding(
        rule_id=f"platform.{rule}",
        type=rule,
        scope=around.scope,
        outcome=axis.outcome,
        axes=(axis,),
        severity=severity,
        reasons=reasons,
        value=percent,
        threshold=level[1] if level is not None else ERROR_PERCENT.steps[0][1],
        message=f"{message} at the wedding of {context.couple_name}"
        + (f": {percent:.4g} % fail" if reasons else ""),
        impact=wedding_impact(context),
        auto_escalate=severity is Severity.CRITICAL,
        for_seconds=around.for_seconds(severity),
    )
