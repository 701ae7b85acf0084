"""Something falls due: a ladder's tier, or the next look at what is live."""

from wedsync.flows.grants import EVALUATING
from wedsync.flows.incidents import deliver
from wedsync.flows.streams import look_at_streams
from wedsync.flows.wake import LadderWake, StreamsWake, read_wake
from wedsync.flows.watch import watch
from wedsync.resources import Resource
from wedsync.runtime.events import queue_consumer
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


@queue_consumer(
    Resource.WAKE,
    summary="Page the tiers that are due; judge what is live",
    uses=(*EVALUATING, Resource.WINDOWS.write()),
    layers=("numeric",),
)
def handler(body: str, services: Services) -> None:
    """Look again at state and time: never early, never after an acknowledgement."""
    wake = read_wake(body)
    if isinstance(wake, LadderWake):
        deliver(services, Tenant(wake.tenant_id), wake.incident_id)
    elif isinstance(wake, StreamsWake):
        look_at_streams(services)
    else:
        watch(services)
