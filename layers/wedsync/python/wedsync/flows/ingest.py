"""From a batch of records to counted points: parked where poison, each counted once.

Poison is caught record by record and point by point; only a failing cloud is raised, and then
the whole batch comes again and changes nothing that it had changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from wedsync.cloud import Arrived
from wedsync.errors import TooLarge
from wedsync.flows.derive import refresh
from wedsync.flows.evaluate import evaluate
from wedsync.flows.observe import UNNAMED, WINDOW_MINUTES
from wedsync.flows.points import text
from wedsync.flows.provenance import Provenance, identity_key
from wedsync.flows.reading import packs_of
from wedsync.flows.times import MINUTES_PER_HOUR, at_ms
from wedsync.flows.visibility import foreign_weddings
from wedsync.metrics.body import Poison, open_body
from wedsync.metrics.columns import Columns
from wedsync.metrics.fold import slots
from wedsync.metrics.intake import Intake, Sender
from wedsync.metrics.point import Point
from wedsync.metrics.reading import BodyReader
from wedsync.metrics.series import HEALTH_CHECK
from wedsync.metrics.told import told_by
from wedsync.stores.hot_windows import Merged
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant, may_be_tenant
from wedsync.weddings.model import Wedding
from wedsync.weddings.timeline import operational_window

_NAMING = ("service", "component", "host")
_READER_KEPT_SECONDS = 86_400.0


@dataclass(slots=True)
class Sorted:
    """A batch, sorted into what will be counted and what is parked."""

    columns: Columns | None = None
    parked: dict[Tenant, list[Rejection]] = field(default_factory=dict)

    def park(self, tenant: Tenant, rejection: Rejection) -> None:
        """Set one row aside for this tenant."""
        self.parked.setdefault(tenant, []).append(rejection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What a batch came to. ``accepted`` includes ``late``."""

    accepted: int
    late: int
    duplicates: int
    rejected: int


def ingest(records: Sequence[Arrived], services: Services) -> Ingested:
    """Count a batch. Raises Unavailable when the cloud fails."""
    batch = sort_records(records, services)
    for tenant, rejections in batch.parked.items():
        services.rejections.park(tenant, rejections)
    merged: list[Merged] = []
    if batch.columns is not None:
        weddings = _weddings(batch.columns, services)
        merged = _count(batch.columns, services, weddings)
        refresh(services, merged)
        evaluate(services, touched_by(batch.columns, merged), weddings)
    return Ingested(
        accepted=sum(each.accepted for each in merged),
        late=sum(each.late for each in merged),
        duplicates=sum(each.duplicates for each in merged),
        rejected=sum(len(each) for each in batch.parked.values()),
    )


def warm_reader(services: Services) -> BodyReader:
    """What this process reads bodies with; it is cheaper the more it has met."""
    now = services.now()
    reader = services.memory.recall(
        "body-reader", BodyReader, now=now, for_seconds=_READER_KEPT_SECONDS
    ).value
    if not reader.full:
        return reader
    return services.memory.recall("body-reader", BodyReader, now=now, for_seconds=0.0).value


def sort_records(records: Sequence[Arrived], services: Services) -> Sorted:
    """Prove, open and read every record of a batch."""
    master = services.signing.value()
    provenance = Provenance(services.keys, services.settings, master)
    operator = services.settings.operator_tenant
    batch = Sorted()
    bodies: dict[int, bytes] = {}
    senders: dict[int, Sender] = {}
    for number, record in enumerate(records):
        try:
            proved = provenance.prove(record.data)
            bodies[number] = open_body(proved.body)
        except (Poison, TooLarge) as error:
            code = error.reason if isinstance(error, Poison) else error.code
            batch.park(operator, _rejection(record, None, code, str(error), "", record.data))
            continue
        senders[number] = proved.sender(record)
    reader = warm_reader(services)
    read = reader.read(list(bodies.items()))
    for number, bad in read.rejected:
        owner = _owner(senders[number], operator)
        record = records[number]
        batch.park(owner, _rejection(record, bad.index, bad.code, bad.detail, bad.pointer, bad.raw))
    intake = Intake(read, senders, reader.lexicon, valid_tenant=may_be_tenant)
    foreign = {
        (tenant, vendor): foreign_weddings(services.weddings, Tenant(tenant), vendor, named)
        for (tenant, vendor), named in intake.named_by_vendors().items()
    }
    batch.columns, refused = intake.judged(foreign, identity_key(master))
    points: dict[int, dict[int, Point]] = {}
    for each in refused:
        number = each.record
        if number not in points:
            points[number] = reader.points(bodies[number])
        point = None if each.index is None else points[number].get(each.index)
        raw = bodies[number] if point is None else text(point)
        owner = _owner(senders[number], operator) if each.tenant is None else Tenant(each.tenant)
        code, detail = each.reason
        batch.park(owner, _rejection(records[number], each.index, code, detail, "", raw))
    return batch


