"""Those who are told over HTTP, and what goes wrong between the topics and them."""

from collections import Counter
from dataclasses import dataclass, field

from infra.local.deliveries import Deliveries, Failure, refusal
from infra.local.engine import LocalCloud
from infra.local.filter_policies import FilterPolicy
from infra.local.store.messages import Published, Subscription
from tests.simulation.faults import Fault, Faults, ProcessKilled
from tests.simulation.watching import Watch, require
from wedsync.resources import Resource

WANTED: tuple[tuple[Resource, dict[str, object] | None], ...] = (
    (Resource.TIER_0, None),
    (Resource.TIER_1, {"kind": ["page", {"prefix": "res"}]}),
    (Resource.TIER_2, {"severity": ["critical"]}),
)


@dataclass(slots=True)
class Subscribers:
    """One subscriber of each topic; it is handed notifications in the place of HTTP.

    Deliveries have a thread of their own on a running server: that a subscriber hangs makes
    nothing else wait, so the clock stands still meanwhile.
    """

    faults: Faults
    taken: Counter[tuple[int, str]] = field(default_factory=Counter)
    lost: set[tuple[int, str]] = field(default_factory=set)

    def subscribe(self, deliveries: Deliveries) -> None:
        """Each to its topic."""
        for number, (topic, policy) in enumerate(WANTED):
            deliveries.subscribe(topic, f"http://127.0.0.1:{9000 + number}/", policy)

    def post(self, subscription: Subscription, notification: dict[str, object]) -> Failure | None:
        """Take a notification, or do not; say so, or do not."""
        faults = self.faults
        name = (subscription.subscription_id, str(notification["MessageId"]))
        faults.history.add(f"post {name}")
        if not faults.chance(faults.rates.subscriber):
            self.taken[name] += 1
            return None
        match faults.rng.choice(("5xx", "5xx", "hung", "hung", "lost", "killed")):
            case "5xx":
                faults.count(Fault.SUBSCRIBER_5XX)
                return refusal(faults.rng.choice((500, 502, 503)))
            case "hung":
                faults.count(Fault.SUBSCRIBER_HUNG)
                self.taken[name] += faults.rng.randrange(2)
                return Failure("TimeoutError: timed out", final=False)
            case "lost":
                faults.count(Fault.SUBSCRIBER_LOST)
                self.lost.add(name)
                return None
            case _:
                faults.count(Fault.SUBSCRIBER_KILLED)
                self.taken[name] += 1
                raise ProcessKilled

    def check(self, cloud: LocalCloud, watch: Watch) -> None:
        """At rest, each got what it wanted at least once, or it lies in the failure store."""
        kept = cloud.bucket(Resource.QUARANTINE).names()
        given_up = {tuple(name.split("/")[2:]) for name in kept if name.startswith("topics/")}
        for message in _all_published(cloud):
            for subscription in cloud.outbox.subscriptions():
                if not _wants(subscription, message):
                    continue
                watch.checks["I7"] += 1
                number = subscription.subscription_id
                name = (number, f"{message.topic.slug}-{message.seq}")
                parked = (f"delivery-{number}", str(message.seq)) in given_up
                require(
                    self.taken[name] or name in self.lost or parked,
                    "I7",
                    f"{name[1]} ({message.subject}) never reached subscriber {number}",
                )


def _all_published(cloud: LocalCloud) -> list[Published]:
    found: list[Published] = []
    while page := cloud.outbox.published(since=found[-1].seq if found else 0):
        found += page
    return found


def _wants(subscription: Subscription, message: Published) -> bool:
    policy = dict(WANTED)[subscription.topic]
    fits = policy is None or FilterPolicy(policy).accepts(message.attributes)
    return message.topic is subscription.topic and fits
