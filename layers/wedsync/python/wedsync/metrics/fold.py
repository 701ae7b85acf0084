"""From a batch of accepted points to the items they change, each point counted once.

An item belongs to (tenant, pack, minute of the window, slot), where the slot comes from when
the frame was created and not from when it arrived: so every copy of a frame meets the same
item, for ever, and finds its id there. Folding is one pass over the batch; only where an item
knows some of its frames already is its share folded again.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from wedsync.metrics.block import merge_stacks, parted, totals_of
from wedsync.metrics.blockcodec import Encoded, decode_all, is_several, joined, parts_of
from wedsync.metrics.columns import MADE, Columns
from wedsync.metrics.histogram import Bools, Ints, Words, as_set, by_small, dense_ids, distinct
from wedsync.metrics.lanes import Lanes, fold_lanes
from wedsync.metrics.stack import Stack

MINUTE_MS = 60_000
SLOT_MS = 10_000
MOST_BLOCKS = 4
"""So many blocks stand beside each other in an item before they are made one."""
CROWDED_BYTES = 100_000
"""What holds more than this in several blocks is made one: each would name its texts anew."""

Packs = Callable[[str, int], int]
"""How many packs a tenant has for frames that were created at this time (ms)."""
KeepSeconds = Callable[[str], Collection[str]]
"""The weddings of a tenant that are kept by the second."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SlotKey:
    """Which item: minute and slot are epoch ms divided by 60,000 and 10,000."""

    tenant: str
    pack: int
    minute: int
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotContent:
    """What an item holds: the frames merged so far (sorted, 64 bits each) and their blocks.

    ``on_time`` and ``late`` are each a block, or several that amount to one, with the tenant's
    totals in blocks of their own. ``points_*`` count observations; ``sent_*`` and ``duplicates``
    count points as they were sent. ``newest_ms`` is the time of the newest point that came on time,
    0 where none did.
    """

    ids: bytes = b""
    on_time: bytes = b""
    late: bytes = b""
    duplicates: int = 0
    points_on_time: int = 0
    points_late: int = 0
    sent_on_time: int = 0
    sent_late: int = 0
    newest_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMerge:
    """What merging did. ``accepted`` (``late`` among them) and ``duplicates`` count sent points.

    ``owed`` are the records for which what is new is to be judged.
    """

    content: SlotContent
    accepted: int
    late: int
    duplicates: int
    owed: frozenset[int]
    encoded: tuple[Encoded, int] | None = field(repr=False, compare=False)

    def totals(self) -> tuple[bytes, bytes]:
        """The tenant's totals of the item, on time and late."""
        on_time, late = (
            self._totals(data, half)
            for half, data in enumerate((self.content.on_time, self.content.late))
        )
        return on_time, late

    def _totals(self, data: bytes, half: int) -> bytes:
        if self.encoded is None or is_several(data):
            return totals_of(data)
        encoded, lane = self.encoded
        return encoded.totals_of(lane + half)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotRows:
    """A batch's share of one item. ``number`` is its place among the batch's items."""

    key: SlotKey
    columns: Columns
    lanes: Lanes
    number: int
    rows: Ints
    copied: Ints

    def all_rows(self) -> Ints:
        """Every row of the batch that falls into this item, copies included."""
        every = np.concatenate((self.rows, self.copied))
        every.sort()
        return every

    @property
    def debts(self) -> frozenset[int]:
        """The records for which any of it is to be judged, copies included."""
        return self.columns.debts(self.rows) | self.columns.debts(self.copied)

    @property
    def repeated(self) -> int:
        """How many points were copies of others of the batch."""
        return self.columns.sent(self.copied)

    @property
    def points(self) -> int:
        """How many points as they were sent, copies included."""
        return self.columns.sent(self.rows) + self.repeated


def never(_tenant: str) -> frozenset[str]:
    """Keep no wedding by the second."""
    return frozenset()


def slots(columns: Columns, *, packs: Packs, keep_seconds: KeepSeconds = never) -> list[SlotRows]:
    """The batch cut by item, in the order of the keys, copies within the batch set aside."""
    if not len(columns):
        return []
    keys, number = _keys(columns, packs)
    fresh = _first_copies(columns, number)
    second = _kept_seconds(columns, keep_seconds)
    lane = number * 2 + columns.late
    copied = np.empty(0, np.int64)
    if fresh is None:
        kept = None
        order = by_small(number, len(keys))
    else:
        kept = np.flatnonzero(fresh)
        copied = np.flatnonzero(~fresh)
        copied = copied[by_small(number[copied], len(keys))]
        order = kept[by_small(number[kept], len(keys))]
        lane = lane[kept]
        second = None if second is None else second[kept]
    lanes = fold_lanes(columns, kept, lane, second, 2 * len(keys))
    bounds = np.searchsorted(number[order], np.arange(len(keys) + 1)).tolist()
    again = np.searchsorted(number[copied], np.arange(len(keys) + 1)).tolist()
    return [
        SlotRows(
            key=key,
            columns=columns,
            lanes=lanes,
            number=at,
            rows=order[bounds[at] : bounds[at + 1]],
            copied=copied[again[at] : again[at + 1]],
        )
        for at, key in enumerate(keys)
    ]


