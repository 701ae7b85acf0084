"""A whole batch folded at once, and cut into the blocks of its lanes.

A lane is the on-time or the late half of one item. Everything is sorted by lane first, so
that a lane's share is a slice.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wedsync.metrics.blockcodec import Encoded
from wedsync.metrics.cells import WHOLE, fold
from wedsync.metrics.columns import ALONE, Columns
from wedsync.metrics.grid import GAUGE, Grid, Latest, latest_of
from wedsync.metrics.histogram import ByValue, Floats, Ints, Words, dense_ids, run_starts
from wedsync.metrics.lexicon import NONE
from wedsync.metrics.marks import (
    Happenings,
    Marks,
    Role,
    kept_happenings,
    kept_marks,
    no_happenings,
    no_marks,
    stack_marks,
)
from wedsync.metrics.stack import Stack

_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)
_UPPER = np.uint64(32)


@dataclass(frozen=True, eq=False)
class Lanes:
    """The folded batch: the blocks of all lanes, one after the other, over one table of strings.

    ``second`` is the kept second of each row of the batch.
    """

    stack: Stack
    second: Ints | None

    @cached_property
    def encoded(self) -> Encoded:
        """The bytes of every lane's block."""
        return Encoded(self.stack)

    def second_of(self, rows: Ints) -> Ints | None:
        """The kept second of these rows of the batch."""
        return None if self.second is None else self.second[rows]


