"""Every hour: what is over is rolled up for tenants, weddings and vendors."""

from datetime import datetime

from wedsync.flows.rollup import roll_up_hours
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=60,
    after_minutes=3,
    summary="Roll minutes up into hours",
    uses=(
        Resource.WEDDINGS.read(),
        Resource.HOT_WINDOWS.read(),
        Resource.WINDOWS.read_write(),
        Resource.TENANT_SETTINGS.read(),
    ),
    layers=("numeric",),
    memory_mb=1769,
    timeout_seconds=600,
)
def handler(due: datetime, services: Services) -> None:
    """Start where the last complete run ended; a run that is repeated writes the same."""
    del due
    roll_up_hours(services, services.now())
