"""Readers of a tenant's minutes, which know where its packs lie."""

from datetime import datetime

from wedsync.flows.reading import WindowReader
from wedsync.flows.tenant_settings import settings_of
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def window_reader(services: Services, tenant: Tenant, now: datetime) -> WindowReader:
    """What reads a tenant's minutes, each once."""
    return WindowReader(
        services.hot_windows,
        services.windows,
        tenant,
        packs=settings_of(services, tenant).packs,
        now=now,
    )
