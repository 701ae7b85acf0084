"""The minutes that still change: what counts each point once.

Key: ``tenant#pack#minute / slot#chain``. An item holds the frames merged so far and what they
amount to, and both change in one conditional write. The slot comes from when a frame was created,
so every copy of it meets the same item: whatever is retried, re-cut or redelivered, a frame that
is in ``ids`` changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.cloud import Absent, Attribute, ConditionFailed, Equals, Item, Key, Sort, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import TooMuchContention
from wedsync.metrics.block import Block
from wedsync.metrics.chain import SEAL_BYTES, content_bytes, joined_ids, merge_after
from wedsync.metrics.fold import SlotContent, SlotKey, SlotMerge, SlotRows
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=48)
TRIES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class HotItem:
    """One item as it is stored. ``place`` is its slot and its number in the slot's chain."""

    place: str
    version: int
    content: SlotContent

    def on_time(self) -> Block:
        """What arrived in time for every window."""
        return Block.decode(self.content.on_time)

    def late(self) -> Block:
        """What changes the hour and the day alone."""
        return Block.decode(self.content.late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What merging a share did, and the item that holds its new points (or would have).

    ``totals`` are the tenant's of this item, on time and late.
    """

    key: SlotKey
    item: HotItem
    totals: tuple[bytes, bytes]
    accepted: int
    late: int
    duplicates: int


@dataclass(slots=True)
class _Pending:
    """A share on its way into the open item of its chain, and what is known of that."""

    rows: SlotRows
    sealed_ids: bytes = b""
    chain: int = 0
    existing: HotItem | None = None

    @property
    def place(self) -> str:
        """The sort key of the item that comes next."""
        return f"{self.rows.key.slot:012d}#{self.chain:03d}"

    @property
    def content(self) -> SlotContent | None:
        """What that item holds, where it has been met."""
        return None if self.existing is None else self.existing.content

    def pass_on(self, sealed_ids: bytes) -> None:
        """Go on to the next item: this one is sealed."""
        self.sealed_ids = joined_ids(self.sealed_ids, sealed_ids)
        self.chain += 1
        self.existing = None


class HotWindowStore:
    """Hot items by tenant, pack, minute and slot."""

    def __init__(self, table: Table) -> None:
        """On the hot windows table."""
        self._table = table

    def merge(
        self, shares: Sequence[SlotRows], *, now: datetime
    ) -> tuple[list[Merged], list[SlotRows]]:
        """Merge every share into its item, each frame once; and the shares that fit no item.

        In the common case, a new slot, a share costs one write and no read. What meets items that
        are there is merged together and tried again. Raises TooMuchContention.
        """
        merged: list[Merged] = []
        too_large: list[SlotRows] = []
        pending = [_Pending(share) for share in shares]
        for _ in range(TRIES):
            if not pending:
                return merged, too_large
            outcomes = merge_after([(each.sealed_ids, each.content, each.rows) for each in pending])
            left = []
            for each, outcome in zip(pending, outcomes, strict=True):
                if each.existing is None and content_bytes(outcome.content) > SEAL_BYTES:
                    too_large.append(each.rows)
                elif (done := self._tried(each, outcome, now=now)) is not None:
                    merged.append(done)
                else:
                    left.append(each)
            pending = left
        if pending:
            raise TooMuchContention
        return merged, too_large

    def _tried(self, each: "_Pending", outcome: SlotMerge, *, now: datetime) -> Merged | None:
        """What one conditional write did; ``None`` if it is to be tried again, from where it is."""
        key, existing, place = each.rows.key, each.existing, each.place
        version = existing.version if existing is not None else 0
        full = existing is not None and content_bytes(outcome.content) > SEAL_BYTES
        content = existing.content if existing is not None and full else outcome.content
        try:
            self._put(key, place, content, version=version + 1, sealed=full, now=now)
        except ConditionFailed as conflict:
            standing = conflict.current
            if standing is not None and standing.number("sealed"):
                each.pass_on(standing.raw("ids"))
            else:
                each.existing = None if standing is None else _read(standing)
            return None
        if full:
            each.pass_on(content.ids)
            return None
        return Merged(
            key=key,
            item=HotItem(place=place, version=version + 1, content=content),
            totals=outcome.totals(),
            accepted=outcome.accepted,
            late=outcome.late,
            duplicates=outcome.duplicates,
        )

    def minute(self, tenant: Tenant, pack: int, minute: int) -> tuple[HotItem, ...]:
        """Every item of one pack and minute, by a consistent read."""
        return self._items(tenant.partition(pack, minute), Sort())

    def known_ids(self, key: SlotKey) -> bytes:
        """The frames that an item's chain has merged, sorted."""
        items = self._items(
            Tenant(key.tenant).partition(key.pack, key.minute),
            Sort(begins_with=f"{key.slot:012d}#"),
        )
        return joined_ids(*(item.content.ids for item in items))

    def _items(self, partition: str, sort: Sort) -> tuple[HotItem, ...]:
        found: list[HotItem] = []
        after = None
        while True:
            page = self._table.query(partition, sort=sort, after=after)
            found += [_read(item) for item in page.items]
            if (after := page.next) is None:
                return tuple(found)

    def _put(
        self,
        key: SlotKey,
        place: str,
        content: SlotContent,
        *,
        version: int,
        sealed: bool,
        now: datetime,
    ) -> None:
        attributes: dict[str, Attribute] = {
            "ids": content.ids,
            "on_time": content.on_time,
            "late": content.late,
            "duplicates": content.duplicates,
            "points_on_time": content.points_on_time,
            "points_late": content.points_late,
            "sent_on_time": content.sent_on_time,
            "sent_late": content.sent_late,
            "version": version,
            "sealed": int(sealed),
            EXPIRES_AT: int((now + KEPT).timestamp()),
        }
        self._table.put(
            Item(Key(Tenant(key.tenant).partition(key.pack, key.minute), place), attributes),
            when=Absent() if version == 1 else Equals("version", version - 1),
        )


def _read(item: Item) -> HotItem:
    return HotItem(
        place=item.key.sk,
        version=item.number("version"),
        content=SlotContent(
            ids=item.raw("ids"),
            on_time=item.raw("on_time"),
            late=item.raw("late"),
            duplicates=item.number("duplicates"),
            points_on_time=item.number("points_on_time"),
            points_late=item.number("points_late"),
            sent_on_time=item.number("sent_on_time"),
            sent_late=item.number("sent_late"),
        ),
    )
