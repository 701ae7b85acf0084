"""Every five minutes: what the bundle has used is put on its stream."""

from datetime import datetime

from wedsync.flows.collecting import collect_usage
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=5,
    after_minutes=2,
    summary="Collect what the bundle has used",
    uses=(
        Resource.USAGE.read(),
        Resource.WINDOWS.read_write(),
        Resource.SIGNING.read(),
        Resource.METRICS_STREAM.send(),
    ),
    timeout_seconds=120,
)
def handler(due: datetime, services: Services) -> None:
    """Start where the last complete run ended; what is collected twice is counted once."""
    del due
    collect_usage(services)
