"""Somebody reports an incident; a critical one is paged before the answer."""

from wedsync.api.incidents import Created, IncidentRequest
from wedsync.errors import PolicyNotFound, WeddingNotFound
from wedsync.flows.grants import PAGING, TELLING
from wedsync.flows.incidents import deliver, report_incident
from wedsync.flows.policies import ladder_of_clock, named_ladder
from wedsync.flows.telling import tell_at_once
from wedsync.flows.tenant_settings import settings_of
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.weddings.context import wedding_context


@endpoint(
    "POST /api/monitoring/incidents",
    summary="Report an incident",
    uses=(Resource.WEDDINGS.read(), Resource.TENANT_SETTINGS.read(), *PAGING, *TELLING),
    raises=(WeddingNotFound, PolicyNotFound),
)
def handler(request: IncidentRequest, caller: FromCaller, services: Injected) -> Created:
    """Open the incident with the ladder that its severity and its wedding's clock ask for."""
    tenant, now = caller.tenant, services.now()
    context = None
    if request.weddingId is not None:
        wedding = services.weddings.get(tenant, request.weddingId, pointer="/weddingId")
        context = wedding_context(wedding, now, settings_of(services, tenant).season)
    name = request.escalation_policy
    choice = (
        ladder_of_clock(services, tenant, request.severity, context)
        if name is None
        else named_ladder(services, tenant, name, pointer="/escalation_policy")
    )
    incident = report_incident(
        services, tenant, request.report(context), choice=choice, by=caller.shown
    )
    tell_at_once(services, deliver(services, tenant, incident.incident_id))
    return Created(
        incidentId=incident.incident_id,
        severity=incident.severity,
        escalationTriggered=incident.has_ladder,
    )
