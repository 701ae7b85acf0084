"""Every hour: on a Friday, look for gaps in the roster of the Saturday that comes."""

from datetime import datetime

from wedsync.flows.duties import look_through_rosters
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=60,
    summary="Tell of gaps in Saturday's roster while they can be closed",
    uses=(Resource.ROUTING.read_write(), Resource.TIER_0.send()),
)
def handler(due: datetime, services: Services) -> None:
    """The same gaps are told of once; a repetition after a crash has the same key."""
    del due
    look_through_rosters(services)
