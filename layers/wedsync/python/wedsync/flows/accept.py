"""Points that came over HTTP, on their way to the stream."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wedsync.cloud import PutFailures, Record
from wedsync.cloud.limits import STREAM_CALL_BYTES, STREAM_RECORDS
from wedsync.errors import FieldError, Forbidden, Invalid, Unavailable
from wedsync.flows.exports import pay, settle
from wedsync.flows.ingest import LATE_REASONS, OTHER_WEDDING, slot_key
from wedsync.flows.points import members, text
from wedsync.flows.provenance import identity_key, platform_record
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import at_ms, epoch_ms
from wedsync.flows.visibility import foreign_weddings
from wedsync.metrics.chain import holds_frame
from wedsync.metrics.columns import Accepted
from wedsync.metrics.decode import MOST_POINTS, RejectedPoint, decode_record
from wedsync.metrics.fold import SlotKey
from wedsync.metrics.identity import Origin
from wedsync.metrics.lateness import Lateness, classify
from wedsync.metrics.otlp import Export, read_export
from wedsync.metrics.point import Point
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.tenancy import Caller, Role

PUT_TRIES = 3
PART_BYTES = 512 * 1024
"""A record holds twice as much, with its signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a request: how many points are on the stream, and which are not."""

    accepted: int
    duplicates: int
    rejected: tuple[RejectedPoint, ...]


def accept(services: Services, caller: Caller, body: bytes) -> Taken:
    """Put what is good on the stream. Raises Invalid when nothing is, naming every flaw."""
    request = _Request.begun(services, caller)
    decoded = decode_record(body)
    good, refused = request.judge(decoded.points)
    rejected = [*decoded.rejected, *refused]
    request.park(rejected)
    if not good:
        raise Invalid(
            rejected[0].detail if rejected else "the body holds no point",
            errors=[
                FieldError(pointer=each.pointer, code=each.code, detail=each.detail)
                for each in rejected
            ],
            left_traces=bool(rejected),
        )
    fresh = request.put(good)
    return Taken(
        accepted=fresh,
        duplicates=len(good) - fresh,
        rejected=tuple(sorted(rejected, key=lambda each: each.index or 0)),
    )


def accept_export(services: Services, caller: Caller, body: bytes) -> tuple[RejectedPoint, ...]:
    """Put what an export amounts to on the stream; answer the data points that were refused.

    Raises Poison for a body that is no export.
    """
    request = _Request.begun(services, caller)
    export = read_export(body)
    _, refused = request.judge([(each.index, each.point) for each in export.points])
    bad = {each.index for each in refused}
    good = tuple(each for each in export.points if each.index not in bad)
    settled = settle(
        services,
        caller.tenant,
        Export(good, export.rejected),
        vendor_id=caller.vendor_id,
        admits=lambda _: True,
    )
    rejected = (*refused, *settled.record.rejected)
    request.park(rejected)
    request.put(settled.record.points)
    pay(services, settled.owed)
    return rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What one caller sends in one go."""

    services: Services
    caller: Caller
    batch: str
    now_ms: int

    @classmethod
    def begun(cls, services: Services, caller: Caller) -> "_Request":
        return cls(
            services=services,
            caller=caller,
            batch=services.new_id("req"),
            # A repetition is judged and parked as at the first try: it changes no verdict and
            # no row.
            now_ms=epoch_ms(services.first_tried()),
        )

    @property
    def received_at_unix(self) -> int:
        """The consumer is told whole seconds: what is promised here must hold there."""
        return self.now_ms // 1000

    def judge(
        self, points: Sequence[tuple[int, Point]]
    ) -> tuple[list[tuple[int, Point]], list[RejectedPoint]]:
        """The points that may be counted, and those that may not. Raises Forbidden."""
        good: list[tuple[int, Point]] = []
        refused: list[RejectedPoint] = []
        named = [point.wedding_id for _, point in points]
        caller = self.caller
        foreign = foreign_weddings(self.services.weddings, caller.tenant, caller.vendor_id, named)
        for index, point in points:
            flaw = _flaw(point, caller, self.received_at_unix * 1000)
            if flaw is None and point.wedding_id in foreign:
                flaw = OTHER_WEDDING
            if flaw is None:
                good.append((index, point))
                continue
            code, detail = flaw
            refused.append(
                RejectedPoint(
                    index=index, code=code, detail=detail, pointer=f"/{index}", raw=text(point)
                )
            )
        return good, refused

    def put(self, good: Sequence[tuple[int, Point]]) -> int:
        """Put points on the stream, but for copies; how many that were."""
        fresh = _without_copies(self.services, self.caller, self.batch, good)
        if fresh:
            _send(
                self.services,
                self.caller,
                self.batch,
                fresh,
                received_at_unix=self.received_at_unix,
            )
        return len(fresh)

    def park(self, rejected: Sequence[RejectedPoint]) -> None:
        """Keep what was refused, with the reasons."""
        _park(self.services, self.caller, self.batch, rejected, self.now_ms)


