"""Every minute: what rules judge of the bundle itself is put on its stream."""

from datetime import datetime

from wedsync.flows.collecting import collect_vitals
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=1,
    summary="Collect what rules judge of the bundle itself",
    uses=(
        Resource.VITALS.read(),
        Resource.WINDOWS.read_write(),
        Resource.SIGNING.read(),
        Resource.METRICS_STREAM.send(),
    ),
    timeout_seconds=55,
)
def handler(due: datetime, services: Services) -> None:
    """Start where the last complete run ended; what is collected twice is counted once."""
    del due
    collect_vitals(services)
