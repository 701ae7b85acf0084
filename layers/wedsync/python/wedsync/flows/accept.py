"""Points that came over HTTP, on their way to the stream."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wedsync.cloud import PutFailures, Record
from wedsync.cloud.limits import STREAM_RECORD_BYTES
from wedsync.errors import FieldError, Forbidden, Invalid, TooLarge, Unavailable
from wedsync.flows.ingest import warm_reader
from wedsync.flows.points import text
from wedsync.flows.provenance import identity_key, platform_record
from wedsync.flows.reading import packs_of
from wedsync.flows.times import at_ms, epoch_ms
from wedsync.flows.visibility import foreign_weddings
from wedsync.metrics.body import open_body
from wedsync.metrics.columns import Columns
from wedsync.metrics.decode import RejectedPoint
from wedsync.metrics.fold import copies
from wedsync.metrics.intake import OTHER_TENANT, OTHER_VENDOR, Intake, Refused, Sender
from wedsync.metrics.outgoing import frames_of
from wedsync.metrics.point import Point
from wedsync.metrics.reading import Head
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.tenancy import Caller, Role, may_be_tenant

MOST_BYTES = 1024 * 1024
PUT_TRIES = 3
_SIGNATURE_BYTES = 1024
_BODY = 0
"""The number of the one record of a request."""
_SAID_TO_CALLERS = {
    OTHER_TENANT: ("other-tenant", "the point names another tenant than its caller")
}


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
    if caller.role is Role.VENDOR and caller.vendor_id is None:
        raise Forbidden
    now_ms = epoch_ms(services.now())
    # The consumer is told whole seconds: what is promised here must hold there.
    received_at_unix = now_ms // 1000
    body = open_body(raw)
    batch = services.new_id("req")
    reader = warm_reader(services)
    read = reader.read([(_BODY, body)])
    sender = Sender(
        tenant=caller.tenant.id,
        device=caller.subject,
        vendor_id=caller.vendor_id,
        batch_id=batch,
        stream="",
        shard="",
        sequence="",
        arrival_ms=received_at_unix * 1000,
    )
    intake = Intake(read, {_BODY: sender}, reader.lexicon, valid_tenant=may_be_tenant)
    foreign = {
        (tenant, vendor): foreign_weddings(services.weddings, caller.tenant, vendor, named)
        for (tenant, vendor), named in intake.named_by_vendors().items()
    }
    columns, refused = intake.judged(foreign, identity_key(services.signing.value()))
    if any(each.reason is OTHER_VENDOR for each in refused):
        raise Forbidden("this token may only send points of its own vendor")
    rejected = [each for _, each in read.rejected]
    if refused:
        rejected += _named(refused, reader.points(body), body)
    _park(services, caller, batch, rejected, now_ms)
    if columns is None:
        raise Invalid(
            rejected[0].detail if rejected else "the body holds no point",
            errors=[
                FieldError(pointer=each.pointer, code=each.code, detail=each.detail)
                for each in rejected
            ],
        )
    packs = packs_of(services.settings)
    copied, duplicates = copies(
        columns, packs=lambda *_: packs, known=services.hot_windows.known_ids
    )
    fresh = columns.without(copied)
    if len(fresh):
        head = read.heads.get(_BODY)
        _send(services, caller, batch, fresh, head, received_at_unix=received_at_unix)
    return Taken(
        accepted=fresh.points,
        duplicates=duplicates,
        rejected=tuple(sorted(rejected, key=lambda each: each.index or 0)),
    )


def _named(
    refused: Iterable[Refused], points: Mapping[int, Point], body: bytes
) -> list[RejectedPoint]:
    found = []
    for each in refused:
        code, detail = _SAID_TO_CALLERS.get(each.reason, each.reason)
        point = None if each.index is None else points.get(each.index)
        found.append(
            RejectedPoint(
                index=each.index,
                code=code,
                detail=detail,
                pointer="" if each.index is None else f"/{each.index}",
                raw=body if point is None else text(point),
            )
        )
    return found


def _send(
    services: Services,
    caller: Caller,
    batch: str,
    columns: Columns,
    head: Head | None,
    *,
    received_at_unix: int,
) -> None:
    """Put the points on the stream as frames: one, unless that would be too large."""
    records = [
        Record(
            partition_key=(columns.pack_key(first) or caller.subject)[:256],
            data=platform_record(
                frame,
                services=services,
                device=caller.subject,
                batch=f"{batch}.{first}",
                received_at_unix=received_at_unix,
            ),
        )
        for first, frame in frames_of(
            columns, head, most_bytes=STREAM_RECORD_BYTES - _SIGNATURE_BYTES
        )
    ]
    for _ in range(PUT_TRIES):
        failures: PutFailures = services.metrics_stream.put(records)
        if not failures:
            return
        records = [records[failure.index] for failure in failures]
    raise Unavailable("the stream does not take the points now")


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
