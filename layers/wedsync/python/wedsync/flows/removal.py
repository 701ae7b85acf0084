"""A wedding is taken off the registry: what was open about it ends."""

from wedsync.flows.answering import resolve_alert, resolve_incident
from wedsync.incidents.ladder import SYSTEM
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding


def remove_wedding(services: Services, tenant: Tenant, wedding: Wedding, *, by: str) -> None:
    """End its incidents, forget it, end its alerts. Raises PreconditionFailed, WeddingNotFound.

    Nothing happens unless it is still the wedding that was read; from then on nobody can change it.
    The incidents end before it goes: a repetition after a crash finds the wedding and goes on,
    while nobody is paged any more about something that nobody finds. An alert that opened in
    between, or was not seen yet, ends at its next look, as that of a wedding that is not
    registered.
    """
    services.weddings.begin_removal(tenant, wedding)
    for incident in tuple(services.incidents.of_wedding(tenant, wedding.wedding_id)):
        resolve_incident(services, tenant, incident.incident_id, by=by)
    services.weddings.remove(tenant, wedding)
    end_alerts(services, tenant, wedding.wedding_id, by=by)


def end_alerts(services: Services, tenant: Tenant, wedding_id: str, *, by: str = SYSTEM) -> None:
    """Resolve every alert of a wedding that is not registered any more."""
    for alert in tuple(services.alerts.open_of_wedding(tenant, wedding_id)):
        resolve_alert(services, tenant, alert.alert_id, by=by)