def _flaw(point: Point, caller: Caller, received_at_ms: int) -> tuple[str, str] | None:
    if point.tenant_id not in (None, caller.tenant.id):
        return "other-tenant", "the point names another tenant than its caller"
    if caller.role is Role.VENDOR or caller.vendor_id is not None:
        if caller.vendor_id is None:
            raise Forbidden
        if point.vendor_id not in (None, caller.vendor_id):
            raise Forbidden("this token may only send points of its own vendor")
    lateness = classify(point.ts_ms, received_at_ms)
    if lateness in (Lateness.TOO_LATE, Lateness.FUTURE):
        return LATE_REASONS[lateness]
    return None


def _without_copies(
    services: Services, caller: Caller, batch: str, good: Sequence[tuple[int, Point]]
) -> list[tuple[int, Point]]:
    """Leave out repeats inside the request, and points that have been counted already."""
    key = identity_key(services.signing.value())
    origin = Origin(tenant=caller.tenant.id, device=caller.subject, batch_id=batch)
    packs = settings_of(services, caller.tenant).packs
    known: dict[SlotKey, bytes] = {}
    seen: set[int] = set()
    fresh: list[tuple[int, Point]] = []
    for index, point in good:
        frame = origin.frame_id(key, event_id=point.event_id, ts_ms=point.ts_ms, index=index)
        if frame in seen:
            continue
        seen.add(frame)
        if point.event_id is not None:
            slot = slot_key(
                Accepted(
                    point=point,
                    frame_id=frame,
                    copy=0,
                    tenant=caller.tenant.id,
                    arrival_ms=point.ts_ms,
                    late=False,
                ),
                packs=lambda _, created_ms: packs.at(created_ms),
            )
            if slot not in known:
                known[slot] = services.hot_windows.known_ids(slot)
            if holds_frame(known[slot], frame):
                continue
        fresh.append((index, point))
    return fresh


def _send(
    services: Services,
    caller: Caller,
    batch: str,
    points: Sequence[tuple[int, Point]],
    *,
    received_at_unix: int,
) -> None:
    """Put the points on the stream, those of one wedding (else vendor, source) together."""
    groups: dict[str, list[tuple[int, Point]]] = {}
    for index, point in points:
        groups.setdefault(point.pack_key or caller.subject, []).append((index, point))
    records = [
        Record(
            partition_key=name[:256],
            data=platform_record(
                b"[" + b",".join(each for _, each in part) + b"]",
                services=services,
                device=caller.subject,
                batch=f"{batch}.{part[0][0]}",
                received_at_unix=received_at_unix,
            ),
        )
        for name, group in groups.items()
        for part in _parts(caller, group)
    ]
    for call in _calls(records):
        _put(services, call)


def _put(services: Services, records: Sequence[Record]) -> None:
    for _ in range(PUT_TRIES):
        failures: PutFailures = services.metrics_stream.put(records)
        if not failures:
            return
        records = [records[failure.index] for failure in failures]
    raise Unavailable("the stream does not take the points now")


def _parts(
    caller: Caller, points: Sequence[tuple[int, Point]]
) -> Iterator[list[tuple[int, bytes]]]:
    """The points as JSON, in parts that fit a record."""
    part: list[tuple[int, bytes]] = []
    size = values = 0
    for index, point in points:
        member = json.dumps(_member(caller, point)).encode()
        size += len(member) + 1
        values += len(point.values)
        if part and (size > PART_BYTES or values > MOST_POINTS):
            yield part
            part, size, values = [], len(member) + 1, len(point.values)
        part.append((index, member))
    yield part


def _calls(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records in parts that fit a call."""
    call: list[Record] = []
    size = 0
    for record in records:
        needed = len(record.data) + len(record.partition_key.encode())
        if call and (len(call) == STREAM_RECORDS or size + needed > STREAM_CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(record)
        size += needed
    yield call


def _member(caller: Caller, point: Point) -> dict[str, object]:
    vendor_id = point.vendor_id or caller.vendor_id
    own: dict[str, object] = {"tenantId": caller.tenant.id}
    return members(point) | own | ({"vendorId": vendor_id} if vendor_id is not None else {})


def _park(
    services: Services,
    caller: Caller,
    batch: str,
    rejected: Sequence[RejectedPoint],
    now_ms: int,
) -> None:
    services.rejections.park(
        caller.tenant,
        [
            Rejection(
                place=f"http:{batch}",
                index=each.index,
                code=each.code,
                detail=each.detail,
                pointer=each.pointer,
                raw=each.raw,
                arrived_at=at_ms(now_ms),
            )
            for each in rejected
        ],
    )
