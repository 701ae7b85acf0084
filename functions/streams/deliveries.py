"""A contact's endpoint is posted to: a webhook, Slack, PagerDuty or Teams."""

from wedsync.flows.orders import Taken, read_order
from wedsync.flows.posting import post, tell_of_acknowledgement
from wedsync.notifications.contacts import POSTED
from wedsync.resources import Resource
from wedsync.runtime.events import queue_consumer
from wedsync.stores.services import Services


@queue_consumer(
    Resource.DELIVERIES,
    summary="Post deliveries to contacts' endpoints, and try again what failed",
    uses=(
        Resource.INCIDENTS.read(),
        Resource.ROUTING.read(),
        Resource.NOTIFICATIONS.read_write(),
        Resource.SEALING.read(),
        Resource.DIRECT.send(),
        Resource.DELIVERIES.send(),
    ),
    topics=(Resource.DIRECT,),
    only={"channel": tuple(sorted(POSTED))},
    # One at a time: an endpoint that hangs for its five seconds delays no other's message.
    batch_size=1,
    layers=("auth",),
    timeout_seconds=30,
)
def handler(body: str, services: Services) -> None:
    """Post what waits; what comes twice is posted once, unless a worker died in between."""
    order = read_order(body)
    if isinstance(order, Taken):
        tell_of_acknowledgement(services, order)
    else:
        post(services, order.dedup_key)
