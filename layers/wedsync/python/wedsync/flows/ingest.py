"""From a batch of records to counted points: parked where poison, each counted once.

Poison is caught record by record and point by point; only a failing cloud is raised, and then
the whole batch comes again and changes nothing that it had changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wedsync.cloud import Arrived
from wedsync.errors import TooLarge
from wedsync.flows.derive import refresh
from wedsync.flows.evaluate import evaluate
from wedsync.flows.exports import pay, settle
from wedsync.flows.heard import hear, note_judged, record_token, tell_of_trouble, touched_by
from wedsync.flows.points import text
from wedsync.flows.provenance import Proved, Provenance, identity_key
from wedsync.flows.tenant_settings import settled_packs
from wedsync.flows.times import MINUTE_MS, MINUTES_PER_HOUR, at_ms
from wedsync.flows.unpack import unpacked
from wedsync.flows.viewing import kept_by_second
from wedsync.flows.visibility import foreign_weddings
from wedsync.metrics.body import Poison, open_body
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.decode import DecodedRecord, decode_record, rejected_record
from wedsync.metrics.fold import KeepSeconds, Packs, SlotKey, SlotRows, slots
from wedsync.metrics.lateness import Lateness, classify
from wedsync.metrics.otlp import read_export
from wedsync.metrics.otlp_wire import is_export
from wedsync.metrics.packs import PackHistory
from wedsync.metrics.point import Point
from wedsync.metrics.series import pack_of
from wedsync.stores.hot_windows import NOTHING_OWED, Merged, ShareTooLarge
from wedsync.stores.rejections import Rejection
from wedsync.stores.running_totals import Owed
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

OTHER_WEDDING = ("other-wedding", "this vendor does not work at the wedding")
LATE_REASONS = {
    Lateness.TOO_LATE: ("too-late", "more than 24 h after its own time"),
    Lateness.FUTURE: ("in-the-future", "more than 5 min ahead of its arrival"),
}


@dataclass(slots=True)
class Sorted:
    """A batch, sorted into what will be counted and what is parked.

    ``carriers`` are the records of the stream, by the copy that came in each. ``owed`` are the
    points that books of running totals gave out.
    """

    accepted: list[Accepted] = field(default_factory=list)
    parked: dict[Tenant, list[Rejection]] = field(default_factory=dict)
    carriers: list[Arrived] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)

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
    packs = _packs(services)
    heard = hear(
        batch.accepted,
        told_by=_told_by(batch),
        key_of=lambda each: slot_key(each, packs),
        now=services.now(),
    )
    tell_of_trouble(services, heard)
    merged = _count(batch.accepted, services, packs, heard.owed)
    refresh(services, merged)
    evaluate(services, touched_by(services, heard, merged))
    note_judged(services, heard, merged)
    # What is struck out does not come again, and could not be judged any more.
    pay(services, batch.owed)
    return Ingested(
        accepted=sum(each.accepted for each in merged),
        late=sum(each.late for each in merged),
        duplicates=sum(each.duplicates for each in merged),
        rejected=sum(len(each) for each in batch.parked.values()),
    )


def sort_records(records: Sequence[Arrived], services: Services) -> Sorted:
    """Prove, open and read every record of a batch."""
    master = services.signing.value()
    provenance = Provenance(services.keys, services.settings, master)
    key = identity_key(master)
    batch = Sorted()
    for carrier in records:
        for record, broken in unpacked(carrier):
            copy = len(batch.carriers)
            batch.carriers.append(carrier)
            owner = services.settings.operator_tenant
            try:
                if broken is not None:
                    raise broken
                proved = provenance.prove(record.data)
                owner = proved.tenant or owner
                body = open_body(proved.body)
            except (Poison, TooLarge) as flaw:
                code = flaw.reason if isinstance(flaw, Poison) else flaw.code
                batch.park(owner, _rejection(record, None, code, flaw.detail, "", record.data))
                continue
            _sort_record(record, proved, body, copy, key, services, batch)
    return batch


def _sort_record(
    record: Arrived,
    proved: Proved,
    body: bytes,
    copy: int,
    key: bytes,
    services: Services,
    batch: Sorted,
) -> None:
    owner = proved.tenant or services.settings.operator_tenant
    arrival_ms = proved.received_at_ms or record.arrived_at_ms
    decoded, owed = _decoded(body, proved, arrival_ms, services)
    batch.owed += owed
    for bad in decoded.rejected:
        batch.park(owner, _rejection(record, bad.index, bad.code, bad.detail, bad.pointer, bad.raw))
    foreign = _foreign(decoded.points, proved, services)
    for index, read in decoded.points:
        own = proved.vendor_id if read.vendor_id is None else read.vendor_id
        point = read if own == read.vendor_id else replace(read, vendor_id=own)
        tenant, flaw = _judged(point, proved, foreign, arrival_ms)
        if flaw is not None or tenant is None:
            code, detail = flaw or ("no-tenant", "no tenant is named")
            batch.park(tenant or owner, _rejection(record, index, code, detail, "", text(point)))
            continue
        origin = proved.origin(
            tenant, stream=record.stream, shard=record.shard, sequence=record.sequence
        )
        batch.accepted.append(
            Accepted(
                point=point,
                frame_id=origin.frame_id(
                    key, event_id=point.event_id, ts_ms=point.ts_ms, index=index
                ),
                copy=copy,
                tenant=tenant.id,
                arrival_ms=arrival_ms,
                late=classify(point.ts_ms, arrival_ms) is Lateness.LATE,
            )
        )


def _decoded(
    body: bytes, proved: Proved, arrival_ms: int, services: Services
) -> tuple[DecodedRecord, Sequence[Owed]]:
    """The points of a record, whatever its form, and what books owe until they are counted."""
    if proved.tenant is None or not is_export(body):
        return decode_record(body), ()
    try:
        export = read_export(body)
    except Poison as poison:
        return DecodedRecord(points=(), rejected=(rejected_record(poison, body),)), ()
    named = [(each.index, each.point) for each in export.points]
    foreign = _foreign(named, proved, services)
    settled = settle(
        services,
        proved.tenant,
        export,
        vendor_id=proved.vendor_id,
        admits=lambda point: _judged(point, proved, foreign, arrival_ms)[1] is None,
    )
    return settled.record, settled.owed


def _foreign(
    points: Sequence[tuple[int, Point]], proved: Proved, services: Services
) -> frozenset[str]:
    owner = proved.tenant or services.settings.operator_tenant
    named = [point.wedding_id for _, point in points]
    return foreign_weddings(services.weddings, owner, proved.vendor_id, named)


def _judged(
    point: Point, proved: Proved, foreign: frozenset[str], arrival_ms: int
) -> tuple[Tenant | None, tuple[str, str] | None]:
    """Whose a point is, and why it is not counted, if it is not."""
    tenant, flaw = _tenant_of(point, proved)
    if point.wedding_id in foreign:
        flaw = flaw or OTHER_WEDDING
    return tenant, flaw or LATE_REASONS.get(classify(point.ts_ms, arrival_ms))


def _tenant_of(point: Point, proved: Proved) -> tuple[Tenant | None, tuple[str, str] | None]:
    if proved.tenant is None:
        try:
            return Tenant(point.tenant_id or ""), None
        except ValueError as error:
            return None, ("no-tenant", str(error))
    if point.tenant_id not in (None, proved.tenant.id):
        return proved.tenant, ("other-tenant", "the point names another tenant than its sender")
    if proved.vendor_id is not None and point.vendor_id not in (None, proved.vendor_id):
        return proved.tenant, ("other-vendor", "the point names another vendor than its sender")
    return proved.tenant, None


def _told_by(batch: Sorted) -> Callable[[Accepted], int]:
    """Under which token the judgement of a point is owed.

    That of the stream's record, since it is delivered whole. A point off a book stands for
    itself: until it is struck out, it comes with any later export as well.
    """
    tokens = [record_token(each) for each in batch.carriers]
    off_books = {(each.tenant.id, point.event_id) for each in batch.owed for point in each.points}

    def told_by(each: Accepted) -> int:
        if (each.tenant, each.point.event_id) in off_books:
            return each.frame_id
        return tokens[each.copy]

    return told_by


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


def _count(
    accepted: list[Accepted],
    services: Services,
    packs: Packs,
    owed: Mapping[SlotKey, Mapping[int, int]],
) -> list[Merged]:
    _mark_active(accepted, services, packs)
    return _merge(
        accepted,
        services,
        packs,
        lambda tenant, wedding_id: wedding_id in kept_by_second(services, Tenant(tenant)),
        owed,
    )


def _merge(
    accepted: list[Accepted],
    services: Services,
    packs: Packs,
    keep_seconds: KeepSeconds,
    owed: Mapping[SlotKey, Mapping[int, int]],
) -> list[Merged]:
    shares = slots(Columns.of(accepted), packs=packs, keep_seconds=keep_seconds)
    merged: list[Merged] = []
    for share in shares:
        try:
            owing = owed.get(share.key, NOTHING_OWED)
            merged.append(services.hot_windows.merge(share, now=services.now(), owed=owing))
        except ShareTooLarge:
            part = [each for each in accepted if _belongs(each, share, packs)]
            frames = sorted({each.frame_id for each in part})
            middle = frames[len(frames) // 2]
            for half in (
                [each for each in part if each.frame_id < middle],
                [each for each in part if each.frame_id >= middle],
            ):
                merged += _merge(half, services, packs, keep_seconds, owed)
    return merged


def _belongs(each: Accepted, share: SlotRows, packs: Packs) -> bool:
    return slot_key(each, packs) == share.key


def slot_key(each: Accepted, packs: Packs) -> SlotKey:
    """The item that a point without a frame is counted in."""
    created = each.point.ts_ms if each.created_at_ms is None else each.created_at_ms
    return SlotKey(
        tenant=each.tenant,
        pack=pack_of(each.point.pack_key, packs(each.tenant, created)),
        minute=each.point.ts_ms // MINUTE_MS,
        slot=created // 10_000,
    )


def _packs(services: Services) -> Packs:
    """How many packs the tenants of a batch have, looked up once for each."""
    histories: dict[str, PackHistory] = {}

    def at(tenant_id: str, created_at_ms: int) -> int:
        if tenant_id not in histories:
            histories[tenant_id] = settled_packs(services, Tenant(tenant_id))
        return histories[tenant_id].at(created_at_ms)

    return at


def _mark_active(accepted: Sequence[Accepted], services: Services, packs: Packs) -> None:
    keys = {slot_key(each, packs) for each in accepted}
    hours = {(key.tenant, key.pack, key.minute // MINUTES_PER_HOUR) for key in keys}
    for tenant, pack, hour in sorted(hours):
        services.windows.mark_active(Tenant(tenant), pack, hour, now=services.now())