def copies(columns: Columns, *, packs: Packs, known: Callable[[SlotKey], bytes]) -> Bools:
    """Which rows are copies, of others of this batch or of what items know.

    ``known`` tells an item's frames. Only for those that their sender named is it asked: others
    are new.
    """
    keys, number = _keys(columns, packs)
    fresh = _first_copies(columns, number)
    copied = np.zeros(len(columns), np.bool_) if fresh is None else ~fresh
    named = (columns.frame_kind != MADE)[columns.frame]
    for at in distinct(number[named]).tolist():
        rows = np.flatnonzero(named & (number == at))
        ids = columns.frame_id[columns.frame[rows]]
        copied[rows] |= np.isin(ids, np.frombuffer(known(keys[at]), "<u8"))
    return copied


def merge_rows(existing: SlotContent | None, rows: SlotRows) -> SlotMerge:
    """Merge a share into what the item holds; frames that it knows change nothing.

    What the outcome amounts to depends only on the set of frames merged so far, whatever the
    order, the copies and the cuts of the batches that brought them.
    """
    (merge,) = merge_many([(existing, rows)])
    return merge


def merge_many(shares: Sequence[tuple[SlotContent | None, SlotRows]]) -> list[SlotMerge]:
    """Merge each share into what its item holds, all at a go.

    Small blocks are made one. Beside a large one, what is new is put in a block of its own, until
    there are many.
    """
    news = [_News.of(existing or SlotContent(), rows) for existing, rows in shares]
    crowded = [each for each in news if each.crowded]
    whole = Encoded(_together(crowded)) if crowded else None
    lane_of = {id(each): 2 * number for number, each in enumerate(crowded)}
    return [each.merged(whole, lane_of.get(id(each))) for each in news]


def _together(news: Sequence["_News"]) -> Stack:
    """What the items hold and what is new of each, two lanes for each of these."""
    held = [
        (data, 2 * number + half)
        for number, each in enumerate(news)
        for half, data in enumerate((each.before.on_time, each.before.late))
        if data
    ]
    lane_of = np.array([lane for _, lane in held], np.int64)
    stacks = decode_all([data for data, _ in held])
    parts = [(stack, lane_of[blocks]) for stack, blocks in stacks]
    whole: dict[int, tuple[Lanes, Ints]] = {}
    for number, each in enumerate(news):
        lanes, lane = each.lanes
        _, to = whole.setdefault(
            id(lanes), (lanes, np.full(len(lanes.stack.minutes), -1, np.int64))
        )
        to[lane : lane + 2] = 2 * number, 2 * number + 1
    parts += [(lanes.stack, to) for lanes, to in whole.values()]
    return merge_stacks(parts, lanes=2 * len(news))


