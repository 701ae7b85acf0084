"""Somebody tells how it goes."""

from wedsync.api.incidents import IncidentInContextReply, UpdateRequest
from wedsync.errors import Conflict, IncidentNotFound, TimelineFull
from wedsync.flows.incidents import change_incident
from wedsync.incidents.lifecycle import post_update
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/updates",
    summary="Tell how an incident goes; no reminder is sent then",
    uses=(Resource.INCIDENTS.read_write(),),
    raises=(IncidentNotFound, Conflict, TimelineFull),
    status=201,
)
def handler(
    incident_id: str, update: UpdateRequest, caller: FromCaller, services: Injected
) -> IncidentInContextReply:
    """Answer the incident with the update on its timeline."""
    done = change_incident(
        services,
        caller.tenant,
        incident_id,
        lambda incident, now: post_update(
            incident, by=caller.shown, at=now, text=update.text, status=update.status
        ),
    )
    return IncidentInContextReply.of(done.incident)
