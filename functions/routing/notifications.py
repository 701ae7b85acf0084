"""Somebody looks up who was told of what, and what became of it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.api.notifications import NotificationListReply, NotificationReply
from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.errors import Invalid
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/notifications",
    summary="List who was told of what, newest first",
    uses=(Resource.NOTIFICATIONS.read(),),
)
def handler(
    caller: FromCaller,
    services: Injected,
    incident_id: Annotated[
        str | None, Query(alias="incidentId", min_length=1, max_length=200)
    ] = None,
    alert_id: Annotated[str | None, Query(alias="alertId", min_length=1, max_length=200)] = None,
    contact_id: Annotated[
        str | None, Query(alias="contactId", min_length=1, max_length=200)
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer[NotificationListReply]:
    """Answer a page about an incident, an alert without one, or a contact's tests; or of all."""
    asked = {"incidentId": incident_id, "alertId": alert_id, "contactId": contact_id}
    given = [each for each in asked.values() if each is not None]
    if len(given) > 1:
        raise Invalid.field("incidentId", "too-many", "ask for one thing at a time")
    size = clamped(limit)
    page = services.deliveries.page(
        caller.tenant, subject_id=given[0] if given else None, limit=size, cursor=cursor
    )
    return Answer(
        NotificationListReply(
            items=[NotificationReply.of(each) for each in page.deliveries],
            next_cursor=page.next_cursor,
            effective_limit=size,
        ),
        linked("/api/monitoring/notifications", page.next_cursor, limit=size, filters=asked),
    )
