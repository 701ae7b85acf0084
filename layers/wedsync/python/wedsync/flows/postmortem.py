"""A post-mortem is put together from what is stored: nobody has to remember to write it."""

from datetime import datetime, timedelta

from wedsync.flows.deployments import deployments
from wedsync.flows.runbooks import moments_of
from wedsync.incidents.model import Incident
from wedsync.incidents.postmortem import (
    Postmortem,
    affected,
    similar,
    suggestions,
    took,
    touched,
)
from wedsync.incidents.timeline import told_in_order
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding
from wedsync.weddings.timeline import operational_window

LOOKED_BACK = timedelta(days=365)
MOST_LOOKED_THROUGH = 200
"""Incidents that one is compared with: the newest before it."""
BEFORE = timedelta(hours=1)
"""What was deployed so long before the first breach may have to do with it."""
_AROUND = timedelta(days=3)
"""A wedding's window may open so long before its date, and close so long after it."""
_LONGEST = timedelta(days=30)


def postmortem(services: Services, tenant: Tenant, incident_id: str) -> Postmortem:
    """What is known of an incident now. Raises IncidentNotFound."""
    incident = services.incidents.get(tenant, incident_id).value
    now = services.now()
    earlier = services.incidents.opened(
        tenant,
        since=incident.created_at - LOOKED_BACK,
        until=incident.created_at,
        most=MOST_LOOKED_THROUGH,
    )
    alike = similar(incident, earlier)
    began, ended = affected(incident, now=now)
    runs = services.executions.of_incident(tenant, incident_id)
    return Postmortem(
        incident=incident,
        took=took(incident),
        touched=tuple(touched(incident, _weddings(services, tenant, incident, now), now=now)),
        story=told_in_order(incident, moments_of(runs)),
        deployments=deployments(services, tenant, began - BEFORE, ended),
        similar=alike,
        findings=services.postmortems.findings(tenant, incident_id),
        suggestions=suggestions(incident, alike),
    )


def _weddings(
    services: Services, tenant: Tenant, incident: Incident, now: datetime
) -> list[Wedding]:
    """Its own wedding; where it has none, those whose window was open meanwhile."""
    if incident.wedding_id is not None:
        own = services.weddings.find(tenant, incident.wedding_id)
        return [] if own is None else [own]
    start = incident.created_at
    end = min(incident.resolved_at or now, start + _LONGEST)
    found = services.weddings.dated(tenant, (start - _AROUND).date(), (end + _AROUND).date())
    return [each for each in found if operational_window(each).overlaps(start, end)]
