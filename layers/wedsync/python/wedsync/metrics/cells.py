"""Many histograms at once, with count, sum, minimum and maximum, as columns.

A cell belongs to a row and to one second of its minute, or to the whole minute (-1). Its
observations are entries of two columns shared by all cells: keys in ascending order (the value
itself while the cell holds at most 8 observations, else the edge of its bin) and weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from wedsync.metrics.histogram import (
    EXACT_UP_TO,
    Bools,
    Floats,
    Ints,
    bins_of,
    order_by,
    run_starts,
)

WHOLE = -1
"""The second of a cell that covers its whole interval."""
_SECONDS = 61


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Histograms by (row, second), in that order; cell ``i`` owns entries start[i]..start[i+1]."""

    row: Ints
    second: Ints
    count: Ints
    sum: Floats
    min: Floats
    max: Floats
    start: Ints
    keys: Floats
    weights: Ints

    def __len__(self) -> int:
        return len(self.row)

    def slice(self, first: int, end: int) -> "Cells":
        """The cells first..end, sharing the memory of these."""
        low, high = int(self.start[first]), int(self.start[end])
        return Cells(
            row=self.row[first:end],
            second=self.second[first:end],
            count=self.count[first:end],
            sum=self.sum[first:end],
            min=self.min[first:end],
            max=self.max[first:end],
            start=self.start[first : end + 1] - low,
            keys=self.keys[low:high],
            weights=self.weights[low:high],
        )

    def take(self, chosen: Bools) -> "Cells":
        """The chosen cells."""
        lengths = np.diff(self.start)
        entries = np.repeat(chosen, lengths)
        return Cells(
            row=self.row[chosen],
            second=self.second[chosen],
            count=self.count[chosen],
            sum=self.sum[chosen],
            min=self.min[chosen],
            max=self.max[chosen],
            start=_starts(lengths[chosen]),
            keys=self.keys[entries],
            weights=self.weights[entries],
        )

    def with_rows(self, row: Ints) -> "Cells":
        """The same cells under other row numbers, which must keep their order."""
        return Cells(
            row=row,
            second=self.second,
            count=self.count,
            sum=self.sum,
            min=self.min,
            max=self.max,
            start=self.start,
            keys=self.keys,
            weights=self.weights,
        )


@cache
def no_cells() -> Cells:
    """Nothing observed."""
    ints, floats = np.empty(0, np.int64), np.empty(0)
    return Cells(
        row=ints,
        second=ints,
        count=ints,
        sum=floats,
        min=floats,
        max=floats,
        start=np.zeros(1, np.int64),
        keys=floats,
        weights=ints,
    )


def fold(*, row: Ints, second: Ints | int, value: Floats, weight: Ints | None = None) -> Cells:
    """Observations to cells: one sort, then runs. Without ``weight`` each stands for one."""
    if not len(row):
        return no_cells()
    seconds = 1 if isinstance(second, int) and second == WHOLE else _SECONDS
    ids = row if seconds == 1 else row * _SECONDS + (second + 1)
    order = order_by(ids, value)
    ids, value = ids[order], value[order]
    if weight is not None:
        weight = weight[order]
    first = run_starts(ids)
    sums = np.add.reduceat(value if weight is None else value * weight, first)
    ends = np.append(first[1:], len(ids)) - 1
    low, high = value[first], value[ends]
    return _cells(ids, value, weight, first, sums=sums, low=low, high=high, seconds=seconds)


