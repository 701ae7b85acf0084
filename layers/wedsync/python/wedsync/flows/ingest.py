"""From a batch of records to counted points: parked where poison, each counted once.

Poison is caught record by record and point by point; only a failing cloud is raised, and then
the whole batch comes again and changes nothing that it had changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wedsync.alerting.refusals import TELLING, Refusal
from wedsync.cloud import Arrived
from wedsync.errors import TooLarge
from wedsync.flows.derive import refresh
from wedsync.flows.evaluate import Evaluated, evaluate
from wedsync.flows.exports import OffBook, Settled, pay, settle
from wedsync.flows.heard import hear, note_judged, record_token, tell_of_trouble, touched_by
from wedsync.flows.judging import judge, refused_of_export, warm_reader
from wedsync.flows.own_rules import judge_batch
from wedsync.flows.pipelines import derive_batch
from wedsync.flows.points import text
from wedsync.flows.provenance import Proved, Provenance, claimed_key, identity_key
from wedsync.flows.refusals import judge_new
from wedsync.flows.shedding import report_lag
from wedsync.flows.tenant_settings import settled_packs
from wedsync.flows.times import at_ms
from wedsync.flows.unpack import unpacked
from wedsync.flows.updates import apply_updates
from wedsync.flows.viewing import kept_by_second
from wedsync.metrics.body import Poison, open_body
from wedsync.metrics.columns import Columns
from wedsync.metrics.decode import DecodedRecord, Place, rejected_record
from wedsync.metrics.fold import KeepSeconds, Packs, slots
from wedsync.metrics.histogram import Words
from wedsync.metrics.intake import Sender
from wedsync.metrics.lexicon import Lexicon
from wedsync.metrics.otlp import read_export
from wedsync.metrics.otlp_wire import is_export
from wedsync.metrics.packs import PackHistory
from wedsync.metrics.reading import BodyReader, Sent
from wedsync.metrics.refusals import detail_of, member_of
from wedsync.metrics.updates import take_updates
from wedsync.stores.hot_windows import Merged
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.stores.windows import ACTIVE_MINUTES
from wedsync.tenancy import Tenant


@dataclass(slots=True)
class Sorted:
    """A batch, sorted into what will be counted and what is parked.

    ``carriers`` are the records of the stream, by the ordinal of what came in each. ``books``
    are those of running totals that gave points out, ``off_books`` the frames of these.
    ``refusals`` are the records that proved no right to be counted, each once, by their places.
    """

    lexicon: Lexicon
    columns: Columns | None = None
    parked: dict[Tenant, list[Rejection]] = field(default_factory=dict)
    refusals: dict[Tenant, dict[str, Refusal]] = field(default_factory=dict)
    carriers: list[Arrived] = field(default_factory=list)
    books: list[OffBook] = field(default_factory=list)
    off_books: list[Words] = field(default_factory=list)

    def park(self, tenant: Tenant, rejection: Rejection) -> None:
        """Set one row aside for this tenant."""
        self.parked.setdefault(tenant, []).append(rejection)

    def park_refused(self, tenant: Tenant, rejection: Rejection, *, key_id: str | None) -> None:
        """Set one row aside, and remember its record where the reason is one that rules look at."""
        self.park(tenant, rejection)
        if rejection.code in TELLING:
            self.refusals.setdefault(tenant, {})[rejection.place] = Refusal(
                place=rejection.place,
                code=rejection.code,
                key_id=key_id,
                arrived_at=rejection.arrived_at,
            )

    def park_all(self, refused: Mapping[Tenant, Sequence[Rejection]]) -> None:
        """Set all of these aside."""
        for tenant, rejections in refused.items():
            for each in rejections:
                self.park(tenant, each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What a batch came to. ``accepted`` includes ``late``; counts are of points as sent."""

    accepted: int
    late: int
    duplicates: int
    rejected: int
    evaluated: Evaluated = field(default_factory=Evaluated)

    @property
    def quality_score(self) -> float:
        """Which share of what was offered counts in every window; nothing offered lacks nothing."""
        offered = self.accepted + self.rejected
        return round((self.accepted - self.late) / offered, 4) if offered else 1.0


