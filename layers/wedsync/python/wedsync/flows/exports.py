"""From an export's data points to points that count: running totals are taken off their books."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from wedsync.errors import Unavailable
from wedsync.metrics.body import Poison
from wedsync.metrics.decode import DecodedRecord, RejectedPoint
from wedsync.metrics.exported import Exported, digest_of, points_of
from wedsync.metrics.intake import Sender
from wedsync.metrics.otlp import Export
from wedsync.metrics.point import Point
from wedsync.stores.running_totals import Owed, exporters
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


@dataclass(frozen=True, slots=True)
class OffBook:
    """What a book owes, in the form of a record, under the book's own name.

    It comes with any later export until it is struck out, whoever sends that: only under the name
    of the book is it known again.
    """

    owed: Owed
    record: DecodedRecord

    def sender(self, of_export: Sender) -> Sender:
        """Whose points these are, of an export that this sender sent."""
        return replace(of_export, device=f"book#{self.owed.exporter}")


@dataclass(frozen=True, slots=True)
class Settled:
    """An export in the form of any other record, and what is owed until that is counted.

    Points that were refused stand among the others as they are: whoever judges them once more
    refuses them once more. They have changed no book.
    """

    record: DecodedRecord
    books: tuple[OffBook, ...] = ()


def settle(
    services: Services,
    tenant: Tenant,
    export: Export,
    *,
    vendor_id: str | None,
    refused: AbstractSet[int],
) -> Settled:
    """Turn an export into points. Call :func:`pay` once they are counted or sure to be.

    ``refused`` are the indexes of data points that do not count. A vendor's books are its own:
    nobody else's readings move them.
    """
    points: list[tuple[int, Point]] = []
    rejected = list(export.rejected)
    running: list[Exported] = []
    for each in export.points:
        if each.index in refused:
            points.append((each.index, each.point))
        elif each.running:
            running.append(each)
        else:
            try:
                points += [(each.index, point) for point in points_of(each, each.reading)]
            except Poison as poison:
                rejected.append(_rejected(each, poison))
    books: list[OffBook] = []
    for exporter, readings in exporters(running).items():
        book = digest_of(vendor_id or "", exporter)
        taken = services.running_totals.take_off(tenant, book, readings, now=services.now())
        rejected += [_rejected(each, poison) for each, poison in taken.refused]
        found = tuple((readings[0].index, point) for point in taken.points)
        books.append(OffBook(taken, DecodedRecord(points=found, rejected=())))
    return Settled(DecodedRecord(points=tuple(points), rejected=tuple(rejected)), tuple(books))


def pay(services: Services, books: Sequence[OffBook]) -> None:
    """Strike out what has been sent. If that fails, it is sent again and known by its ids."""
    for each in books:
        try:
            services.running_totals.strike_out(each.owed, now=services.now())
        except Unavailable:
            return


def _rejected(each: Exported, poison: Poison) -> RejectedPoint:
    return RejectedPoint(
        index=each.index,
        code=poison.reason,
        detail=poison.detail,
        pointer="",
        raw=f"{each.point.name} at {each.at_ns} ns: {each.reading}".encode(),
    )
