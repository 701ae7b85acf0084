"""A table of series with their cells, and the last value of each gauge.

Every text is a number into one sorted table of strings that the block around it owns; -1
stands for none. Rows are in the order (wedding, vendor, metric, kind, dimensions).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from wedsync.metrics.cells import Cells, join, no_cells
from wedsync.metrics.histogram import Bools, Floats, Ints, dense_ids, run_starts, together
from wedsync.metrics.point import Kind

KINDS = (Kind.COUNTER, Kind.GAUGE, Kind.TIMER, Kind.EVENT)
GAUGE = KINDS.index(Kind.GAUGE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Latest:
    """The last value of gauges: the greatest by (time, tie, value), at most one per row."""

    row: Ints
    ts_ms: Ints
    tie: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.row)

    def take(self, chosen: Bools, row: Ints) -> "Latest":
        """The chosen ones, under new row numbers (one for each chosen)."""
        return Latest(
            row=row, ts_ms=self.ts_ms[chosen], tie=self.tie[chosen], value=self.value[chosen]
        )


def latest_of(*, row: Ints, ts_ms: Ints, tie: Ints, value: Floats) -> Latest:
    """The last of each row: a maximum, and so the same in any order."""
    order = np.lexsort((value, tie, ts_ms, row))
    ends = np.append(run_starts(row[order])[1:], len(order)) - 1 if len(order) else order
    last = order[ends]
    return Latest(row=row[last], ts_ms=ts_ms[last], tie=tie[last], value=value[last])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Series by row, and what was observed of each."""

    wedding: Ints
    vendor: Ints
    metric: Ints
    kind: Ints
    dims: Ints
    cells: Cells
    latest: Latest

    def __len__(self) -> int:
        return len(self.metric)

    def texts(self) -> tuple[Ints, Ints, Ints, Ints]:
        """The columns that are numbers of strings."""
        return self.wedding, self.vendor, self.metric, self.dims

    def renamed(self, new: Ints) -> "Grid":
        """The same grid over another table of strings; ``new`` ends with -1 and keeps the order."""
        return Grid(
            wedding=new[self.wedding],
            vendor=new[self.vendor],
            metric=new[self.metric],
            kind=self.kind,
            dims=new[self.dims],
            cells=self.cells,
            latest=self.latest,
        )

    def take(self, rows: Bools) -> "Grid":
        """The chosen rows alone."""
        new_row = np.cumsum(rows) - 1
        cells = self.cells.take(rows[self.cells.row])
        lasting = rows[self.latest.row]
        return Grid(
            wedding=self.wedding[rows],
            vendor=self.vendor[rows],
            metric=self.metric[rows],
            kind=self.kind[rows],
            dims=self.dims[rows],
            cells=cells.with_rows(new_row[cells.row]),
            latest=self.latest.take(lasting, new_row[self.latest.row[lasting]]),
        )


@cache
def no_grid() -> Grid:
    """No series."""
    none = np.empty(0, np.int64)
    latest = Latest(row=none, ts_ms=none, tie=none, value=np.empty(0))
    return Grid(
        wedding=none,
        vendor=none,
        metric=none,
        kind=none,
        dims=none,
        cells=no_cells(),
        latest=latest,
    )


def join_grids(parts: Sequence[tuple[Grid, Ints]], keeps: Bools) -> tuple[Grid, Ints]:
    """Merge grids over one table of strings lane by lane; the lane of each row of the whole.

    Each part comes with the lane of each of its rows; ``keeps`` says of each lane whether its
    seconds are kept.
    """
    parts = [(grid, lane) for grid, lane in parts if len(grid)]
    if not parts:
        return no_grid(), np.empty(0, np.int64)
    grids = [grid for grid, _ in parts]
    lane = together([lane for _, lane in parts])
    columns = [
        together([getattr(grid, name) for grid in grids])
        for name in ("wedding", "vendor", "metric", "kind", "dims")
    ]
    first, row_of = dense_ids(lane, *columns)
    wedding, vendor, metric, kind, dims = (column[first] for column in columns)
    starts = np.cumsum([0, *map(len, grids)]).tolist()
    maps = [row_of[low:high] for low, high in pairwise(starts)]
    gauges = [(grid.latest, rows) for grid, rows in zip(grids, maps, strict=True)]
    gauges = [(latest, rows) for latest, rows in gauges if len(latest)]
    joined = no_grid().latest
    if gauges:
        joined = latest_of(
            row=np.concatenate([rows[latest.row] for latest, rows in gauges]),
            ts_ms=np.concatenate([latest.ts_ms for latest, _ in gauges]),
            tie=np.concatenate([latest.tie for latest, _ in gauges]),
            value=np.concatenate([latest.value for latest, _ in gauges]),
        )
    grid = Grid(
        wedding=wedding,
        vendor=vendor,
        metric=metric,
        kind=kind,
        dims=dims,
        cells=join(
            [(each.cells, rows[each.cells.row]) for each, rows in zip(grids, maps, strict=True)],
            keeps=[keeps[lane][each.cells.row] for each, lane in parts],
        ),
        latest=joined,
    )
    return grid, lane[first]
