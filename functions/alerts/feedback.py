"""Somebody says whether an alert was right; its rule's precision follows, and what it learns."""

from wedsync.api.alerts import FeedbackReply, FeedbackRequest
from wedsync.errors import AlertNotFound, Conflict
from wedsync.flows.feedback import mark_alert
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/metrics/alerts/{alert_id}/feedback",
    summary="Say whether an alert was right",
    uses=(Resource.ALERTS.read(), Resource.RULES.read_write()),
    raises=(AlertNotFound, Conflict),
)
def handler(
    alert_id: str, feedback: FeedbackRequest, caller: FromCaller, services: Injected
) -> FeedbackReply:
    """Answer what was said; what is said later of the same alert takes its place."""
    tally = mark_alert(
        services,
        caller.tenant,
        alert_id,
        feedback.verdict,
        comment=feedback.comment,
        by=caller.shown,
    )
    return FeedbackReply.of(alert_id, tally)