def ingest(records: Sequence[Arrived], services: Services) -> Ingested:
    """Count a batch. Raises Unavailable when the cloud fails."""
    report_lag(services, records)
    batch = sort_records(records, services)
    told, observed = ([], None) if batch.columns is None else take_updates(batch.columns)
    updates = apply_updates(services, told, batch.carriers)
    batch.park_all(updates.too_late)
    if observed:
        derived = derive_batch(services, observed, batch.lexicon, batch.carriers)
        batch.park_all(derived.refused)
        observed = derived.columns
    for tenant, rejections in batch.parked.items():
        services.rejections.park(tenant, rejections)
    refusals = {tenant: tuple(each.values()) for tenant, each in batch.refusals.items()}
    for tenant, refused in refusals.items():
        services.refusals.note(tenant, refused)
    merged: list[Merged] = []
    evaluated = Evaluated()
    if observed:
        merged, evaluated = _counted(batch, observed, services)
    # What is struck out does not come again, and could not be judged any more.
    pay(services, batch.books)
    judge_new(services, refusals)
    return Ingested(
        accepted=updates.applied + sum(each.accepted for each in merged),
        late=sum(each.late for each in merged),
        duplicates=updates.repeated + sum(each.duplicates for each in merged),
        rejected=sum(len(each) for each in batch.parked.values()),
        evaluated=evaluated,
    )


def _counted(batch: Sorted, columns: Columns, services: Services) -> tuple[list[Merged], Evaluated]:
    """Count, and judge whatever has to be judged for it."""
    heard, columns = hear(
        columns,
        [record_token(each) for each in batch.carriers],
        # A point off a book comes with any later export as well, until it is struck out.
        alone=batch.off_books,
        now=services.now(),
    )
    tell_of_trouble(services, heard)
    merged = merge_columns(columns, services, _packs(services), _keep_seconds(services))
    refresh(services, merged)
    evaluated = evaluate(services, touched_by(services, heard, merged))
    judge_batch(services, columns)
    note_judged(services, merged)
    return merged, evaluated


def sort_records(records: Sequence[Arrived], services: Services) -> Sorted:
    """Prove, open and read every record of a batch."""
    master = services.signing.value()
    provenance = Provenance(services.keys, services.settings, master)
    operator = services.settings.operator_tenant
    reader = warm_reader(services)
    batch = Sorted(reader.lexicon)
    opened: dict[int, _Opened] = {}
    for carrier in records:
        for record, broken in unpacked(carrier):
            ordinal = len(batch.carriers)
            batch.carriers.append(carrier)
            owner = operator
            try:
                if broken is not None:
                    raise broken
                proved = provenance.prove(record.data)
                owner = proved.tenant or owner
                body = open_body(proved.body)
            except (Poison, TooLarge) as flaw:
                code = flaw.reason if isinstance(flaw, Poison) else flaw.code
                row = _rejection(record, None, code, flaw.detail, "", record.data)
                batch.park_refused(owner, row, key_id=claimed_key(record.data))
                continue
            sender = proved.sender(record)
            export = _export(body, proved, sender, reader, services)
            own = None if export is None else export.record
            opened[ordinal] = _Opened(record, owner, sender, body, own)
            for book in () if export is None else export.books:
                sender_of = book.sender(sender)
                opened[len(batch.carriers)] = _Opened(record, owner, sender_of, body, book.record)
                batch.carriers.append(carrier)
                batch.books.append(book)
                batch.off_books.append(
                    sender_of.events(book.owed.tenant.id, book.owed.points, identity_key(master))
                )
    _read(opened, reader, services, batch)
    return batch


