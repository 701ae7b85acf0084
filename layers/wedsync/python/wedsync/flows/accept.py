"""Points that came over HTTP, on their way to the stream."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wedsync.cloud import Record
from wedsync.cloud.limits import STREAM_RECORD_BYTES
from wedsync.errors import FieldError, Forbidden, Invalid
from wedsync.flows.exports import pay, settle
from wedsync.flows.judging import judge, refused_of_export, warm_reader
from wedsync.flows.points import text
from wedsync.flows.shedding import admit
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import at_ms, epoch_ms
from wedsync.flows.vouching import platform_record, put_all
from wedsync.metrics.columns import Columns
from wedsync.metrics.decode import Place, RejectedPoint
from wedsync.metrics.fold import copies
from wedsync.metrics.intake import OTHER_TENANT, OTHER_VENDOR, Refused, Sender
from wedsync.metrics.otlp import read_export
from wedsync.metrics.outgoing import frames_of
from wedsync.metrics.point import Priority, most_urgent
from wedsync.metrics.reading import BodiesRead, BodyReader, Head, Sent
from wedsync.metrics.refusals import detail_of, member_of
from wedsync.stores.rejections import Rejection
from wedsync.stores.services import Services
from wedsync.tenancy import Caller, Role

_SIGNATURE_BYTES = 1024
"""More than the line before a frame takes."""
_BODY = 0
"""The number of the one record of a request."""
_MOST_NAMED = 20
_SAID_TO_CALLERS = {
    OTHER_TENANT: ("other-tenant", "the point names another tenant than its caller")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a request. Of the points on the stream, ``duplicates`` will count no more."""

    accepted: int
    duplicates: int
    rejected: tuple[RejectedPoint, ...]


def accept(services: Services, caller: Caller, body: bytes) -> Taken:
    """Put what is good on the stream. Raises Invalid when nothing is, naming every flaw.

    Raises TooManyRequests while there is no room for it.
    """
    request = _Request.begun(services, caller)
    read = request.reader.read([(_BODY, body)])
    columns, refused = request.judge(read, {_BODY: request.sender})
    request.require_own_vendor(refused, lambda: request.reader.points(body))
    rejected = [each for _, each in read.rejected]
    if refused:
        rejected += _named(refused, request.reader.points(body), body)
    if columns is not None:
        admit(
            services,
            caller.tenant,
            points=columns.points,
            priority=most_urgent(each.priority for each in read.parts),
            wedding_ids=columns.weddings(),
        )
    request.park(rejected)
    if columns is None:
        raise Invalid(
            rejected[0].detail if rejected else "the body holds no point",
            errors=[
                FieldError(pointer=each.pointer, code=each.code, detail=each.detail)
                for each in rejected
            ],
            left_traces=bool(rejected),
        )
    fresh = request.put(columns, read.heads.get(_BODY))
    return Taken(
        accepted=fresh,
        duplicates=columns.points - fresh,
        rejected=tuple(sorted(rejected, key=lambda each: each.index or 0)),
    )


