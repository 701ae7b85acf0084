"""Somebody files a resolved incident away."""

from wedsync.api.incidents import IncidentInContextReply
from wedsync.errors import Conflict, IncidentNotFound
from wedsync.flows.incidents import change_incident
from wedsync.incidents.lifecycle import close
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/close",
    summary="Close a resolved incident",
    uses=(Resource.INCIDENTS.read_write(),),
    raises=(IncidentNotFound, Conflict),
)
def handler(incident_id: str, caller: FromCaller, services: Injected) -> IncidentInContextReply:
    """Answer the closed incident; a repetition answers the same."""
    done = change_incident(
        services,
        caller.tenant,
        incident_id,
        lambda incident, now: close(incident, by=caller.shown, at=now),
    )
    return IncidentInContextReply.of(done.incident)
