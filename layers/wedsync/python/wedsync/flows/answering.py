"""Somebody acknowledges or resolves an alert: its incident follows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from wedsync.alerting import lifecycle as alert_lifecycle
from wedsync.alerting.model import Alert, AlertState
from wedsync.errors import TooMuchContention
from wedsync.flows.alerts import TRIES, settle
from wedsync.flows.incidents import (
    acknowledge_incident,
    change_incident,
    deliver,
    incident_of_alert,
)
from wedsync.flows.orders import say_taken
from wedsync.flows.surroundings import TenantDay
from wedsync.incidents import lifecycle as incident_lifecycle
from wedsync.incidents.model import Incident
from wedsync.stores.episodes import Overtaken, Stored
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def acknowledge_alert(services: Services, tenant: Tenant, alert_id: str, *, by: str) -> Alert:
    """Take the alert. The incident is written first: its ladder must stop whatever happens.

    And once more after the alert, should the alert have found its incident only meanwhile.
    """
    found = services.alerts.get(tenant, alert_id).value
    alert_lifecycle.acknowledge(found, by=by, at=services.now())
    before = _take_incident(services, tenant, found, by=by)
    taken = _change(
        services,
        tenant,
        alert_id,
        lambda alert, now: alert_lifecycle.acknowledge(alert, by=by, at=now),
    ).value
    if before is None:
        _take_incident(services, tenant, taken, by=by)
    if found.state is AlertState.SUPPRESSED and found.fired_at is not None:
        # Whoever silenced it may have died before this, and its mark is gone.
        services.alerts.note_triggered(tenant, found.rule_id, found.fired_at)
    return taken


def _take_incident(services: Services, tenant: Tenant, alert: Alert, *, by: str) -> str | None:
    incident_id = incident_of_alert(services, tenant, alert)
    if incident_id is not None:
        acknowledge_incident(services, tenant, incident_id, by=by)
        say_taken(services, tenant, incident_id)
    return incident_id


def resolve_alert(services: Services, tenant: Tenant, alert_id: str, *, by: str) -> Alert:
    """End the alert; the incident ends with its last one."""

    def resolved(alert: Alert, now: datetime) -> Alert:
        over = alert_lifecycle.resolve(alert, by=by, at=now)
        silent = alert.state in {AlertState.RESOLVED, AlertState.PENDING, AlertState.SUPPRESSED}
        return over if silent else replace(over, unsettled_since=now)

    stored = _change(services, tenant, alert_id, resolved)
    settle(
        services, tenant, stored, TenantDay(tenant, services.weddings, services.now()), ours=True
    )
    return services.alerts.get(tenant, alert_id).value


def resolve_incident(services: Services, tenant: Tenant, incident_id: str, *, by: str) -> Incident:
    """End the incident and its open alerts with it.

    The alerts come first: an alert that went on firing with nobody's incident would page nobody.
    What still breaches after the quiet that follows a resolve by hand opens a new episode, and
    with it a new incident.
    """
    found = services.incidents.get(tenant, incident_id).value
    for alert in found.alerts:
        if alert.resolved_at is None:
            resolve_alert(services, tenant, alert.alert_id, by=by)
    done = change_incident(
        services,
        tenant,
        incident_id,
        lambda incident, now: incident_lifecycle.resolve(incident, by=by, at=now),
    )
    deliver(services, tenant, incident_id)
    return done.incident


def _change(
    services: Services,
    tenant: Tenant,
    alert_id: str,
    change: Callable[[Alert, datetime], Alert],
) -> Stored[Alert]:
    for _ in range(TRIES):
        stored = services.alerts.get(tenant, alert_id)
        changed = change(stored.value, services.now())
        if changed is stored.value:
            return stored
        try:
            kept = services.alerts.keep(tenant, changed, former=stored)
        except Overtaken:
            continue
        if kept is not None:
            return kept
    raise TooMuchContention
