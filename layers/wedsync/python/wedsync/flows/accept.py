"""Points that came over HTTP, on their way to the stream."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from wedsync.cloud import PutFailures, Record
from wedsync.errors import FieldError, Forbidden, Invalid, TooLarge, Unavailable
from wedsync.flows.ingest import LATE_REASONS, OTHER_WEDDING, slot_key
from wedsync.flows.points import members, text
from wedsync.flows.provenance import identity_key, platform_record
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import at_ms, epoch_ms
from wedsync.flows.visibility import foreign_weddings
from wedsync.metrics.body import open_body
from wedsync.metrics.chain import holds_frame
from wedsync.metrics.columns import Accepted
from wedsync.metrics.decode import RejectedPoint, decode_record
from wedsync.metrics.fold import SlotKey
from wedsync.metrics.identity import Origin
from wedsync.metrics.lateness import Lateness, classify
from wedsync.metrics.point import Point
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.tenancy import Caller, Role

MOST_BYTES = 1024 * 1024
PUT_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a request: how many points are on the stream, and which are not."""

    accepted: int
    duplicates: int
    rejected: tuple[RejectedPoint, ...]


def accept(services: Services, caller: Caller, raw: bytes) -> Taken:
    """Put what is good on the stream. Raises Invalid when nothing is, naming every flaw."""
    if len(raw) > MOST_BYTES:
        raise TooLarge("at most 1 MiB in one request")
    # A repetition is judged and parked as at the first try: it changes no verdict and no row.
    now_ms = epoch_ms(services.first_tried())
    # The consumer is told whole seconds: what is promised here must hold there.
    received_at_unix = now_ms // 1000
    decoded = decode_record(open_body(raw))
    rejected = list(decoded.rejected)
    good: list[tuple[int, Point]] = []
    named = [point.wedding_id for _, point in decoded.points]
    foreign = foreign_weddings(services.weddings, caller.tenant, caller.vendor_id, named)
    for index, point in decoded.points:
        flaw = _flaw(point, caller, received_at_unix * 1000)
        if flaw is None and point.wedding_id in foreign:
            flaw = OTHER_WEDDING
        if flaw is None:
            good.append((index, point))
        else:
            code, detail = flaw
            rejected.append(
                RejectedPoint(
                    index=index, code=code, detail=detail, pointer=f"/{index}", raw=text(point)
                )
            )
    batch = services.new_id("req")
    _park(services, caller, batch, rejected, now_ms)
    if not good:
        raise Invalid(
            rejected[0].detail if rejected else "the body holds no point",
            errors=[
                FieldError(pointer=each.pointer, code=each.code, detail=each.detail)
                for each in rejected
            ],
            left_traces=bool(rejected),
        )
    fresh, duplicates = _without_copies(services, caller, batch, good)
    if fresh:
        _send(services, caller, batch, fresh, received_at_unix=received_at_unix)
    return Taken(
        accepted=len(fresh),
        duplicates=duplicates,
        rejected=tuple(sorted(rejected, key=lambda each: each.index or 0)),
    )


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
) -> tuple[list[tuple[int, Point]], int]:
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
    return fresh, len(good) - len(fresh)


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
                json.dumps([_member(caller, each) for _, each in group]).encode(),
                services=services,
                device=caller.subject,
                batch=f"{batch}.{group[0][0]}",
                received_at_unix=received_at_unix,
            ),
        )
        for name, group in groups.items()
    ]
    for _ in range(PUT_TRIES):
        failures: PutFailures = services.metrics_stream.put(records)
        if not failures:
            return
        records = [records[failure.index] for failure in failures]
    raise Unavailable("the stream does not take the points now")


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
