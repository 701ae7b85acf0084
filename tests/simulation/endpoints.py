"""Contacts' endpoints in a simulated world: they take what comes, refuse it, or lose an answer."""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

from tests.harness import Bundle
from tests.simulation.faults import Fault, Faults
from tests.simulation.watching import Watch, require
from wedsync.cloud import Answered, Call, NoAnswer, Outcome
from wedsync.notifications.delivery import State
from wedsync.resources import Resource
from wedsync.tenancy import Tenant

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - planted


@dataclass(slots=True)
class Endpoints:
    """One endpoint for each tenant; what it has taken, by the id that receivers know."""

    rng: random.Random
    faults: Faults | None = None
    watch: Watch | None = None
    taken: Counter[str] = field(default_factory=Counter)

    def post(self, call: Call) -> Outcome:
        """Take a message, or do not; say so, or do not."""
        told = json.loads(call.body)["data"]
        if self.watch is not None:
            tenant = str(told["dedupKey"]).partition("#")[0]
            self.watch.told(tenant, call.body.decode(), f"a post to {call.url}")
        if self.faults is None or not self.faults.active:
            return self._took(call)
        match self.rng.choice(("up",) * 8 + ("down", "lost")):
            case "down":
                self.faults.count(Fault.SUBSCRIBER_5XX)
                return Answered(503)
            case "lost":
                self._took(call)
                self.faults.count(Fault.SUBSCRIBER_LOST)
                return NoAnswer("no answer in time")
            case _:
                return self._took(call)

    def _took(self, call: Call) -> Outcome:
        self.taken[call.headers["webhook-id"]] += 1
        return Answered(204)

    def equip(self, bundle: Bundle, tenants: tuple[Tenant, ...]) -> None:
        """Each tenant has somebody on call, with a webhook first and an e-mail address next."""
        for tenant in tenants:
            webhook = {
                "kind": "webhook",
                "url": f"https://{tenant.id}.example.com/",
                "secret": SECRET,
            }
            email = {"kind": "email", "address": f"mia@{tenant.id}.example.com"}
            answer = bundle.post(
                "/api/monitoring/contacts",
                {"name": "Mia", "roles": ["on_call_engineer"], "channels": [webhook, email]},
                key=bundle.key(tenant=tenant),
            )
            assert answer.status == 201, answer

    def check(self, bundle: Bundle, watch: Watch, tenants: tuple[Tenant, ...]) -> None:
        """Whatever was published to a role has been told, or lies where an operator finds it."""
        kept = bundle.cloud.bucket(Resource.QUARANTINE).names()
        given_up = any(name.startswith(("queues/recipients", "queues/deliveries")) for name in kept)
        for tenant in tenants:
            page = bundle.services.deliveries.page(tenant, subject_id=None, limit=1000, cursor=None)
            known = {each.dedup_key for each in page.deliveries}
            for each in page.deliveries:
                watch.checks["I8"] += 1
                stuck = each.state in {State.PLANNED, State.QUEUED}
                require(not stuck or given_up, "I8", f"{each.dedup_key} is {each.state} at rest")
                heard = each.state is State.DELIVERED
                require(
                    not heard or self.taken[each.notification_id] > 0,
                    "I8",
                    f"{each.dedup_key} is said to be delivered, and no endpoint has it",
                )
            for message in bundle.cloud.outbox.published():
                said = cast("dict[str, str]", message.attributes)
                if said["dedup_key"].partition("#")[0] != tenant.id:
                    continue
                if message.topic is Resource.DIRECT:
                    require(said["dedup_key"] in known, "I8", f"{said['dedup_key']} is not noted")
