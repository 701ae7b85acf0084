"""Every minute: tenants' own rules are judged by what slid out of their windows, or never came."""

from datetime import datetime

from wedsync.flows.grants import EVALUATING
from wedsync.flows.own_rules import look_at_rules
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=1,
    summary="Judge tenants' own rules by the clock",
    uses=EVALUATING,
    layers=("numeric",),
    timeout_seconds=55,
)
def handler(due: datetime, services: Services) -> None:
    """A look that is repeated finds what the first one stored."""
    del due
    look_at_rules(services)
