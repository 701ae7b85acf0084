"""Somebody looks an incident up: what it is, who was paged, and all that happened since."""

from wedsync.api.incidents import IncidentInContextReply
from wedsync.api.versions import etag
from wedsync.errors import IncidentNotFound
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/incidents/{incident_id}",
    summary="Read an incident with its whole timeline",
    uses=(Resource.INCIDENTS.read(),),
    raises=(IncidentNotFound,),
)
def handler(
    incident_id: str, caller: FromCaller, services: Injected
) -> Answer[IncidentInContextReply]:
    """Answer one incident, whether it is over or not."""
    incident = services.incidents.get(caller.tenant, incident_id).value
    shown = IncidentInContextReply.of(incident, updates_shown=None)
    return Answer(shown, {"etag": etag(incident.version)})
