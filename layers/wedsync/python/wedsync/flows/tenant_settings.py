"""A tenant's settings as functions go by them."""

from wedsync.metrics.packs import PackHistory
from wedsync.stores.services import Services
from wedsync.stores.tenant_settings import TenantSettings
from wedsync.tenancy import Tenant

REMEMBERED_SECONDS = 60.0


def usual_settings(services: Services) -> TenantSettings:
    """What holds for a tenant that has settled nothing: as it is deployed."""
    return TenantSettings(packs=PackHistory(first=services.settings.packs))


def settings_of(services: Services, tenant: Tenant) -> TenantSettings:
    """The tenant's settings, at most a minute old."""
    return services.memory.recall(
        (tenant, "settings"),
        lambda: services.tenant_settings.find(tenant) or usual_settings(services),
        now=services.now(),
        for_seconds=REMEMBERED_SECONDS,
    ).value


def settled_packs(services: Services, tenant: Tenant) -> PackHistory:
    """The tenant's packs for whoever writes to them, at most a minute old.

    They are stored before the first point lies by them: another number in a later deployment
    must not lead its copies elsewhere.
    """
    return services.memory.recall(
        (tenant, "settled packs"),
        lambda: services.tenant_settings.fix(tenant, usual_settings(services)).packs,
        now=services.now(),
        for_seconds=REMEMBERED_SECONDS,
    ).value
