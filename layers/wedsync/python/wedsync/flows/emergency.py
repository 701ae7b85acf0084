"""What emergency mode does: live answers grow older, and what can wait is not taken.

So there is room for what the wedding's day needs. A change of mode is seen within ten seconds.
"""

from wedsync.stores.emergency import Emergency
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Phase

LIVE_SECONDS = 1.0
EMERGENCY_SECONDS = 10.0
"""How old a live answer may be while the tenant is in emergency mode."""
CONCERNED = frozenset({Phase.EVE, Phase.LIVE, Phase.AFTER})
"""Weddings that are looked at every 10 s meanwhile, so that the others cost no more than before."""


def emergency_of(services: Services, tenant: Tenant) -> Emergency | None:
    """The tenant's emergency, while it lasts; known for ten seconds."""
    now = services.now()
    found = services.memory.recall(
        (tenant, "emergency"),
        lambda: services.emergency.find(tenant, now=now),
        now=now,
        for_seconds=EMERGENCY_SECONDS,
    ).value
    return found if found is not None and found.is_on(now) else None


def live_seconds(services: Services, tenant: Tenant) -> float:
    """How long a live answer may be used."""
    return LIVE_SECONDS if emergency_of(services, tenant) is None else EMERGENCY_SECONDS
