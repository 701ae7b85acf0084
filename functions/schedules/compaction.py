"""Every five minutes: each wedding's hours are brought up to date."""

from datetime import datetime

from wedsync.flows.derive import compact
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=5,
    summary="Roll minutes up into weddings' hours",
    uses=(
        Resource.HOT_WINDOWS.read(),
        Resource.WINDOWS.read_write(),
        Resource.TENANT_SETTINGS.read(),
    ),
    layers=("numeric",),
    memory_mb=1769,
    timeout_seconds=300,
)
def handler(due: datetime, services: Services) -> None:
    """Start where the last complete run ended; a run that is repeated writes the same."""
    del due
    compact(services, services.now())