@dataclass(frozen=True, kw_only=True, eq=False)
class _News:
    """What a share brings that its item does not know. ``rows`` are the new ones."""

    before: SlotContent
    share: SlotRows
    known: Words
    rows: Ints
    duplicates: int

    @classmethod
    def of(cls, before: SlotContent, share: SlotRows) -> "_News":
        """Tell the frames that the item knows."""
        columns, rows, duplicates = share.columns, share.rows, share.repeated
        known = np.frombuffer(before.ids, "<u8").astype(np.uint64)
        if len(known):
            old = np.isin(columns.frame_id, known)[columns.frame[rows]]
            if old.any():
                duplicates += columns.sent(rows[old])
                rows = rows[~old]
        return cls(before=before, share=share, known=known, rows=rows, duplicates=duplicates)

    @property
    def crowded(self) -> bool:
        """Whether new rows meet small blocks, so many, or so large ones, that all are made one."""
        if not len(self.rows):
            return False
        held = self.before.on_time, self.before.late
        if not any(held):
            return False
        parts = [sum(not part.totals for part in parts_of(data)) for data in held]
        small = not any(map(is_several, held))
        return small or max(parts) >= MOST_BLOCKS or sum(map(len, held)) > CROWDED_BYTES

    @cached_property
    def lanes(self) -> tuple[Lanes, int]:
        """Where the new rows lie folded, and in which lane those that were on time."""
        lanes = self.share.lanes
        if len(self.rows) == len(self.share.rows):
            return lanes, 2 * self.share.number
        columns = self.share.columns
        late = columns.late[self.rows].astype(np.int64)
        return fold_lanes(columns, self.rows, late, lanes.second_of(self.rows), 2), 0

    def merged(self, whole: Encoded | None, lane: int | None) -> SlotMerge:
        """The item with what is new; ``whole`` holds both in this lane, where they are made one."""
        columns, before = self.share.columns, self.before
        is_late = columns.late[self.rows]
        of_time, of_late = self.rows, self.rows[:0]
        if is_late.any():
            of_time, of_late = self.rows[~is_late], self.rows[is_late]
        sent, sent_late = columns.sent(of_time), columns.sent(of_late)
        on_time, late, encoded = before.on_time, before.late, None
        if whole is not None and lane is not None:
            on_time, late, encoded = whole.value_of(lane), whole.value_of(lane + 1), (whole, lane)
        elif len(self.rows):
            lanes, lane = self.lanes
            if not (on_time or late):
                encoded = (lanes.encoded, lane)
            on_time = _added(on_time, lanes.encoded, lane)
            late = _added(late, lanes.encoded, lane + 1)
        new_ids = columns.frame_id[distinct(columns.frame[self.rows])]
        content = SlotContent(
            ids=as_set(self.known, new_ids).astype("<u8").tobytes(),
            on_time=on_time,
            late=late,
            duplicates=before.duplicates + self.duplicates,
            points_on_time=before.points_on_time + columns.observed(of_time),
            points_late=before.points_late + columns.observed(of_late),
            sent_on_time=before.sent_on_time + sent,
            sent_late=before.sent_late + sent_late,
            newest_ms=int(columns.ts_ms[of_time].max(initial=before.newest_ms)),
        )
        return SlotMerge(
            content=content,
            encoded=encoded,
            accepted=sent + sent_late,
            late=sent_late,
            duplicates=self.duplicates,
            owed=columns.debts(self.rows),
        )


def _added(held: bytes, new: Encoded, lane: int) -> bytes:
    """What is held with a block beside it."""
    if not held:
        return new.value_of(lane)
    return joined([*parted(held), *new.parts_of(lane)])


def _keys(columns: Columns, packs: Packs) -> tuple[list[SlotKey], Ints]:
    """The distinct items in order, and the number of each row's."""
    tenant = columns.tenant
    slot = columns.created_at_ms // SLOT_MS
    pack = _pack_of(columns, tenant, slot, packs)
    minute = columns.ts_ms // MINUTE_MS
    first, number = dense_ids(tenant, pack, minute, slot)
    members = (tenant[first], pack[first], minute[first], slot[first])
    keys = [
        SlotKey(tenant=columns.tenants[each], pack=which, minute=when, slot=created)
        for each, which, when, created in zip(*(m.tolist() for m in members), strict=True)
    ]
    return keys, number


def _pack_of(columns: Columns, tenant: Ints, slot: Ints, packs: Packs) -> Ints:
    """The pack of each row among those that its tenant had when its frame was created."""
    first, when = dense_ids(tenant, slot)
    counts = [
        packs(columns.tenants[each], at * SLOT_MS)
        for each, at in zip(tenant[first].tolist(), slot[first].tolist(), strict=True)
    ]
    if not all(counts):
        raise ValueError("a tenant has at least one pack")
    hashes = columns.names.place_hash
    if len(set(counts)) == 1:
        pack: Ints = (hashes % np.uint64(counts[0])).astype(np.int64)[columns.place]
        return pack
    of_row = hashes[columns.place] % np.array(counts, np.uint64)[when]
    return of_row.astype(np.int64)


def _first_copies(columns: Columns, number: Ints) -> Bools | None:
    """Which rows are of the first copy of their frame that this batch brings to their item.

    None stands for all: no frame came twice.
    """
    frames, frame = np.unique(columns.frame_id, return_inverse=True)
    if len(frames) == len(columns.frame_id):
        return None
    _, pair = dense_ids(frame[columns.frame], number)
    copy = columns.frame_copy[columns.frame]
    earliest = np.full(int(pair.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(earliest, pair, copy)
    fresh: Bools = copy == earliest[pair]
    return fresh


def _kept_seconds(columns: Columns, keep_seconds: KeepSeconds) -> Ints | None:
    """The second of the minute for rows of weddings that are kept so, else -1; None: none is."""
    kept_of = {number: keep_seconds(tenant) for number, tenant in enumerate(columns.tenants)}
    if not any(kept_of.values()):
        return None
    names, tenant = columns.names, columns.tenant
    wedding = names.place_wedding
    first, pair = dense_ids(tenant, columns.place)
    kept = np.array(
        [
            wedding[place] >= 0 and names.texts[wedding[place]] in kept_of[each]
            for each, place in zip(
                tenant[first].tolist(), columns.place[first].tolist(), strict=True
            )
        ],
        np.bool_,
    )
    return np.where(kept[pair], columns.ts_ms // 1000 % 60, -1) if kept.any() else None