@dataclass(frozen=True, slots=True)
class _Opened:
    """A record that was opened. An export is settled at once, and has no body to be read."""

    record: Arrived
    owner: Tenant
    sender: Sender
    body: bytes
    export: DecodedRecord | None

    def points(self, reader: BodyReader) -> Mapping[int, tuple[int, Sent]]:
        """Its points with their indexes, by the index under which they were judged."""
        if self.export is None:
            return {index: (index, sent) for index, sent in reader.points(self.body).items()}
        return {
            at: (index, Sent(point, Place(f"/{index}")))
            for at, (index, point) in enumerate(self.export.points)
        }


def _read(
    opened: Mapping[int, _Opened], reader: BodyReader, services: Services, batch: Sorted
) -> None:
    read = reader.read([(at, each.body) for at, each in opened.items() if each.export is None])
    for ordinal, each in opened.items():
        if each.export is not None:
            read.add_points(ordinal, each.export, reader.lexicon)
    for ordinal, bad in read.rejected:
        of = opened[ordinal]
        batch.park(
            of.owner, _rejection(of.record, bad.index, bad.code, bad.detail, bad.pointer, bad.raw)
        )
    senders = {ordinal: each.sender for ordinal, each in opened.items()}
    batch.columns, refused = judge(services, reader, read, senders)
    points: dict[int, Mapping[int, tuple[int, Sent]]] = {}
    for one in refused:
        of = opened[one.record]
        index, raw = one.index, of.body
        (code, detail), pointer = one.reason, ""
        if index is not None:
            if one.record not in points:
                points[one.record] = of.points(reader)
            index, sent = points[one.record][index]
            raw, pointer = text(sent.point), sent.pointer(member_of(one.reason))
            detail = sent.place.told(detail_of(one.reason, sent.point))
        owner = of.owner if one.tenant is None else Tenant(one.tenant)
        row = _rejection(of.record, index, code, detail, pointer, raw)
        batch.park_refused(owner, row, key_id=of.sender.device or None)


def _export(
    body: bytes, proved: Proved, sender: Sender, reader: BodyReader, services: Services
) -> Settled | None:
    """What an export amounts to, and what books owe until that is counted; None: it is none."""
    if proved.tenant is None or not is_export(body):
        return None
    try:
        export = read_export(body)
    except Poison as poison:
        return Settled(DecodedRecord(points=(), rejected=(rejected_record(poison, body),)))
    refused = refused_of_export(services, reader, export, sender)
    return settle(
        services,
        proved.tenant,
        export,
        vendor_id=proved.vendor_id,
        refused=frozenset(each.index for each in refused if each.index is not None),
    )


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


def merge_columns(
    columns: Columns, services: Services, packs: Packs, keep_seconds: KeepSeconds
) -> list[Merged]:
    """Count these rows in their hot windows: the only way there, since it marks them as active.

    Raises Unavailable, and TooMuchContention.
    """
    shares = slots(columns, packs=packs, keep_seconds=keep_seconds)
    for each in shares:
        _mark_active(services, Tenant(each.key.tenant), each.key.pack, each.key.minute)
    merged, too_large = services.hot_windows.merge(shares, now=services.now())
    for share in too_large:
        for half in columns.halves(share.all_rows()):
            merged += merge_columns(half, services, packs, keep_seconds)
    return merged


def _mark_active(services: Services, tenant: Tenant, pack: int, minute: int) -> None:
    """Once in the life of a process: a mark outlives the time in which points may come."""
    mark = (tenant, "active", pack, minute // ACTIVE_MINUTES)
    if not services.memory.noted(mark, bool):
        services.windows.mark_active(tenant, pack, minute, now=services.now())
        services.memory.note(mark, True)


def _packs(services: Services) -> Packs:
    """How many packs the tenants of a batch have, looked up once for each."""
    histories: dict[str, PackHistory] = {}

    def at(tenant_id: str, created_at_ms: int) -> int:
        if tenant_id not in histories:
            histories[tenant_id] = settled_packs(services, Tenant(tenant_id))
        return histories[tenant_id].at(created_at_ms)

    return at


def _keep_seconds(services: Services) -> KeepSeconds:
    """Which weddings are kept by the second."""
    return lambda tenant_id: kept_by_second(services, Tenant(tenant_id))
