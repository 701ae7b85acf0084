"""Every five minutes: what is closed is copied to the long-range store, if there is one."""

from datetime import datetime

from wedsync.flows.history import copy_history
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=5,
    after_minutes=4,
    summary="Copy closed windows to the long-range store",
    uses=(
        Resource.WEDDINGS.read(),
        Resource.WINDOWS.read_write(),
        Resource.TENANT_SETTINGS.read(),
        Resource.HISTORY.write(),
        Resource.QUARANTINE.write(),
    ),
    layers=("numeric",),
    memory_mb=1769,
    timeout_seconds=280,
)
def handler(due: datetime, services: Services) -> None:
    """Start where the last complete run ended; a row that is copied twice is there once."""
    del due
    copy_history(services, services.now())
