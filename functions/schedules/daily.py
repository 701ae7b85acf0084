"""Every day: days are made of hours, when nothing more can come for them."""

from datetime import datetime

from wedsync.flows.rollup import roll_up_days
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=1440,
    after_minutes=30,
    summary="Roll hours up into days",
    uses=(Resource.WEDDINGS.read(), Resource.WINDOWS.read_write()),
    layers=("numeric",),
    memory_mb=1769,
    timeout_seconds=900,
)
def handler(due: datetime, services: Services) -> None:
    """Start where the last complete run ended; a run that is repeated writes the same."""
    del due
    roll_up_days(services, services.now())
