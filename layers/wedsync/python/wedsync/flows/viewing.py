"""Looking at a wedding has it kept by the second for a while."""

from contextlib import suppress

from wedsync.errors import Unavailable
from wedsync.stores.services import Services
from wedsync.stores.views import NOTED_EVERY
from wedsync.tenancy import Tenant

SEEN_WITHIN_SECONDS = 5.0
"""How long a warm process counts by the views that it knows."""


def note_view(services: Services, tenant: Tenant, wedding_id: str) -> None:
    """Somebody looks at a wedding: noted once a minute, and no reason to fail."""
    now = services.now()
    with suppress(Unavailable):
        services.memory.recall(
            (tenant, "view", wedding_id),
            lambda: services.views.note(tenant, wedding_id, now=now),
            now=now,
            for_seconds=NOTED_EVERY.total_seconds(),
        )


def viewed(services: Services, tenant: Tenant) -> frozenset[str]:
    """The weddings that somebody looks at."""
    return services.memory.recall(
        (tenant, "views"),
        lambda: services.views.of(tenant),
        now=services.now(),
        for_seconds=SEEN_WITHIN_SECONDS,
    ).value
