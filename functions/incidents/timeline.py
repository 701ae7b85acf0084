"""Somebody reads an incident's story."""

from wedsync.api.incidents import RunReply, TimelineReply
from wedsync.errors import IncidentNotFound
from wedsync.flows.runbooks import moments_of
from wedsync.incidents.timeline import told_in_order
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/incidents/{incident_id}/timeline",
    summary="Read all that happened in an incident, the oldest first",
    uses=(Resource.INCIDENTS.read(), Resource.RUNBOOKS.read()),
    raises=(IncidentNotFound,),
)
def handler(incident_id: str, caller: FromCaller, services: Injected) -> TimelineReply:
    """Answer every line, with the venue's wall time beside the instant."""
    incident = services.incidents.get(caller.tenant, incident_id).value
    runs = services.executions.of_incident(caller.tenant, incident_id)
    story = told_in_order(incident, moments_of(runs))
    return TimelineReply.of(incident, story, runs=[RunReply.of(each) for each in runs])
