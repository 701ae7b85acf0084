"""Somebody says better what an incident is, how severe, and who works on it."""

from datetime import datetime

from wedsync.api.incidents import IncidentInContextReply, IncidentPatch
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import Conflict, IncidentNotFound, PreconditionFailed
from wedsync.flows.grants import PAGING
from wedsync.flows.incidents import change_incident, deliver
from wedsync.flows.policies import ladder_now
from wedsync.incidents.decisions import Decision
from wedsync.incidents.lifecycle import assign, retitle
from wedsync.incidents.model import Incident
from wedsync.incidents.opening import regrade
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PATCH /api/monitoring/incidents/{incident_id}",
    summary="Assign an incident, or change its title, description or severity",
    uses=(
        Resource.WEDDINGS.read(),
        Resource.TENANT_SETTINGS.read(),
        Resource.ROUTING.read(),
        *PAGING,
    ),
    raises=(IncidentNotFound, Conflict, PreconditionFailed),
)
def handler(
    incident_id: str,
    patch: IncidentPatch,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[IncidentInContextReply]:
    """Change the version that If-Match names, or the present one.

    What becomes critical begins a new ladder, as an alert does that becomes critical.
    """
    tenant, by = caller.tenant, caller.shown

    def changed(incident: Incident, now: datetime) -> Decision:
        require_version(if_match, incident.version)
        patch.require_no_more(incident)
        done = retitle(incident, title=patch.title, description=patch.description, by=by, at=now)
        if "assigned_to" in patch.model_fields_set:
            done = assign(done.incident, patch.assignee, by=by, at=now)
        if patch.severity is None:
            return done
        choice = ladder_now(services, tenant, incident, patch.severity)
        return regrade(done.incident, patch.severity, choice=choice, by=by, at=now)

    change_incident(services, tenant, incident_id, changed)
    deliver(services, tenant, incident_id)
    incident = services.incidents.get(tenant, incident_id).value
    return Answer(IncidentInContextReply.of(incident), {"etag": etag(incident.version)})
