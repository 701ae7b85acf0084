"""What pipelines derive of a batch, and what of it their schemas refuse."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from wedsync.cloud import Arrived
from wedsync.flows.times import at_ms
from wedsync.metrics.columns import Columns
from wedsync.metrics.derivation import Violation, WeddingTexts, derive
from wedsync.metrics.lexicon import Lexicon
from wedsync.metrics.pipelines import Pipeline, read_pipeline
from wedsync.stores.pipelines import DeclaredPipelines
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding

MOST_REFUSED = 100
"""So many refused points of a batch are parked one by one; the last of them tells of the others."""
_DETAILS = {
    "output-schema": "what the pipeline {} made of it does not fit its outputSchema",
    "output-not-a-number": "the pipeline {} cannot work out a value for it",
}


@dataclass(frozen=True, slots=True)
class Derived:
    """A batch with what was derived of it, and what was not, by tenant."""

    columns: Columns
    refused: dict[Tenant, list[Rejection]]


def derive_batch(
    services: Services, columns: Columns, lexicon: Lexicon, carriers: Sequence[Arrived]
) -> Derived:
    """Run the pipelines of the tenants of a batch; they are read anew for each batch."""
    found = services.pipelines.of_many(Tenant(each) for each in sorted(columns.tenants))
    pipelines = {tenant.id: _pipelines(services, tenant, each) for tenant, each in found.items()}
    if not any(pipelines.values()):
        return Derived(columns, {})
    weddings = {
        tenant_id: _weddings(services, Tenant(tenant_id), columns)
        for tenant_id, declared in pipelines.items()
        if any(each.needs_weddings for each in declared)
    }
    derived, violations = derive(columns, pipelines, weddings, lexicon)
    refused: dict[Tenant, list[Rejection]] = {}
    for number, each in enumerate(violations[:MOST_REFUSED], start=1):
        tenant = Tenant(columns.tenants[int(columns.tenant[each.row])])
        others = len(violations) - MOST_REFUSED if number == MOST_REFUSED else 0
        refused.setdefault(tenant, []).append(_rejection(columns, each, carriers, others=others))
    return Derived(derived, refused)


def _pipelines(
    services: Services, tenant: Tenant, declared: DeclaredPipelines
) -> tuple[Pipeline, ...]:
    """As they are run; read once for each version."""
    key = (tenant, "pipelines", declared.version)
    known = services.memory.noted(key, tuple)
    if known is None:
        known = tuple(read_pipeline(each.declaration) for each in declared.pipelines)
        services.memory.note(key, known)
    return known


def _weddings(services: Services, tenant: Tenant, columns: Columns) -> WeddingTexts:
    found = services.weddings.find_many(tenant, columns.weddings(tenant.id))
    return {wedding_id: _texts(each) for wedding_id, each in found.items()}


def _texts(wedding: Wedding) -> dict[str, str]:
    told = {
        "style": wedding.style,
        "complexity": None if wedding.complexity is None else wedding.complexity.value,
        "timeZone": wedding.venue.time_zone,
        "venueType": wedding.venue.type,
    }
    return {name: text for name, text in told.items() if text is not None}


def _rejection(
    columns: Columns, violation: Violation, carriers: Sequence[Arrived], *, others: int
) -> Rejection:
    row = violation.row
    record = carriers[int(columns.frame_record[columns.frame[row]])]
    metric, kind, dims = columns.names.measure(int(columns.measure[row]))
    wedding, vendor, source = columns.names.place(int(columns.place[row]))
    said = {
        "name": metric,
        "kind": kind.value,
        "ts": int(columns.ts_ms[row]),
        "value": float(columns.value[row]),
        "weddingId": wedding,
        "vendorId": vendor,
        "source": source,
        "dims": dict(dims),
    }
    detail = _DETAILS[violation.code].format(violation.pipeline_id)
    return Rejection(
        place=f"{record.stream}:{record.shard}:{record.sequence}:{violation.pipeline_id}",
        index=row if columns.index is None else int(columns.index[row]),
        code=violation.code,
        detail=f"{detail} (and {others} more of this batch)" if others else detail,
        pointer=violation.pointer,
        raw=json.dumps(said).encode(),
        arrived_at=at_ms(record.arrived_at_ms),
    )