def accept_export(services: Services, caller: Caller, body: bytes) -> tuple[RejectedPoint, ...]:
    """Put what an export amounts to on the stream; answer the data points that were refused.

    Raises Poison for a body that is no export, TooManyRequests while there is no room for it.
    """
    request = _Request.begun(services, caller)
    export = read_export(body)
    refused = refused_of_export(services, request.reader, export, request.sender)
    sent = {each.index: Sent(each.point, Place(f"/{each.index}")) for each in export.points}
    request.require_own_vendor(refused, lambda: sent)
    bad = {each.index for each in refused if each.index is not None}
    admit(
        services,
        caller.tenant,
        points=max(1, len(export.points) - len(bad)),
        priority=Priority.NORMAL,
        wedding_ids=(each.point.wedding_id for each in export.points if each.point.wedding_id),
    )
    settled = settle(services, caller.tenant, export, vendor_id=caller.vendor_id, refused=bad)
    rejected = (*_named(refused, sent, body), *settled.record.rejected)
    request.park(rejected)
    read = BodiesRead()
    read.add_points(_BODY, settled.record, request.reader.lexicon)
    senders = {_BODY: request.sender}
    for number, book in enumerate(settled.books, start=_BODY + 1):
        read.add_points(number, book.record, request.reader.lexicon)
        senders[number] = book.sender(request.sender)
    columns, _ = request.judge(read, senders)  # and refuses once more what was refused
    if columns is not None:
        request.put(columns, None)
    pay(services, settled.books)
    return rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What one caller sends in one go."""

    services: Services
    caller: Caller
    reader: BodyReader
    batch: str
    now_ms: int

    @classmethod
    def begun(cls, services: Services, caller: Caller) -> "_Request":
        if caller.role is Role.VENDOR and caller.vendor_id is None:
            raise Forbidden
        return cls(
            services=services,
            caller=caller,
            reader=warm_reader(services),
            batch=services.new_id("req"),
            # A repetition is judged and parked as at the first try: it changes no verdict and
            # no row.
            now_ms=epoch_ms(services.first_tried()),
        )

    @property
    def received_at_unix(self) -> int:
        """The consumer is told whole seconds: what is promised here must hold there."""
        return self.now_ms // 1000

    @property
    def sender(self) -> Sender:
        """What is proved of the request."""
        return Sender(
            tenant=self.caller.tenant.id,
            device=self.caller.subject,
            vendor_id=self.caller.vendor_id,
            batch_id=self.batch,
            stream="",
            shard="",
            sequence="",
            arrival_ms=self.received_at_unix * 1000,
        )

    def judge(
        self, read: BodiesRead, senders: Mapping[int, Sender]
    ) -> tuple[Columns | None, list[Refused]]:
        """The rows that may be counted, and the points that may not."""
        return judge(self.services, self.reader, read, senders)

    @staticmethod
    def require_own_vendor(
        refused: Sequence[Refused], points: Callable[[], Mapping[int, Sent]]
    ) -> None:
        """Raise Forbidden where a vendor spoke for another one, naming the points.

        Then nothing is taken: what may not be asked is refused whole, whatever stands beside it.
        """
        wrong = [each for each in refused if each.reason is OTHER_VENDOR]
        if wrong:
            sent = points()
            places = ", ".join(str(each.index) for each in wrong[:_MOST_NAMED])
            raise Forbidden(
                "nothing was taken: this token may only send points of its own vendor, and "
                f"another is named by the points of index {places}",
                errors=[
                    FieldError(
                        pointer=sent[each.index].pointer(member_of(each.reason)),
                        code=OTHER_VENDOR[0],
                        detail=OTHER_VENDOR[1],
                    )
                    for each in wrong[:_MOST_NAMED]
                    if each.index is not None
                ],
            )

    def put(self, columns: Columns, head: Head | None) -> int:
        """Put points on the stream; how many of them are new, as far as is known here.

        Copies go there too: that they came is counted where all copies are, each time once.
        """
        packs = settings_of(self.services, self.caller.tenant).packs
        copied = copies(
            columns,
            packs=lambda _, created_ms: packs.at(created_ms),
            known=self.services.hot_windows.known_ids,
        )
        put_all(self.services, self._records(columns, head))
        return columns.without(copied).points

    def _records(self, columns: Columns, head: Head | None) -> list[Record]:
        """The points as frames: one, unless that would be too large."""
        return [
            Record(
                partition_key=(columns.pack_key(first) or self.caller.subject)[:256],
                data=platform_record(
                    frame,
                    services=self.services,
                    device=self.caller.subject,
                    batch=f"{self.batch}.{first}",
                    received_at_unix=self.received_at_unix,
                ),
            )
            for first, frame in frames_of(
                columns, head, most_bytes=STREAM_RECORD_BYTES - _SIGNATURE_BYTES
            )
        ]

    def park(self, rejected: Sequence[RejectedPoint]) -> None:
        """Keep what was refused, with the reasons."""
        _park(self.services, self.caller, self.batch, rejected, self.now_ms)


def _named(
    refused: Iterable[Refused], points: Mapping[int, Sent], body: bytes
) -> list[RejectedPoint]:
    found = []
    for each in refused:
        code, detail = _SAID_TO_CALLERS.get(each.reason, each.reason)
        sent = None if each.index is None else points.get(each.index)
        if sent is not None and each.reason not in _SAID_TO_CALLERS:
            detail = detail_of(each.reason, sent.point)
        found.append(
            RejectedPoint(
                index=each.index,
                code=code,
                detail=detail if sent is None else sent.place.told(detail),
                pointer="" if sent is None else sent.pointer(member_of(each.reason)),
                raw=body if sent is None else text(sent.point),
            )
        )
    return found


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
