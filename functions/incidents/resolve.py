"""Somebody ends an incident; everyone who was paged is told."""

from wedsync.api.incidents import IncidentReply
from wedsync.errors import IncidentNotFound
from wedsync.flows.incidents import change_incident, deliver
from wedsync.incidents.lifecycle import resolve
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/resolve",
    summary="Resolve an incident; everyone who was paged is told",
    uses=(Resource.INCIDENTS.read_write(), Resource.TIER_0.send(), Resource.WAKE.send()),
    raises=(IncidentNotFound,),
)
def handler(incident_id: str, caller: FromCaller, services: Injected) -> IncidentReply:
    """Answer the resolved incident; a repetition answers the same."""
    done = change_incident(
        services,
        caller.tenant,
        incident_id,
        lambda incident, now: resolve(incident, by=caller.subject, at=now),
    )
    deliver(services, caller.tenant, incident_id)
    return IncidentReply.of(done.incident)
