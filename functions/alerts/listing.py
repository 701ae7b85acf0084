"""Somebody looks through the alerts, newest first."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.alerting.model import AlertState
from wedsync.alerting.severity import Severity
from wedsync.api.alerts import AlertListReply, AlertReply
from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/alerts",
    summary="List alerts, newest first",
    uses=(Resource.ALERTS.read(),),
)
def handler(
    caller: FromCaller,
    services: Injected,
    state: Annotated[AlertState | None, Query()] = None,
    severity: Annotated[Severity | None, Query()] = None,
    wedding_id: Annotated[
        str | None, Query(alias="weddingId", min_length=1, max_length=200)
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer[AlertListReply]:
    """Answer a page; filters may leave a page shorter than its limit while more follow."""
    filters = {"state": state, "severity": severity, "weddingId": wedding_id}
    size = clamped(limit)
    page = services.alerts.page(caller.tenant, limit=size, cursor=cursor)
    shown = [
        AlertReply.of(alert)
        for alert in page.alerts
        if state in (None, alert.state)
        and severity in (None, alert.severity)
        and wedding_id in (None, alert.wedding_id)
    ]
    return Answer(
        AlertListReply(items=shown, next_cursor=page.next_cursor, effective_limit=size),
        linked("/api/metrics/alerts", page.next_cursor, limit=size, filters=filters),
    )
