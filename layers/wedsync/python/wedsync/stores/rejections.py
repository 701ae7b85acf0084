"""What was not counted, with the reason: parked, never lost.

Key: ``tenant#rejections / arrival#place#index``: the same record, delivered again, parks the same
row. Bytes that are too many for an item lie in the bucket, named by the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wedsync.cloud import Attribute, Bucket, Item, Key, Sort, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.order import sortable
from wedsync.tenancy import Tenant

KEPT = timedelta(days=14)
INLINE_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One point, or a whole record (``index`` None), that was not counted.

    ``place`` names where it came from: stream, shard and sequence, or the HTTP request. ``raw``
    is what was sent, up to the first 4 KiB; ``stored_as`` names the rest where there was more.
    """

    place: str
    index: int | None
    code: str
    detail: str
    pointer: str
    raw: bytes
    arrived_at: datetime
    stored_as: str | None = None


@dataclass(frozen=True, slots=True)
class RejectionPage:
    """Some rejections, newest first, and the cursor of the next ones."""

    rejections: tuple[Rejection, ...]
    next_cursor: str | None


class RejectionStore:
    """Parked rows by tenant."""

    def __init__(self, table: Table, bucket: Bucket) -> None:
        """On the rejections table; large bodies go to the bucket."""
        self._table = table
        self._bucket = bucket

    def park(self, tenant: Tenant, rejections: Sequence[Rejection]) -> None:
        """Keep these rows; the same ones again change nothing."""
        for each in rejections:
            index = "-" if each.index is None else f"{each.index:05d}"
            key = Key(
                tenant.partition("rejections"),
                f"{sortable(each.arrived_at)}#{each.place}#{index}",
            )
            attributes: dict[str, Attribute] = {
                "place": each.place,
                "code": each.code,
                "detail": each.detail[:1000],
                "pointer": each.pointer[:500],
                "raw": each.raw[:INLINE_BYTES],
                "arrived_at": each.arrived_at.astimezone(UTC).isoformat(),
                EXPIRES_AT: int((each.arrived_at + KEPT).timestamp()),
            }
            if each.index is not None:
                attributes["index"] = each.index
            if len(each.raw) > INLINE_BYTES:
                name = f"rejections/{tenant.id}/{key.sk.replace('#', '/')}"
                self._bucket.put(name, each.raw)
                attributes["stored_as"] = name
            self._table.put(Item(key, attributes))

    def page(self, tenant: Tenant, *, limit: int, cursor: str | None) -> RejectionPage:
        """Up to ``limit`` rows, newest first."""
        partition = tenant.partition("rejections")
        page = self._table.query(
            partition, limit=limit, after=open_cursor(partition, cursor), descending=True
        )
        return RejectionPage(tuple(_read(item) for item in page.items), seal(partition, page.next))

    def count_since(self, tenant: Tenant, since: datetime, *, most: int) -> int:
        """How many rows were parked since then; counting stops at ``most``."""
        page = self._table.query(
            tenant.partition("rejections"), sort=Sort(at_least=sortable(since)), limit=most
        )
        return len(page.items)


def _read(item: Item) -> Rejection:
    return Rejection(
        place=item.text("place"),
        index=item.number("index") if "index" in item.attributes else None,
        code=item.text("code"),
        detail=item.text("detail"),
        pointer=item.text("pointer"),
        raw=item.raw("raw"),
        arrived_at=datetime.fromisoformat(item.text("arrived_at")),
        stored_as=item.text("stored_as") if "stored_as" in item.attributes else None,
    )
