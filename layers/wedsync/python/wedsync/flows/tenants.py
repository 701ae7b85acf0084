"""Which tenants there are: nobody registers one, so a slip of its name looks like a new one."""

from datetime import timedelta

from wedsync.flows.closing import HOURS_OF_MINUTES
from wedsync.flows.rolled import UTC_ZONE
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.stores.rollups import WHOLE
from wedsync.stores.services import Services
from wedsync.stores.windows import HOURS_KEPT
from wedsync.tenancy import Tenant


def is_known(services: Services, tenant: Tenant) -> bool:
    """Whether there is a wedding, data or a key of this tenant."""
    if services.weddings.page(tenant, on=None, limit=1, cursor=None).weddings:
        return True
    if tenant in recently_seen(services):
        return True
    today = services.now().date()
    since = today - HOURS_KEPT
    tomorrow = today + timedelta(days=1)
    if services.rollups.days(tenant, WHOLE, UTC_ZONE, first=since, last=tomorrow):
        return True
    return any(each.caller.tenant == tenant for each in services.keys.listed())


def recently_seen(services: Services) -> frozenset[Tenant]:
    """The tenants that had data in the hours whose minutes are kept."""
    this_hour = minute_of(services.now()) // MINUTES_PER_HOUR
    return frozenset(
        each.tenant
        for hour in range(this_hour - HOURS_OF_MINUTES, this_hour + 1)
        for each in services.windows.active(hour)
    )


def known_tenants(services: Services) -> frozenset[Tenant]:
    """The tenants that have keys or had data lately: names that a mistaken one may stand for."""
    keyed = frozenset(each.caller.tenant for each in services.keys.listed())
    return keyed | recently_seen(services)
