"""Updates off a batch, applied to the values that they change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wedsync.cloud import Arrived
from wedsync.flows.times import at_ms
from wedsync.metrics.updates import ToldUpdate, Update, ValueName
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


@dataclass(slots=True)
class AppliedUpdates:
    """What became of the updates of a batch, and those that came too late to be told apart."""

    applied: int = 0
    repeated: int = 0
    too_late: dict[Tenant, list[Rejection]] = field(default_factory=dict)


def apply_updates(
    services: Services, told: Sequence[ToldUpdate], carriers: Sequence[Arrived]
) -> AppliedUpdates:
    """Apply each once, whatever comes again. Raises Unavailable; then all of them come again."""
    found = AppliedUpdates()
    by_value: dict[tuple[str, ValueName], dict[Update, Arrived]] = {}
    for each in told:
        of = by_value.setdefault((each.tenant, each.name), {})
        of[each.update] = carriers[each.record]
    for (tenant_id, name), updates in by_value.items():
        tenant = Tenant(tenant_id)
        done = services.running_values.update(tenant, name, list(updates), now=services.now())
        found.applied += done.applied
        found.repeated += done.repeated
        for update in done.too_late:
            parked = _rejection(name, update, updates)
            found.too_late.setdefault(tenant, []).append(parked)
    return found


def _rejection(name: ValueName, update: Update, updates: Mapping[Update, Arrived]) -> Rejection:
    record = updates[update]
    said = {
        "name": name.metric,
        "weddingId": name.wedding_id,
        "operation": update.operation.value,
        "value": update.value,
        "ts": update.ts_ms,
    }
    return Rejection(
        place=f"{record.stream}:{record.shard}:{record.sequence}",
        index=update.update_id % (1 << 31),
        code="too-late-to-update",
        detail="the value holds so many newer updates that this one cannot be told from a copy",
        pointer="",
        raw=json.dumps(said).encode(),
        arrived_at=at_ms(record.arrived_at_ms),
    )
