"""Somebody takes an incident; its ladder stops."""

from wedsync.api.incidents import IncidentInContextReply
from wedsync.errors import IncidentAlreadyResolved, IncidentNotFound
from wedsync.flows.incidents import change_incident
from wedsync.flows.orders import say_taken
from wedsync.incidents.lifecycle import acknowledge
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/acknowledge",
    summary="Acknowledge an incident; its ladder stops",
    uses=(Resource.INCIDENTS.read_write(), Resource.DELIVERIES.send()),
    raises=(IncidentNotFound, IncidentAlreadyResolved),
)
def handler(incident_id: str, caller: FromCaller, services: Injected) -> IncidentInContextReply:
    """Answer the acknowledged incident; a repetition answers the same."""
    done = change_incident(
        services,
        caller.tenant,
        incident_id,
        lambda incident, now: acknowledge(incident, by=caller.shown, at=now),
    )
    say_taken(services, caller.tenant, incident_id)
    return IncidentInContextReply.of(done.incident)
