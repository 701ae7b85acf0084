"""A role is called: whoever holds it, or is on duty for it, is told on their channels."""

from wedsync.flows.grants import TELLING
from wedsync.flows.telling import tell, told_in_envelope
from wedsync.resources import Resource
from wedsync.runtime.events import queue_consumer
from wedsync.stores.services import Services


@queue_consumer(
    Resource.RECIPIENTS,
    summary="Tell the contacts of a role what was published to it",
    uses=(
        Resource.ALERTS.read(),
        Resource.INCIDENTS.read(),
        Resource.NOTIFICATIONS.read(),
        *TELLING,
    ),
    topics=(Resource.TIER_0, Resource.TIER_1, Resource.TIER_2),
    timeout_seconds=20,
)
def handler(body: str, services: Services) -> None:
    """Plan each delivery once, and hand it on, however often the message comes."""
    tell(services, told_in_envelope(body))
