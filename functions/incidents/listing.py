"""Somebody looks through the incidents, those that are over too, newest first."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.alerting.severity import Severity
from wedsync.api.incidents import IncidentInContextReply, IncidentListReply
from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.incidents.model import IncidentStatus
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/incidents",
    summary="List incidents, newest first",
    uses=(Resource.INCIDENTS.read(),),
)
def handler(
    caller: FromCaller,
    services: Injected,
    status: Annotated[IncidentStatus | None, Query()] = None,
    severity: Annotated[Severity | None, Query()] = None,
    wedding_id: Annotated[
        str | None, Query(alias="weddingId", min_length=1, max_length=200)
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer[IncidentListReply]:
    """Answer a page; filters may leave a page shorter than its limit while more follow."""
    filters = {"status": status, "severity": severity, "weddingId": wedding_id}
    size = clamped(limit)
    page = services.incidents.page(caller.tenant, limit=size, cursor=cursor)
    shown = [
        IncidentInContextReply.of(incident)
        for incident in page.incidents
        if status in (None, incident.status)
        and severity in (None, incident.severity)
        and wedding_id in (None, incident.wedding_id)
    ]
    return Answer(
        IncidentListReply(items=shown, nextCursor=page.next_cursor, effectiveLimit=size),
        linked("/api/monitoring/incidents", page.next_cursor, limit=size, filters=filters),
    )
