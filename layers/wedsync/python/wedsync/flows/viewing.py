"""Which weddings are kept by the second: those whose window is open, and those looked at."""

from contextlib import suppress
from datetime import timedelta

from wedsync.errors import Unavailable
from wedsync.stores.services import Services
from wedsync.stores.views import NOTED_EVERY
from wedsync.tenancy import Tenant
from wedsync.weddings.timeline import operational_window

REMEMBERED = timedelta(seconds=5)
"""How long a warm process goes by what it knows; windows open to it so much earlier."""


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


def kept_by_second(services: Services, tenant: Tenant) -> frozenset[str]:
    """The weddings whose points are kept by the second, as of some seconds ago."""
    return services.memory.recall(
        (tenant, "by second"),
        lambda: services.views.of(tenant) | _open(services, tenant),
        now=services.now(),
        for_seconds=REMEMBERED.total_seconds(),
    ).value


def _open(services: Services, tenant: Tenant) -> frozenset[str]:
    """The weddings whose window is open or about to be."""
    now = services.now()
    soon = now + REMEMBERED
    ids = {
        each
        for at in {now.date(): now, soon.date(): soon}.values()
        for each in services.weddings.live_ids(tenant, at)
    }
    return frozenset(
        wedding_id
        for wedding_id, wedding in services.weddings.find_many(tenant, ids).items()
        if operational_window(wedding).contains(now) or operational_window(wedding).contains(soon)
    )
