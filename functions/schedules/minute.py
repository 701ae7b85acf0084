"""Every minute: find what falls due on ladders or was left undone, plan runs, close windows."""

from datetime import datetime

from wedsync.flows.cadence import plan_runs
from wedsync.flows.derive import close_last_minute
from wedsync.flows.emergency_mode import sweep_emergencies
from wedsync.flows.removal import ask_for_removals
from wedsync.flows.watch import sweep
from wedsync.isolation import Units
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=1,
    summary="Sweep ladders, plan runs, close the last minute",
    uses=(
        Resource.WEDDINGS.read(),
        Resource.ALERTS.read(),
        Resource.INCIDENTS.read(),
        Resource.RUNBOOKS.read(),
        Resource.TENANT_SETTINGS.read(),
        Resource.WAKE.send(),
        Resource.HOT_WINDOWS.read(),
        Resource.WINDOWS.read_write(),
    ),
    layers=("numeric",),
)
def handler(due: datetime, services: Services) -> None:
    """Each part runs though another fails. It may run twice: wakes look again, windows grow."""
    del due
    now = services.now()
    parts = Units()
    for part in (sweep, ask_for_removals, sweep_emergencies, plan_runs, close_last_minute):
        parts.done("the minute", part.__name__, part, services, now)
    parts.finish()
