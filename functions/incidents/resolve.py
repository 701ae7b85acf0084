"""Somebody ends an incident and its alerts; everyone who was paged is told."""

from wedsync.api.incidents import IncidentInContextReply
from wedsync.errors import IncidentNotFound
from wedsync.flows.answering import resolve_incident
from wedsync.flows.grants import PAGING
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/resolve",
    summary="Resolve an incident with its alerts; everyone who was paged is told",
    uses=(Resource.ALERTS.read_write(), *PAGING),
    raises=(IncidentNotFound,),
)
def handler(incident_id: str, caller: FromCaller, services: Injected) -> IncidentInContextReply:
    """Answer the resolved incident; a repetition answers the same."""
    incident = resolve_incident(services, caller.tenant, incident_id, by=caller.shown)
    return IncidentInContextReply.of(incident)
