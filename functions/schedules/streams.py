"""Every minute: a look at the streams of requests, once the minute's records have come."""

from datetime import datetime

from wedsync.flows.streams import plan_look
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=1,
    summary="Plan the look at the streams of requests",
    uses=(Resource.WINDOWS.read(), Resource.WAKE.send()),
    layers=("numeric",),
)
def handler(due: datetime, services: Services) -> None:
    """A look that is planned twice changes nothing the second time."""
    del due
    plan_look(services)
