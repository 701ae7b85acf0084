"""What lies on the queue of deliveries: what is to be posted, and who has to hear of an answer."""

import json
from dataclasses import dataclass
from typing import cast

from wedsync.cloud import Delayed
from wedsync.flows.telling import attributes_of
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that is to be posted, by its dedup key."""

    dedup_key: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody has taken an incident: systems that were called about it are told."""

    tenant_id: str
    incident_id: str


def read_order(body: str) -> Waiting | Taken:
    """What lies on the queue: a message of the topic in SNS' envelope, or one of our own."""
    order = cast("dict[str, object]", json.loads(body))
    if "MessageAttributes" in order:
        return Waiting(str(attributes_of(order)["dedup_key"]))
    if "acknowledged" in order:
        return Taken(str(order["tenant_id"]), str(order["acknowledged"]))
    return Waiting(str(order["dedup_key"]))


def say_taken(services: Services, tenant: Tenant, incident_id: str) -> None:
    """Have the systems told that were called about an incident."""
    order = {"tenant_id": tenant.id, "acknowledged": incident_id}
    services.posting.send(Delayed(json.dumps(order), 0))
