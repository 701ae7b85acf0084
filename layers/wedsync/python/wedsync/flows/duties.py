"""A roster is looked through on Friday: whoever can close a gap on Saturday hears of it in time."""

import hashlib
from collections.abc import Collection
from datetime import datetime

from wedsync.alerting.severity import Severity
from wedsync.flows.incidents import publish
from wedsync.incidents.message import notice_messages
from wedsync.isolation import Units
from wedsync.notifications.roster import Gap, Roster, gaps, is_time_to_look, next_saturday
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.calendar import zone

TOLD_TO = ("on_call_engineer", "platform_lead")


def contacts_here(services: Services, tenant: Tenant) -> frozenset[str]:
    """The contacts that there are: whoever is gone is not on duty."""
    return frozenset(each.contact_id for each in services.routing.contacts(tenant))


def gaps_on_saturday(roster: Roster, now: datetime, *, known: Collection[str]) -> tuple[Gap, ...]:
    """Where none of the known contacts is on duty on the Saturday that comes, or is."""
    return gaps(roster, *next_saturday(roster, now), known=known)


def look_through_rosters(services: Services) -> None:
    """Tell each tenant, once for the same gaps, of those in its coming Saturday."""
    now = services.now()
    units = Units(out_of_time=services.out_of_time)
    for tenant, roster in services.routing.rosters():
        units.done(tenant.id, "the roster", _look_through, services, tenant, roster, now)
    units.finish()


def _look_through(services: Services, tenant: Tenant, roster: Roster, now: datetime) -> None:
    if is_time_to_look(roster, now):
        found = gaps_on_saturday(roster, now, known=contacts_here(services, tenant))
        if found:
            _tell(services, tenant, roster, found, now)


def _tell(
    services: Services, tenant: Tenant, roster: Roster, found: tuple[Gap, ...], now: datetime
) -> None:
    place = zone(roster.time_zone)
    saturday = next_saturday(roster, now)[0].astimezone(place).date()
    lines = [
        f"{each.role}: nobody from {each.starts_at.astimezone(place):%A %H:%M} "
        f"to {each.ends_at.astimezone(place):%A %H:%M} ({roster.time_zone})"
        for each in found
    ]
    digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=6).hexdigest()
    told_of = f"{saturday} {digest}"
    if services.routing.gaps_told_of(tenant) == told_of:
        return
    for message in notice_messages(
        roles=TOLD_TO,
        tenant=tenant.id,
        about=f"roster-{saturday}",
        digest=digest,
        severity=Severity.HIGH,
        title=f"Saturday's roster has a gap ({saturday})",
        lines=[*lines, "Close it: PUT /api/monitoring/oncall"],
        now=now,
    ):
        publish(services, message)
    services.routing.note_gaps(tenant, told_of)