def _owner(sender: Sender, operator: Tenant) -> Tenant:
    return operator if sender.tenant is None else Tenant(sender.tenant)


def _rejection(
    record: Arrived, index: int | None, code: str, detail: str, pointer: str, raw: bytes
) -> Rejection:
    return Rejection(
        place=f"{record.stream}:{record.shard}:{record.sequence}",
        index=index,
        code=code,
        detail=detail,
        pointer=pointer,
        raw=raw,
        arrived_at=at_ms(record.arrived_at_ms),
    )


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch told of, by tenant: weddings, and services, components, hosts beside them."""

    weddings: dict[Tenant, frozenset[str]]
    services: dict[Tenant, frozenset[str]]
    late_minutes: frozenset[int]
    through: int


def touched_by(columns: Columns, merged: Sequence[Merged] = ()) -> Touched:
    """What must be judged again after these points, whether they were new or copies.

    A minute that is over is judged for points that were late when they arrived, and for those
    that were counted just now. Others were judged in their time: a replay tells nobody.
    """
    told = told_by(columns, window=WINDOW_MINUTES)
    beside: dict[Tenant, frozenset[str]] = {}
    for tenant, series in told.beside.items():
        names: set[str] = set()
        for metric, pairs in series:
            dims = dict(pairs)
            names.update(dims[dim] for dim in _NAMING if dim in dims)
            if _named_by(metric) not in dims:
                names.add(UNNAMED)
        beside[Tenant(tenant)] = frozenset(names)
    return Touched(
        {Tenant(tenant): ids for tenant, ids in told.weddings.items()},
        beside,
        told.missed | frozenset(each.key.minute for each in merged if each.accepted > each.late),
        told.through,
    )


def _named_by(metric: str) -> str:
    """The dimension that says what such a point tells of."""
    if metric == HEALTH_CHECK:
        return "component"
    return "host" if metric.startswith("host.") else "service"


def _weddings(columns: Columns, services: Services) -> dict[tuple[Tenant, str], Wedding]:
    found: dict[tuple[Tenant, str], Wedding] = {}
    for tenant, ids in touched_by(columns).weddings.items():
        for wedding_id, wedding in services.weddings.find_many(tenant, ids).items():
            found[tenant, wedding_id] = wedding
    return found


def _count(
    columns: Columns, services: Services, weddings: dict[tuple[Tenant, str], Wedding]
) -> list[Merged]:
    now = services.now()
    open_now = {
        (tenant.id, wedding_id)
        for (tenant, wedding_id), wedding in weddings.items()
        if operational_window(wedding).contains(now)
    }
    return _merge(columns, services, packs_of(services.settings), open_now)


def _merge(
    columns: Columns, services: Services, packs: int, open_now: set[tuple[str, str]]
) -> list[Merged]:
    shares = slots(
        columns,
        packs=lambda _tenant, _created_at_ms: packs,
        keep_seconds=lambda tenant, wedding_id: (tenant, wedding_id) in open_now,
    )
    hours = {(each.tenant, each.pack, each.minute // MINUTES_PER_HOUR)
             for each in (share.key for share in shares)}  # fmt: skip
    for tenant, pack, hour in sorted(hours):
        services.windows.mark_active(Tenant(tenant), pack, hour, now=services.now())
    merged, too_large = services.hot_windows.merge(shares, now=services.now())
    for share in too_large:
        for half in columns.halves(share.all_rows()):
            merged += _merge(half, services, packs, open_now)
    return merged
