"""What was resolved is not over: somebody takes it up again."""

from wedsync.api.incidents import IncidentInContextReply
from wedsync.errors import Conflict, IncidentNotFound, IncidentOvertaken
from wedsync.flows.grants import PAGING
from wedsync.flows.incidents import deliver, reopen_incident
from wedsync.flows.policies import ladder_now
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/reopen",
    summary="Reopen a resolved incident; its ladder begins anew",
    uses=(
        Resource.WEDDINGS.read(),
        Resource.TENANT_SETTINGS.read(),
        Resource.ROUTING.read(),
        *PAGING,
    ),
    raises=(IncidentNotFound, Conflict, IncidentOvertaken),
)
def handler(incident_id: str, caller: FromCaller, services: Injected) -> IncidentInContextReply:
    """Answer the open incident; a repetition answers the same."""
    tenant = caller.tenant
    found = services.incidents.get(tenant, incident_id).value
    choice = ladder_now(services, tenant, found, found.severity)
    reopen_incident(services, tenant, incident_id, choice=choice, by=caller.shown)
    deliver(services, tenant, incident_id)
    return IncidentInContextReply.of(services.incidents.get(tenant, incident_id).value)
