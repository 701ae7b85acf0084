"""A whole batch folded at once, and cut into the blocks of its lanes.

A lane is the on-time or the late half of one item. Everything is sorted by lane first, so
that a lane's share is a slice.
"""

from dataclasses import dataclass

import numpy as np

from wedsync.metrics.block import Block
from wedsync.metrics.cells import Cells, fold
from wedsync.metrics.columns import Columns, SeriesTable
from wedsync.metrics.grid import GAUGE, Grid, Latest, latest_of
from wedsync.metrics.histogram import Ints, Words, dense_ids, run_starts
from wedsync.metrics.marks import (
    Happenings,
    Marks,
    Role,
    kept_happenings,
    kept_marks,
    stack_marks,
)

_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sheet:
    """Cells and last values of all lanes; their row is lane · series + series' number."""

    table: SeriesTable
    cells: Cells
    latest: Latest

    def grid(self, lane: int) -> Grid:
        """The grid of one lane, over the strings of the batch."""
        width = max(len(self.table), 1)
        bounds = (lane * width, (lane + 1) * width)
        low, high = np.searchsorted(self.cells.row, bounds).tolist()
        cells = self.cells.slice(low, high)
        starts = run_starts(cells.row)
        rows = cells.row[starts]
        number = rows - lane * width
        local = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(cells))))
        low, high = np.searchsorted(self.latest.row, bounds).tolist()
        chosen = slice(low, high)
        latest = self.latest
        return Grid(
            wedding=self.table.wedding[number],
            vendor=self.table.vendor[number],
            metric=self.table.metric[number],
            kind=self.table.kind[number],
            dims=self.table.dims[number],
            cells=cells.with_rows(local),
            latest=Latest(
                row=np.searchsorted(rows, latest.row[chosen]),
                ts_ms=latest.ts_ms[chosen],
                tie=latest.tie[chosen],
                value=latest.value[chosen],
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lanes:
    """The folded batch. ``minute`` and ``second`` are by lane and by row of the batch."""

    strings: tuple[str, ...]
    minute: Ints
    second: Ints
    series: _Sheet
    overall: _Sheet
    marks: Marks
    marks_lane: Ints
    happenings: Happenings
    happenings_lane: Ints

    def second_of(self, rows: Ints) -> Ints:
        """The kept second of these rows of the batch."""
        return self.second[rows]

    def block(self, lane: int) -> Block:
        """What one lane holds."""
        marks = _share(self.marks_lane, lane)
        happenings = _share(self.happenings_lane, lane)
        return Block(
            minute=int(self.minute[lane]) if lane < len(self.minute) else None,
            strings=self.strings,
            series=self.series.grid(lane),
            overall=self.overall.grid(lane),
            marks=self.marks.take(marks),
            happenings=self.happenings.take(happenings),
        ).compact()


def fold_lanes(columns: Columns, rows: Ints, lane: Ints, second: Ints) -> Lanes:
    """Fold these rows of the batch, each into its lane."""
    minute = np.zeros(int(lane.max()) + 1, np.int64)
    minute[lane] = columns.ts_ms[rows] // 60_000
    every_second = np.full(len(columns), -1, np.int64)
    every_second[rows] = second
    series = columns.series[rows]
    by_value = np.argsort(columns.value[rows])
    marks, marks_lane = _marks(columns, rows, lane)
    happenings, happenings_lane = _happenings(columns, rows, lane)
    return Lanes(
        strings=columns.strings,
        minute=minute,
        second=every_second,
        series=_sheet(
            columns,
            rows,
            table=columns.series_table,
            number=series,
            lane=lane,
            second=second,
            by_value=by_value,
        ),
        overall=_sheet(
            columns,
            rows,
            table=columns.totals_table,
            number=columns.total_of_series[series],
            lane=lane,
            second=columns.ts_ms[rows] // 1000 % 60,
            by_value=by_value,
        ),
        marks=marks,
        marks_lane=marks_lane,
        happenings=happenings,
        happenings_lane=happenings_lane,
    )


def _sheet(
    columns: Columns,
    rows: Ints,
    *,
    table: SeriesTable,
    number: Ints,
    lane: Ints,
    second: Ints,
    by_value: Ints,
) -> _Sheet:
    row = lane * len(table) + number
    value = columns.value[rows]
    gauges = np.flatnonzero(table.kind[number] == GAUGE)
    return _Sheet(
        table=table,
        cells=fold(
            row=row,
            second=second,
            value=value,
            weight=columns.weight[rows],
            by_value=by_value,
        ),
        latest=latest_of(
            row=row[gauges],
            ts_ms=columns.ts_ms[rows[gauges]],
            tie=_tie(columns.frame[rows[gauges]]),
            value=value[gauges],
        ),
    )


def _tie(frame: Words) -> Ints:
    """The upper half of a frame's id: enough to order equal times, at half the size."""
    return (frame >> np.uint64(32)).astype(np.int64)


def _marks(columns: Columns, rows: Ints, lane: Ints) -> tuple[Marks, Ints]:
    parts = [part(columns, rows, lane) for part in (_vendors, _guests, _outcomes)]
    together = stack_marks([marks for marks, _ in parts])
    every_lane = np.concatenate([lanes for _, lanes in parts])
    group = every_lane * (len(columns.strings) + 1) + together.wedding + 1
    kept = kept_marks(together, group)
    return together.take(kept), every_lane[kept]


def _vendors(columns: Columns, rows: Ints, lane: Ints) -> tuple[Marks, Ints]:
    """When anything, and when a heartbeat, last came of each vendor at each wedding."""
    table = columns.series_table
    of_vendor = (table.wedding >= 0) & (table.vendor >= 0)
    picked = np.flatnonzero(of_vendor[columns.series[rows]])
    first, each = dense_ids(lane[picked], columns.series[rows[picked]])
    ts_ms = np.zeros(len(first), np.int64)
    np.maximum.at(ts_ms, each, columns.ts_ms[rows[picked]])
    series, lanes = columns.series[rows[picked[first]]], lane[picked[first]]
    beats = np.flatnonzero(columns.telling.heartbeat[series])
    both = np.concatenate((np.arange(len(first)), beats))
    role = np.full(len(both), int(Role.VENDOR_SEEN), np.int64)
    role[len(first) :] = int(Role.VENDOR_HEARTBEAT)
    marks = Marks(
        wedding=table.wedding[series[both]],
        role=role,
        subject=table.vendor[series[both]],
        id=np.zeros(len(both), np.uint64),
        ts_ms=ts_ms[both],
    )
    return marks, lanes[both]


def _guests(columns: Columns, rows: Ints, lane: Ints) -> tuple[Marks, Ints]:
    """When each guest was last active."""
    active = columns.telling.guest[columns.series[rows]] & (columns.guest[rows] >= 0)
    picked = np.flatnonzero(active)
    series = columns.series[rows[picked]]
    marks = Marks(
        wedding=columns.series_table.wedding[series],
        role=np.full(len(picked), int(Role.GUEST), np.int64),
        subject=np.full(len(picked), -1, np.int64),
        id=columns.guest_hash[rows[picked]],
        ts_ms=columns.ts_ms[rows[picked]],
    )
    return marks, lane[picked]


def _outcomes(columns: Columns, rows: Ints, lane: Ints) -> tuple[Marks, Ints]:
    """When backups and checks last succeeded and failed; failures are told apart by frame.

    A failed check that stands for several leaves two marks: no more are ever kept.
    """
    picked = np.flatnonzero(columns.telling.role[columns.series[rows]] >= 0)
    failed = columns.telling.role[columns.series[rows[picked]]] == Role.HEALTH_FAILED
    several = picked[failed & (columns.weight[rows[picked]] > 1)]
    further = np.repeat((0, 1), (len(picked), len(several))).astype(np.uint64)
    picked = np.concatenate((picked, several))
    series, ts_ms = columns.series[rows[picked]], columns.ts_ms[rows[picked]]
    role = columns.telling.role[series]
    identity = columns.frame[rows[picked]] ^ (ts_ms.astype(np.uint64) * _MIX)
    marks = Marks(
        wedding=columns.series_table.wedding[series],
        role=role,
        subject=columns.telling.subject[series],
        id=np.where(role == Role.HEALTH_FAILED, identity ^ further, np.uint64(0)),
        ts_ms=ts_ms,
    )
    return marks, lane[picked]


def _happenings(columns: Columns, rows: Ints, lane: Ints) -> tuple[Happenings, Ints]:
    """The newest things that happened at each wedding, one for each point as it was sent."""
    table, telling = columns.series_table, columns.telling
    worth = (telling.summary >= 0) & (table.wedding >= 0)
    picked = np.flatnonzero(worth[columns.series[rows]] & columns.first[rows])
    series = columns.series[rows[picked]]
    happened = Happenings(
        wedding=table.wedding[series],
        ts_ms=columns.ts_ms[rows[picked]],
        id=_tie(columns.frame[rows[picked]]),
        type=table.metric[series],
        vendor=table.vendor[series],
        guest=columns.guest[rows[picked]],
        summary=telling.summary[series],
    )
    group = lane[picked] * (len(columns.strings) + 1) + happened.wedding
    kept = kept_happenings(happened, group)
    return happened.take(kept), lane[picked][kept]


def _share(lanes: Ints, lane: int) -> slice:
    low, high = np.searchsorted(lanes, (lane, lane + 1)).tolist()
    return slice(low, high)
