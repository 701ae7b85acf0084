"""Books of running totals: one item per tenant and exporter, changed by conditional writes.

Key: ``tenant#running#exporter / book``. All series of an exporter lie in one item, since it
exports them together: one write an export, not one a series.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import TooMuchContention
from wedsync.metrics.body import Poison
from wedsync.metrics.exported import Exported
from wedsync.metrics.point import Point
from wedsync.metrics.running_totals import Book, decode, encode, take_off
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=72)
"""Longer than any run is remembered, so that a book never ends before its runs."""
LARGEST_BOOK_BYTES = 350 * 1024
TRIES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Points that a book owes: to be sent, then struck out."""

    tenant: Tenant
    exporter: str
    points: tuple[Point, ...]
    refused: tuple[tuple[Exported, Poison], ...]


class RunningTotalStore:
    """Running totals by tenant and exporter."""

    def __init__(self, table: Table, *, largest_bytes: int = LARGEST_BOOK_BYTES) -> None:
        """On the running totals table; a book beyond ``largest_bytes`` takes no more."""
        self._table = table
        self._largest_bytes = largest_bytes

    def take_off(
        self, tenant: Tenant, exporter: str, readings: Sequence[Exported], *, now: datetime
    ) -> Owed:
        """Note these readings; answer every point that is owed, by former calls as well.

        Raises TooMuchContention where others keep writing the same book.
        """
        key = _key(tenant, exporter)
        item = self._table.get(key)
        for _ in range(TRIES):
            book = _book(item)
            taken = take_off(book, readings, now_ms=int(now.timestamp() * 1000))
            owed = Owed(
                tenant=tenant,
                exporter=exporter,
                points=tuple(book.owed.values()),
                refused=taken.refused,
            )
            if not taken.changed:
                return owed
            data = encode(book)
            if len(data) > self._largest_bytes:
                full = Poison("too-many-series", "the running totals of this exporter are too many")
                refused = tuple((each, full) for each in readings)
                return Owed(
                    tenant=tenant,
                    exporter=exporter,
                    points=tuple(_book(item).owed.values()),
                    refused=refused,
                )
            try:
                self._put(key, item, data, now=now)
            except ConditionFailed as conflict:
                item = conflict.current
            else:
                return owed
        raise TooMuchContention

    def strike_out(self, owed: Owed, *, now: datetime) -> None:
        """These points are counted, or on their way and sure to be."""
        key = _key(owed.tenant, owed.exporter)
        paid = {str(point.event_id) for point in owed.points}
        if not paid:
            return
        item = self._table.get(key)
        for _ in range(TRIES):
            book = _book(item)
            if not paid & book.owed.keys():
                return
            book.owed = {name: point for name, point in book.owed.items() if name not in paid}
            try:
                self._put(key, item, encode(book), now=now)
            except ConditionFailed as conflict:
                item = conflict.current
            else:
                return
        # They stay owed: sent again with the next export, they are known by their ids.

    def _put(self, key: Key, before: Item | None, data: bytes, *, now: datetime) -> None:
        version = before.number("version") if before is not None else 0
        self._table.put(
            Item(
                key,
                {
                    "book": data,
                    "version": version + 1,
                    EXPIRES_AT: int((now + KEPT).timestamp()),
                },
            ),
            when=Absent() if before is None else Equals("version", version),
        )


def exporters(readings: Iterable[Exported]) -> dict[str, list[Exported]]:
    """The readings by who exported them."""
    found: dict[str, list[Exported]] = {}
    for each in readings:
        found.setdefault(each.exporter, []).append(each)
    return found


def _key(tenant: Tenant, exporter: str) -> Key:
    return Key(tenant.partition("running", exporter), "book")


def _book(item: Item | None) -> Book:
    return Book() if item is None else decode(item.raw("book"))
