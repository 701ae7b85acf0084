"""Emergency mode: live answers grow older, so that what the wedding's day needs has room."""

from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

LIVE_SECONDS = 1.0
EMERGENCY_SECONDS = 10.0
"""How old a live answer may be while the tenant is in emergency mode."""


def live_seconds(services: Services, tenant: Tenant) -> float:
    """How long a live answer may be used; a change of mode is seen within ten seconds."""
    now = services.now()
    emergency = services.memory.recall(
        (tenant, "emergency"),
        lambda: services.emergency.find(tenant, now=now),
        now=now,
        for_seconds=EMERGENCY_SECONDS,
    ).value
    return LIVE_SECONDS if emergency is None or emergency.until <= now else EMERGENCY_SECONDS
