"""From a batch of accepted points to the items they change, each point counted once.

An item belongs to (tenant, pack, minute of the window, slot), where the slot comes from when
the frame was created and not from when it arrived: so every copy of a frame meets the same
item, for ever, and finds its id there. Folding is one pass over the batch; only where an item
knows some of its frames already is its share folded again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wedsync.metrics.block import Block
from wedsync.metrics.columns import Columns
from wedsync.metrics.histogram import Bools, Ints, Words, dense_ids
from wedsync.metrics.lanes import Lanes, fold_lanes
from wedsync.metrics.series import pack_of

MINUTE_MS = 60_000
SLOT_MS = 10_000

Packs = Callable[[str, int], int]
"""How many packs a tenant has for frames that were created at this time (ms)."""
KeepSeconds = Callable[[str, str], bool]
"""Whether one tenant's wedding is kept by the second."""


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

    ``points_*`` count observations; ``sent_*`` and ``duplicates`` count points as they were sent.
    """

    ids: bytes = b""
    on_time: bytes = b""
    late: bytes = b""
    duplicates: int = 0
    points_on_time: int = 0
    points_late: int = 0
    sent_on_time: int = 0
    sent_late: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMerge:
    """What merging did. ``accepted`` (``late`` among them) and ``duplicates`` count sent points.

    When nothing is new, ``changed`` is false: writing would tell only of more duplicates.
    """

    content: SlotContent
    accepted: int
    late: int
    duplicates: int
    changed: bool
    new_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotRows:
    """A batch's share of one item. ``number`` is its place among the batch's items."""

    key: SlotKey
    columns: Columns
    lanes: Lanes
    number: int
    rows: Ints
    repeated: int

    @property
    def points(self) -> int:
        """How many points as they were sent, copies included."""
        return int(self.columns.first[self.rows].sum()) + self.repeated


def never(_tenant: str, _wedding_id: str) -> bool:
    """Keep no wedding by the second."""
    return False


def slots(columns: Columns, *, packs: Packs, keep_seconds: KeepSeconds = never) -> list[SlotRows]:
    """The batch cut by item, in the order of the keys, copies within the batch set aside."""
    if not len(columns):
        return []
    keys, number = _keys(columns, packs)
    fresh = _first_copies(columns, number)
    second = _kept_seconds(columns, keep_seconds)
    lane = number * 2 + columns.late
    kept = np.flatnonzero(fresh)
    lanes = fold_lanes(columns, kept, lane[kept], second[kept])
    repeated = np.bincount(number[~fresh & columns.first], minlength=len(keys))
    kept = kept[np.argsort(number[kept], kind="stable")]
    shares = np.split(kept, np.searchsorted(number[kept], np.arange(1, len(keys))))
    return [
        SlotRows(
            key=key,
            columns=columns,
            lanes=lanes,
            number=at,
            rows=shares[at],
            repeated=int(repeated[at]),
        )
        for at, key in enumerate(keys)
    ]


def merge_rows(existing: SlotContent | None, rows: SlotRows) -> SlotMerge:
    """Merge a share into what the item holds; frames that it knows change nothing.

    The outcome depends only on the set of frames merged so far, whatever the order, the
    copies and the cuts of the batches that brought them.
    """
    before = SlotContent() if existing is None else existing
    columns = rows.columns
    known = np.frombuffer(before.ids, "<u8").astype(np.uint64)
    frames = columns.frame[rows.rows]
    old = np.isin(frames, known)
    if old.any():
        new_rows = rows.rows[~old]
        on_time, late = _refolded(rows, new_rows)
    else:
        new_rows = rows.rows
        on_time, late = (rows.lanes.block(rows.number * 2 + each) for each in (0, 1))
    first, is_late = columns.first[new_rows], columns.late[new_rows]
    weight = columns.weight[new_rows]
    duplicates = rows.repeated + int(columns.first[rows.rows[old]].sum())
    new_ids: Words = np.unique(columns.frame[new_rows])
    content = SlotContent(
        ids=np.union1d(known, new_ids).astype("<u8").tobytes(),
        on_time=_merged(before.on_time, on_time),
        late=_merged(before.late, late),
        duplicates=before.duplicates + duplicates,
        points_on_time=before.points_on_time + int(weight[~is_late].sum()),
        points_late=before.points_late + int(weight[is_late].sum()),
        sent_on_time=before.sent_on_time + int(first[~is_late].sum()),
        sent_late=before.sent_late + int(first[is_late].sum()),
    )
    return SlotMerge(
        content=content,
        accepted=int(first.sum()),
        late=int((first & is_late).sum()),
        duplicates=duplicates,
        changed=bool(len(new_ids)),
        new_ids=tuple(new_ids.tolist()),
    )


def _merged(held: bytes, block: Block) -> bytes:
    if not block:
        return held
    return Block.merge((Block.decode(held), block)).encode()


def _refolded(rows: SlotRows, new_rows: Ints) -> tuple[Block, Block]:
    """The two blocks of some rows of the share alone."""
    if not len(new_rows):
        return Block.empty(), Block.empty()
    lane = rows.columns.late[new_rows].astype(np.int64)
    lanes = fold_lanes(rows.columns, new_rows, lane, rows.lanes.second_of(new_rows))
    return lanes.block(0), lanes.block(1)


def _keys(columns: Columns, packs: Packs) -> tuple[list[SlotKey], Ints]:
    """The distinct items in order, and the number of each row's."""
    slot = columns.created_at_ms // SLOT_MS
    first, place = dense_ids(columns.tenant, slot, columns.pack_key)
    pack = np.array(
        [
            pack_of(columns.pack_keys[key], packs(columns.tenants[tenant], each * SLOT_MS))
            for tenant, each, key in zip(
                columns.tenant[first].tolist(),
                slot[first].tolist(),
                columns.pack_key[first].tolist(),
                strict=True,
            )
        ],
        np.int64,
    )[place]
    minute = columns.ts_ms // MINUTE_MS
    first, number = dense_ids(columns.tenant, pack, minute, slot)
    members = (columns.tenant[first], pack[first], minute[first], slot[first])
    keys = [
        SlotKey(tenant=columns.tenants[tenant], pack=each, minute=when, slot=created)
        for tenant, each, when, created in zip(*(m.tolist() for m in members), strict=True)
    ]
    return keys, number


def _first_copies(columns: Columns, number: Ints) -> Bools:
    """Which rows are of the first copy of their frame that this batch brings to their item."""
    frames, frame = np.unique(columns.frame, return_inverse=True)
    if len(frames) == len(columns):
        return np.ones(len(columns), np.bool_)
    _, pair = dense_ids(frame, number)
    earliest = np.full(int(pair.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(earliest, pair, columns.copy)
    fresh: Bools = columns.copy == earliest[pair]
    return fresh


def _kept_seconds(columns: Columns, keep_seconds: KeepSeconds) -> Ints:
    """The second of the minute for rows of weddings that are kept so, else -1."""
    wedding = columns.series_table.wedding[columns.series]
    first, pair = dense_ids(columns.tenant, wedding)
    kept = np.array(
        [
            each >= 0 and keep_seconds(columns.tenants[tenant], columns.strings[each])
            for tenant, each in zip(
                columns.tenant[first].tolist(), wedding[first].tolist(), strict=True
            )
        ],
        np.bool_,
    )
    return np.where(kept[pair], columns.ts_ms // 1000 % 60, -1)
