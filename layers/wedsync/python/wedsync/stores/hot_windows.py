"""The minutes that still change: what counts each point once.

Key: ``tenant#pack#minute / slot#chain``. An item holds the frames merged so far and what they
amount to, and both change in one conditional write. The slot comes from when a frame was created,
so every copy of it meets the same item: whatever is retried, re-cut or redelivered, a frame that
is in ``ids`` changes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from wedsync.cloud import Absent, Attribute, ConditionFailed, Equals, Item, Key, Sort, Table
from wedsync.cloud.paging import every
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import TooMuchContention
from wedsync.metrics.block import Block
from wedsync.metrics.chain import SEAL_BYTES, content_bytes, joined_ids, merge_after
from wedsync.metrics.fold import SlotContent, SlotKey, SlotMerge, SlotRows
from wedsync.stores.tokens import Tokens, packed_tokens, tokens_of
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=48)
TOLD_MINUTES = 15
"""How long it is told that points came late, and that copies came."""
TRIES = 64


Counts: TypeAlias = tuple[tuple[int, int], ...]
"""How many of something there were, by clock minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotItem:
    """One item as it is stored. ``place`` is its slot and its number in the slot's chain.

    ``late_in`` counts late points, as sent, by the clock minute in which they were merged, and
    ``copied_in`` copies likewise, but none before the item's own minute; both reach back a quarter
    of an hour. ``owed`` names the records that brought something for which they are to be judged.
    """

    place: str
    version: int
    content: SlotContent
    late_in: Counts = ()
    copied_in: Counts = ()
    owed: Tokens = frozenset()

    def on_time(self) -> Block:
        """What arrived in time for every window."""
        return Block.decode(self.content.on_time)

    def late(self) -> Block:
        """What changes the hour and the day alone."""
        return Block.decode(self.content.late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What merging a share did, and the item that holds its new points (or would have).

    ``totals`` are the tenant's of this item, on time and late. ``sealed`` are the full items of
    its chain: they hold what the share brought before. ``debts`` are the records for which any of
    the share is to be judged, whether it was new or not.
    """

    key: SlotKey
    item: HotItem
    totals: tuple[bytes, bytes]
    sealed: tuple[HotItem, ...] = ()
    debts: Tokens = frozenset()
    accepted: int
    late: int
    duplicates: int

    @property
    def items(self) -> tuple[HotItem, ...]:
        """The whole chain."""
        return *self.sealed, self.item


@dataclass(slots=True)
class _Pending:
    """A share on its way into the open item of its chain, and what is known of that."""

    rows: SlotRows
    sealed: list[HotItem] = field(default_factory=list)
    sealed_ids: bytes = b""
    existing: HotItem | None = None

    @property
    def place(self) -> str:
        """The sort key of the item that comes next."""
        return f"{self.rows.key.slot:012d}#{len(self.sealed):03d}"

    @property
    def content(self) -> SlotContent | None:
        """What that item holds, where it has been met."""
        return None if self.existing is None else self.existing.content

    def pass_on(self, sealed: HotItem) -> None:
        """Go on to the next item: this one is sealed."""
        self.sealed.append(sealed)
        self.sealed_ids = joined_ids(self.sealed_ids, sealed.content.ids)
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
                item, full = _next(each, outcome, now)
                if item is None:
                    too_large.append(each.rows)
                elif self._tried(each, item, full=full, now=now):
                    merged.append(_merged(each, item, outcome))
                else:
                    left.append(each)
            pending = left
        if pending:
            raise TooMuchContention
        return merged, too_large

    def _tried(self, each: _Pending, item: HotItem, *, full: bool, now: datetime) -> bool:
        """Whether this write ends it; if not, it is to be tried again from where it is."""
        try:
            self._put(each.rows.key, item, sealed=full, now=now)
        except ConditionFailed as conflict:
            standing = conflict.current
            if standing is not None and standing.number("sealed"):
                each.pass_on(_read(standing))
            else:
                each.existing = None if standing is None else _read(standing)
            return False
        if full:
            each.pass_on(item)
        return not full

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
        return tuple(map(_read, every(self._table, partition, sort=sort)))

    def _put(self, key: SlotKey, item: HotItem, *, sealed: bool, now: datetime) -> None:
        content = item.content
        attributes: dict[str, Attribute] = {
            "ids": content.ids,
            "on_time": content.on_time,
            "late": content.late,
            "duplicates": content.duplicates,
            "points_on_time": content.points_on_time,
            "points_late": content.points_late,
            "sent_on_time": content.sent_on_time,
            "sent_late": content.sent_late,
            "newest_ms": content.newest_ms,
            "version": item.version,
            "sealed": int(sealed),
            EXPIRES_AT: int((now + KEPT).timestamp()),
        }
        if item.late_in:
            attributes["late_in"] = json.dumps(item.late_in)
        if item.copied_in:
            attributes["copied_in"] = json.dumps(item.copied_in)
        if item.owed:
            attributes["owed"] = packed_tokens(item.owed)
        self._table.put(
            Item(Key(Tenant(key.tenant).partition(key.pack, key.minute), item.place), attributes),
            when=Absent() if item.version == 1 else Equals("version", item.version - 1),
        )


def _next(each: _Pending, outcome: SlotMerge, now: datetime) -> tuple[HotItem | None, bool]:
    """What to write, and whether it seals the item; nothing where the share fits no item."""
    existing = each.existing
    owed = outcome.owed if existing is None else outcome.owed | existing.owed
    version = 1 if existing is None else existing.version + 1
    if content_bytes(outcome.content) + len(packed_tokens(owed)) > SEAL_BYTES:
        return (None if existing is None else replace(existing, version=version)), True
    minute = int(now.timestamp()) // 60
    told_in = max(minute, each.rows.key.minute)
    item = HotItem(
        place=each.place,
        version=version,
        content=outcome.content,
        late_in=_counted(() if existing is None else existing.late_in, outcome.late, minute),
        copied_in=_counted(
            () if existing is None else existing.copied_in, outcome.duplicates, told_in
        ),
        owed=owed,
    )
    return item, False


def _merged(each: _Pending, item: HotItem, outcome: SlotMerge) -> Merged:
    return Merged(
        key=each.rows.key,
        item=item,
        totals=outcome.totals(),
        sealed=tuple(each.sealed),
        debts=each.rows.debts,
        accepted=outcome.accepted,
        late=outcome.late,
        duplicates=outcome.duplicates,
    )


def _counted(before: Counts, more: int, minute: int) -> Counts:
    """With so many more in this minute, and without what is too long ago to be told."""
    counted = dict(before)
    if more:
        counted[minute] = counted.get(minute, 0) + more
    return tuple(sorted((at, count) for at, count in counted.items() if at > minute - TOLD_MINUTES))


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
            newest_ms=item.number("newest_ms"),
        ),
        late_in=_counts(item, "late_in"),
        copied_in=_counts(item, "copied_in"),
        owed=tokens_of(item.raw("owed")),
    )


def _counts(item: Item, name: str) -> Counts:
    return tuple(map(tuple, json.loads(item.text(name)))) if name in item.attributes else ()