def join(parts: Sequence[tuple[Cells, Ints]], *, keeps: Sequence[Bools] | None = None) -> Cells:
    """Merge cells; each part comes with the new row of each of its cells.

    ``keeps`` says of each cell whether it keeps its second (none does, where nothing is said):
    all other cells of a row become one that covers the whole.
    """
    every = [cells for cells, _ in parts]
    row = np.concatenate([rows for _, rows in parts]) if parts else np.empty(0, np.int64)
    if not len(row):
        return no_cells()
    ids, seconds = row, 1
    if keeps is not None:
        second = np.concatenate([cells.second for cells in every])
        second = np.where(np.concatenate(keeps), second, WHOLE)
        if int(second.max()) != WHOLE:
            ids, seconds = row * _SECONDS + (second + 1), _SECONDS
    lengths = np.concatenate([np.diff(cells.start) for cells in every])
    entry_ids = np.repeat(ids, lengths)
    keys = np.concatenate([cells.keys for cells in every])
    order = order_by(entry_ids, keys, in_runs=True)
    entry_ids, keys = entry_ids[order], keys[order]
    weights = np.concatenate([cells.weights for cells in every])[order]

    by_id = np.argsort(ids, kind="stable")
    first = run_starts(ids[by_id])
    sums, low, high = (
        operation.reduceat(np.concatenate([getattr(cells, name) for cells in every])[by_id], first)
        for name, operation in (("sum", np.add), ("min", np.minimum), ("max", np.maximum))
    )
    return _cells(
        entry_ids,
        keys,
        weights,
        run_starts(entry_ids),
        sums=sums,
        low=low,
        high=high,
        seconds=seconds,
    )


def _cells(
    ids: Ints,
    keys: Floats,
    weights: Ints | None,
    first: Ints,
    *,
    sums: Floats,
    low: Floats,
    high: Floats,
    seconds: int,
) -> Cells:
    """Cells of observations sorted by (id, key); the runs of ids begin at ``first``."""
    lengths = np.diff(first, append=len(ids))
    count = lengths if weights is None else np.add.reduceat(weights, first)
    cut = count > EXACT_UP_TO
    if cut.all():
        keys = bins_of(keys)
    elif cut.any():
        keys = np.where(np.repeat(cut, lengths), bins_of(keys), keys)
    begins = np.empty(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    begins[first] = True
    entries = np.flatnonzero(begins)
    if weights is None:
        weights = np.diff(entries, append=len(ids))
    else:
        weights = np.add.reduceat(weights, entries)
    keys = keys[entries]
    start = np.append(np.cumsum(begins)[first] - 1, len(entries))
    if seconds == 1:
        row, second = ids[first], np.full(len(first), WHOLE + 1, np.int64)
    else:
        row, second = np.divmod(ids[first], seconds)
    return Cells(
        row=row,
        second=second - 1,
        count=count,
        sum=np.where(cut, sums, exact_sums(keys, weights, start)),
        min=low,
        max=high,
        start=start,
        keys=keys,
        weights=weights,
    )


def told_cells(
    *,
    row: Ints,
    second: Ints,
    lengths: Ints,
    weights: Ints,
    exact: Floats,
    edges: Callable[[Ints], Floats],
    cut: tuple[Floats, Floats, Floats],
) -> Cells:
    """Cells from what does not follow from the rest.

    ``exact`` are the observations of cells that hold few, ``edges`` makes the bins of those that
    were cut, of the given lengths; of these alone sum, minimum and maximum (``cut``) are told.
    """
    if not len(row):
        return no_cells()
    start = _starts(lengths)
    count = np.add.reduceat(weights, start[:-1])
    is_cut = count > EXACT_UP_TO
    some_cut = bool(is_cut.any())
    keys = exact
    if some_cut:
        of_cut = np.repeat(is_cut, lengths)
        keys = np.empty(len(weights))
        keys[~of_cut] = exact
        keys[of_cut] = edges(lengths[is_cut])
    total, low, high = exact_sums(keys, weights, start), keys[start[:-1]], keys[start[1:] - 1]
    if some_cut:
        total[is_cut], low[is_cut], high[is_cut] = cut
    return Cells(
        row=row,
        second=second,
        count=count,
        sum=total,
        min=low,
        max=high,
        start=start,
        keys=keys,
        weights=weights,
    )


def exact_sums(keys: Floats, weights: Ints, start: Ints) -> Floats:
    """The sum of each cell from its entries in ascending order, whatever order they came in."""
    sums: Floats = np.add.reduceat(keys * weights, start[:-1])
    return sums


def _starts(lengths: Ints) -> Ints:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
