"""A wedding is taken off the registry: what was open about it ends."""

from contextlib import suppress
from datetime import datetime

from wedsync.errors import WeddingNotFound
from wedsync.flows.answering import resolve_alert, resolve_incident
from wedsync.flows.wake import RemovalWake, wake_later
from wedsync.incidents.ladder import SYSTEM
from wedsync.isolation import Units
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding


def remove_wedding(services: Services, tenant: Tenant, wedding: Wedding, *, by: str) -> None:
    """End its incidents, forget it, end its alerts. Raises PreconditionFailed, WeddingNotFound.

    Nothing happens unless it is still the wedding that was read; from then on nobody can change it.
    The incidents end before it goes: a repetition after a crash finds the wedding and goes on,
    while nobody is paged any more about something that nobody finds. An alert that opened in
    between, or was not seen yet, ends at its next look, as that of a wedding that is not
    registered. What was cut off is ended within two minutes also if nobody repeats it.
    """
    services.weddings.begin_removal(tenant, wedding, by=by)
    for incident in tuple(services.incidents.of_wedding(tenant, wedding.wedding_id)):
        resolve_incident(services, tenant, incident.incident_id, by=by)
    services.weddings.remove(tenant, wedding)
    end_alerts(services, tenant, wedding.wedding_id, by=by)


def ask_for_removals(services: Services, now: datetime) -> None:
    """Send a wake for every wedding whose removal has begun and was not ended.

    One that is just under way is done by both: that is as good. Raises Unavailable or UnitsFailed
    at its end where some were not sent.
    """
    del now
    units = Units(out_of_time=services.out_of_time)

    def ask(tenant: Tenant, wedding_id: str) -> None:
        wake = RemovalWake(tenant_id=tenant.id, wedding_id=wedding_id)
        wake_later(services, wake, after_seconds=0)

    for tenant, wedding_id in services.weddings.leaving():
        units.done(tenant.id, f"removal of {wedding_id}", ask, tenant, wedding_id)
    units.finish()


def end_removal(services: Services, tenant: Tenant, wedding_id: str) -> None:
    """Remove a wedding whose removal was cut off, in the name of whoever asked for it."""
    found = services.weddings.find_leaving(tenant, wedding_id)
    if found is None:
        return
    with suppress(WeddingNotFound):
        remove_wedding(services, tenant, found.wedding, by=found.by)


def end_alerts(services: Services, tenant: Tenant, wedding_id: str, *, by: str = SYSTEM) -> None:
    """Resolve every alert of a wedding that is not registered any more."""
    for alert in tuple(services.alerts.open_of_wedding(tenant, wedding_id)):
        resolve_alert(services, tenant, alert.alert_id, by=by)