def fold_lanes(
    columns: Columns, rows: Ints | None, lane: Ints, second: Ints | None, lanes: int
) -> Lanes:
    """Fold these rows of the batch (none: all), each into its lane.

    ``second`` is by row of the fold, where any is to be kept.
    """
    batch = _Batch.of(columns, rows, lane)
    minutes = np.zeros(lanes, np.int64)
    minutes[lane] = batch.ts_ms // 60_000
    marks, marks_lane = _marks(batch)
    happenings, happenings_lane = _happenings(batch)
    every_second = None
    if second is not None:
        every_second = np.full(len(columns), WHOLE, np.int64)
        every_second[slice(None) if rows is None else rows] = second
    series, series_lane = _grid(batch, total=False, second=WHOLE if second is None else second)
    overall, overall_lane = _grid(batch, total=True, second=batch.ts_ms // 1000 % 60)
    return Lanes(
        Stack(
            minutes=minutes,
            strings=batch.strings,
            series=series,
            series_lane=series_lane,
            overall=overall,
            overall_lane=overall_lane,
            marks=marks,
            marks_lane=marks_lane,
            happenings=happenings,
            happenings_lane=happenings_lane,
        ),
        every_second,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Batch:
    """The rows that are folded. ``rank`` gives each text's number in ``strings``, -1 for none."""

    columns: Columns
    strings: tuple[str, ...]
    rank: Ints
    guest_rank: Ints
    lane: Ints
    frame: Ints
    place: Ints
    measure: Ints
    ts_ms: Ints
    value: Floats
    weight: Ints | None
    by_value: ByValue
    rows: Ints | None

    @classmethod
    def of(cls, columns: Columns, rows: Ints | None, lane: Ints) -> "_Batch":
        strings, rank, guest_rank = _strings(columns)
        chosen = slice(None) if rows is None else rows
        value = columns.value[chosen]
        return cls(
            columns=columns,
            strings=strings,
            rank=rank,
            guest_rank=guest_rank,
            lane=lane,
            frame=columns.frame[chosen],
            place=columns.place[chosen],
            measure=columns.measure[chosen],
            ts_ms=columns.ts_ms[chosen],
            value=value,
            weight=None if columns.weight is None else columns.weight[chosen],
            by_value=ByValue.of(value),
            rows=rows,
        )

    def of_batch(self, picked: Ints) -> Ints:
        """The rows of the batch that these rows of the fold are."""
        return picked if self.rows is None else self.rows[picked]

    def frame_ids(self, picked: Ints) -> Words:
        """The frames that these rows came in."""
        return self.columns.frame_id[self.frame[picked]]


def _strings(columns: Columns) -> tuple[tuple[str, ...], Ints, Ints]:
    """All texts in order, and the place of each in it: of the names', and of the guests'."""
    names, guests = columns.names, columns.guests
    none = np.array([NONE])
    if guests is None or not guests.texts:
        order = names.text_order.tolist()
        return tuple(map(names.texts.__getitem__, order)), names.text_rank, none
    strings = tuple(sorted({*names.texts, *guests.texts}))
    number = {text: at for at, text in enumerate(strings)}
    rank = np.array([*map(number.__getitem__, names.texts), NONE])
    return strings, rank, np.array([*map(number.__getitem__, guests.texts), NONE])


def _grid(batch: _Batch, *, total: bool, second: Ints | int) -> tuple[Grid, Ints]:
    """The cells of the series, or of the totals, of all lanes; and the lane of each row."""
    names = batch.columns.names
    measure_rank = names.measure_rank
    if total:
        measure_rank = measure_rank[names.measure_total]
        place, place_of = np.zeros(len(batch.lane), np.int64), np.empty(0, np.int64)
        places = 1
    else:
        place, place_of = _local(names.place_rank, batch.place)
        places = len(place_of)
    measure, measure_of = _local(measure_rank, batch.measure)
    code = (batch.lane * places + place) * len(measure_of) + measure
    cells = fold(
        row=code, second=second, value=batch.value, weight=batch.weight, by_value=batch.by_value
    )
    starts = run_starts(cells.row)
    codes = cells.row[starts]
    lane, number = np.divmod(codes, places * len(measure_of))
    place, measure = np.divmod(number, len(measure_of))
    if total:
        # Of all measures with this rank, the total is the one that the rank was taken from.
        measure = names.measure_total[measure_of[measure]]
        wedding = vendor = np.full(len(codes), NONE, np.int64)
    else:
        measure = measure_of[measure]
        place = place_of[place]
        wedding = batch.rank[names.place_wedding[place]]
        vendor = batch.rank[names.place_vendor[place]]
    row_of_cell = np.zeros(len(cells), np.int64)
    row_of_cell[starts[1:]] = 1
    grid = Grid(
        wedding=wedding,
        vendor=vendor,
        metric=batch.rank[names.measure_metric[measure]],
        kind=names.measure_kind[measure],
        dims=batch.rank[names.measure_dims[measure]],
        cells=cells.with_rows(np.cumsum(row_of_cell)),
        latest=_latest(batch, code, codes),
    )
    return grid, lane


def _local(rank: Ints, number: Ints) -> tuple[Ints, Ints]:
    """The ranks of these numbers without gaps, and one number of each rank that occurs."""
    distinct = np.zeros(len(rank), np.bool_)
    distinct[number] = True
    numbers = np.flatnonzero(distinct)
    ranks, local = np.unique(rank[numbers], return_inverse=True)
    of_number = np.zeros(len(rank), np.int64)
    of_number[numbers] = local
    number_of = np.zeros(len(ranks), np.int64)
    number_of[local] = numbers
    return of_number[number], number_of


def _latest(batch: _Batch, code: Ints, codes: Ints) -> Latest:
    gauge = batch.columns.names.measure_kind == GAUGE
    gauges = np.flatnonzero(gauge[batch.measure]) if gauge.any() else np.empty(0, np.int64)
    return latest_of(
        row=np.searchsorted(codes, code[gauges]),
        ts_ms=batch.ts_ms[gauges],
        tie=_tie(batch.frame_ids(gauges)),
        value=batch.value[gauges],
    )


def _tie(frame: Words) -> Ints:
    """The upper half of a frame's id: enough to order equal times, at half the size."""
    return (frame >> _UPPER).astype(np.int64)


def _marks(batch: _Batch) -> tuple[Marks, Ints]:
    parts = [part(batch) for part in (_vendors, _guests, _outcomes)]
    parts = [(marks, lanes) for marks, lanes in parts if len(marks)]
    if not parts:
        return no_marks(), np.empty(0, np.int64)
    together = stack_marks([marks for marks, _ in parts])
    every_lane = np.concatenate([lanes for _, lanes in parts])
    group = every_lane * (len(batch.strings) + 1) + together.wedding + 1
    kept = kept_marks(together, group)
    return together.take(kept), every_lane[kept]


_NOTHING = (no_marks(), np.empty(0, np.int64))


def _vendors(batch: _Batch) -> tuple[Marks, Ints]:
    """When anything, and when a heartbeat, last came of each vendor at each wedding."""
    names = batch.columns.names
    of_vendor = (names.place_wedding >= 0) & (names.place_vendor >= 0)
    if not of_vendor.any():
        return _NOTHING
    picked = np.flatnonzero(of_vendor[batch.place])
    beats = names.measure_heartbeat[batch.measure[picked]].astype(np.int64)
    first, each = dense_ids(batch.lane[picked], batch.place[picked], beats)
    ts_ms = np.zeros(len(first), np.int64)
    np.maximum.at(ts_ms, each, batch.ts_ms[picked])
    beat = np.flatnonzero(beats[first])
    both = np.concatenate((np.arange(len(first)), beat))
    role = np.full(len(both), int(Role.VENDOR_SEEN), np.int64)
    role[len(first) :] = int(Role.VENDOR_HEARTBEAT)
    place = batch.place[picked[first[both]]]
    marks = Marks(
        wedding=batch.rank[names.place_wedding[place]],
        role=role,
        subject=batch.rank[names.place_vendor[place]],
        id=np.zeros(len(both), np.uint64),
        ts_ms=ts_ms[both],
    )
    return marks, batch.lane[picked[first[both]]]


def _guests(batch: _Batch) -> tuple[Marks, Ints]:
    """When each guest was last active."""
    names, guests = batch.columns.names, batch.columns.guests
    if guests is None:
        return _NOTHING
    active = names.measure_guest[batch.measure]
    active &= guests.hash[slice(None) if batch.rows is None else batch.rows] != 0
    picked = np.flatnonzero(active)
    marks = Marks(
        wedding=batch.rank[names.place_wedding[batch.place[picked]]],
        role=np.full(len(picked), int(Role.GUEST), np.int64),
        subject=np.full(len(picked), NONE, np.int64),
        id=guests.hash[batch.of_batch(picked)],
        ts_ms=batch.ts_ms[picked],
    )
    return marks, batch.lane[picked]


def _outcomes(batch: _Batch) -> tuple[Marks, Ints]:
    """When backups and checks last succeeded and failed; failures are told apart by frame.

    A failed check that stands for several leaves two marks: no more are ever kept.
    """
    names = batch.columns.names
    if not (names.measure_role >= 0).any():
        return _NOTHING
    picked = np.flatnonzero((names.measure_role >= 0)[batch.measure])
    failed = names.measure_role[batch.measure[picked]] == Role.HEALTH_FAILED
    several = failed & (batch.columns.observations(batch.of_batch(picked)) > 1)
    further = np.repeat((0, 1), (len(picked), int(several.sum()))).astype(np.uint64)
    picked = np.concatenate((picked, picked[several]))
    ts_ms = batch.ts_ms[picked]
    role = names.measure_role[batch.measure[picked]]
    identity = batch.frame_ids(picked) ^ (ts_ms.astype(np.uint64) * _MIX)
    if batch.columns.index is not None:
        # A point that is a frame by itself may stand anywhere in what brings a copy of it.
        alone = (batch.columns.frame_kind == ALONE)[batch.frame[picked]]
        index = np.where(alone, 0, batch.columns.index[batch.of_batch(picked)])
        identity += index.astype(np.uint64) << np.uint64(1)
    marks = Marks(
        wedding=batch.rank[names.place_wedding[batch.place[picked]]],
        role=role,
        subject=batch.rank[names.measure_subject[batch.measure[picked]]],
        id=np.where(role == Role.HEALTH_FAILED, identity ^ further, np.uint64(0)),
        ts_ms=ts_ms,
    )
    return marks, batch.lane[picked]


def _happenings(batch: _Batch) -> tuple[Happenings, Ints]:
    """The newest things that happened at each wedding, one for each point as it was sent."""
    names, columns = batch.columns.names, batch.columns
    told = names.measure_summary >= 0
    if not told.any():
        return no_happenings(), np.empty(0, np.int64)
    picked = np.flatnonzero(told[batch.measure] & (names.place_wedding >= 0)[batch.place])
    picked = picked[columns.is_first(batch.of_batch(picked))]
    place, measure = batch.place[picked], batch.measure[picked]
    guest = np.full(len(picked), NONE, np.int64)
    if columns.guests is not None:
        guest = batch.guest_rank[columns.guests.number[batch.of_batch(picked)]]
    happened = Happenings(
        wedding=batch.rank[names.place_wedding[place]],
        ts_ms=batch.ts_ms[picked],
        id=_tie(batch.frame_ids(picked)),
        type=batch.rank[names.measure_metric[measure]],
        vendor=batch.rank[names.place_vendor[place]],
        guest=guest,
        summary=batch.rank[names.measure_summary[measure]],
    )
    lane = batch.lane[picked]
    kept = kept_happenings(happened, lane * (len(batch.strings) + 1) + happened.wedding)
    return happened.take(kept), lane[kept]
