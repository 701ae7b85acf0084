"""Somebody reports an incident; a critical one is paged before the answer."""

from wedsync.api.incidents import Created, IncidentRequest
from wedsync.errors import PolicyNotFound, WeddingNotFound
from wedsync.flows.grants import PAGING, TELLING
from wedsync.flows.incidents import deliver, report_incident
from wedsync.flows.policies import named_ladder, own_ladder
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.telling import tell_at_once
from wedsync.flows.tenant_settings import settings_of
from wedsync.incidents.policies import choose_policy
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
    day = TenantDay(tenant, services.weddings, now)
    choice = choose_policy(
        request.severity,
        context,
        any_wedding_today=context is None and day.any_wedding_today,
        any_saturday_wedding_today=context is None and day.any_saturday_wedding_today,
    )
    name = request.escalation_policy
    choice = (
        own_ladder(services, tenant, choice)
        if name is None
        else named_ladder(services, tenant, name, pointer="/escalation_policy")
    )
    incident = report_incident(
        services, tenant, request.report(context), choice=choice, by=caller.subject
    )
    tell_at_once(services, deliver(services, tenant, incident.incident_id))
    return Created(
        incidentId=incident.incident_id,
        severity=incident.severity,
        escalationTriggered=incident.has_ladder,
    )
