"""Every minute: find what falls due on ladders, plan the looks at what is live, close windows."""

from datetime import datetime

from wedsync.flows.derive import close_last_minute
from wedsync.flows.watch import plan_watches, sweep
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=1,
    summary="Sweep ladders, plan watches, close the last minute",
    uses=(
        Resource.INCIDENTS.read(),
        Resource.WAKE.send(),
        Resource.HOT_WINDOWS.read(),
        Resource.WINDOWS.read_write(),
    ),
    layers=("numeric",),
)
def handler(due: datetime, services: Services) -> None:
    """Every part may run twice: wakes look again, windows overwrite by version."""
    del due
    now = services.now()
    sweep(services, now)
    plan_watches(services, now)
    close_last_minute(services, now)
