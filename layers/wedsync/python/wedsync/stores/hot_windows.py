"""The minutes that still change: what counts each point once.

Key: ``tenant#pack#minute / slot#chain``. An item holds the frames merged so far and what they
amount to, and both change in one conditional write. The slot comes from when a frame was created,
so every copy of it meets the same item: whatever is retried, re-cut or redelivered, a frame that
is in ``ids`` changes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from wedsync.cloud import Absent, Attribute, ConditionFailed, Equals, Item, Key, Sort, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import TooMuchContention
from wedsync.metrics.block import Block
from wedsync.metrics.chain import SEAL_BYTES, content_bytes, joined_ids, merge_after
from wedsync.metrics.fold import SlotContent, SlotKey, SlotRows
from wedsync.stores.tokens import Tokens, packed_tokens, tokens_of
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=48)
LATE_TOLD_MINUTES = 15
"""How long it is told that points came late."""
TRIES = 64
NOTHING_OWED: Mapping[int, int] = MappingProxyType({})


class ShareTooLarge(Exception):
    """A batch's share fits no item, not even an empty one: merge it in parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotItem:
    """One item as it is stored. ``place`` is its slot and its number in the slot's chain.

    ``late_in`` counts late points, as sent, by the clock minute in which they were merged; it
    reaches back a quarter of an hour. ``owed`` names the records that brought something for
    which they are to be judged.
    """

    place: str
    version: int
    content: SlotContent
    late_in: tuple[tuple[int, int], ...] = ()
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

    ``sealed`` are the full items of its chain: they hold what the share brought before.
    """

    key: SlotKey
    item: HotItem
    sealed: tuple[HotItem, ...] = ()
    accepted: int
    late: int
    duplicates: int

    @property
    def items(self) -> tuple[HotItem, ...]:
        """The whole chain."""
        return *self.sealed, self.item


class HotWindowStore:
    """Hot items by tenant, pack, minute and slot."""

    def __init__(self, table: Table) -> None:
        """On the hot windows table."""
        self._table = table

    def merge(
        self, rows: SlotRows, *, now: datetime, owed: Mapping[int, int] = NOTHING_OWED
    ) -> Merged:
        """Merge a share, each frame once. Raises ShareTooLarge; TooMuchContention.

        In the common case, a new slot, this is one write and no read. ``owed`` names the record
        of each frame for which it is to be judged, should the frame be new.
        """
        key = rows.key
        sealed: list[HotItem] = []
        sealed_ids = b""
        existing: HotItem | None = None
        for _ in range(TRIES):
            place = f"{key.slot:012d}#{len(sealed):03d}"
            if existing is not None and existing.place != place:
                existing = None
            before = existing.content if existing is not None else None
            merged = merge_after(sealed_ids, before, rows)
            owing = existing.owed if existing is not None else frozenset()
            owing |= {owed[frame] for frame in merged.new_ids if frame in owed}
            full = content_bytes(merged.content) + len(packed_tokens(owing)) > SEAL_BYTES
            if full and existing is None:
                raise ShareTooLarge
            version = existing.version if existing is not None else 0
            seal = full and existing is not None
            if existing is not None and seal:
                item = replace(existing, version=version + 1)
            else:
                item = HotItem(
                    place=place,
                    version=version + 1,
                    content=merged.content,
                    late_in=_with_late(existing, merged.late, now),
                    owed=owing,
                )
            try:
                self._put(key, item, sealed=seal, now=now)
            except ConditionFailed as conflict:
                standing = conflict.current
                if standing is None:
                    existing = None
                elif standing.number("sealed"):
                    sealed.append(_read(standing))
                    sealed_ids = joined_ids(sealed_ids, standing.raw("ids"))
                else:
                    existing = _read(standing)
                continue
            if seal:
                sealed.append(item)
                sealed_ids = joined_ids(sealed_ids, item.content.ids)
                continue
            return Merged(
                key=key,
                item=item,
                sealed=tuple(sealed),
                accepted=merged.accepted,
                late=merged.late,
                duplicates=merged.duplicates,
            )
        raise TooMuchContention

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
            "version": item.version,
            "sealed": int(sealed),
            EXPIRES_AT: int((now + KEPT).timestamp()),
        }
        if item.late_in:
            attributes["late_in"] = json.dumps(item.late_in)
        if item.owed:
            attributes["owed"] = packed_tokens(item.owed)
        self._table.put(
            Item(Key(Tenant(key.tenant).partition(key.pack, key.minute), item.place), attributes),
            when=Absent() if item.version == 1 else Equals("version", item.version - 1),
        )


def _with_late(existing: HotItem | None, late: int, now: datetime) -> tuple[tuple[int, int], ...]:
    minute = int(now.timestamp()) // 60
    counted = dict(existing.late_in) if existing is not None else {}
    if late:
        counted[minute] = counted.get(minute, 0) + late
    return tuple(
        sorted((at, count) for at, count in counted.items() if at > minute - LATE_TOLD_MINUTES)
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
        late_in=tuple(map(tuple, json.loads(item.text("late_in"))))
        if "late_in" in item.attributes
        else (),
        owed=tokens_of(item.raw("owed")),
    )
