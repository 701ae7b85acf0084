"""Every minute: own rules are judged by what slid out of their windows, or never came.

So are keys that were refused over HTTP.
"""

from datetime import datetime

from wedsync.flows.grants import EVALUATING
from wedsync.flows.own_rules import look_at_rules
from wedsync.flows.refusals import judge_requests
from wedsync.resources import Resource
from wedsync.runtime.events import schedule
from wedsync.stores.services import Services


@schedule(
    every_minutes=1,
    summary="Judge tenants' own rules, and refused keys, by the clock",
    uses=(*EVALUATING, Resource.REJECTIONS.read()),
    layers=("numeric",),
    timeout_seconds=55,
)
def handler(due: datetime, services: Services) -> None:
    """A look that is repeated finds what the first one stored."""
    del due
    judge_requests(services)
    look_at_rules(services)
