"""Many histograms at once, with count, sum, minimum and maximum, as columns.

A cell belongs to a row and to one second of its minute, or to the whole minute (-1). Its
observations are entries of two columns shared by all cells: keys in ascending order (the value
itself while the cell holds at most 8 observations, else the edge of its bin) and weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from wedsync.metrics.histogram import (
    EXACT_UP_TO,
    Bools,
    ByValue,
    Floats,
    Ints,
    bins_of,
    order_by,
    order_of_runs,
    run_starts,
    together,
)

WHOLE = -1
"""The second of a cell that covers its whole interval."""
_SECONDS = 61
_SPARSE = 64
_FEW = 4_096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """Sum, minimum and maximum of cells whose observations were cut to bins, in their order."""

    sum: Floats
    min: Floats
    max: Floats

    def take(self, chosen: Bools | slice) -> "Cut":
        """Some of them."""
        return Cut(sum=self.sum[chosen], min=self.min[chosen], max=self.max[chosen])


NO_CUT = Cut(sum=np.empty(0), min=np.empty(0), max=np.empty(0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Histograms by (row, second), in that order; cell ``i`` owns entries start[i]..start[i+1].

    What follows from the entries is worked out when it is asked for: only of cells with more
    observations than are kept exactly do sum, minimum and maximum stand in ``cut``.
    """

    row: Ints
    second: Ints
    count: Ints
    start: Ints
    keys: Floats
    weights: Ints
    cut: Cut

    def __len__(self) -> int:
        return len(self.row)

    @cached_property
    def is_cut(self) -> Bools:
        """Which cells hold more observations than are kept exactly."""
        if not len(self.cut.sum):
            return np.zeros(len(self.row), np.bool_)
        cut: Bools = self.count > EXACT_UP_TO
        return cut

    @cached_property
    def sum(self) -> Floats:
        """Of each cell's observations."""
        total = exact_sums(self.keys, self.weights, self.start)
        total[self.is_cut] = self.cut.sum
        return total

    @cached_property
    def min(self) -> Floats:
        """Each cell's smallest observation."""
        low: Floats = self.keys[self.start[:-1]]
        low[self.is_cut] = self.cut.min
        return low

    @cached_property
    def max(self) -> Floats:
        """Each cell's largest observation."""
        high: Floats = self.keys[self.start[1:] - 1]
        high[self.is_cut] = self.cut.max
        return high

    @cached_property
    def _cuts_before(self) -> Ints:
        return _starts(self.is_cut.astype(np.int64))

    def slice(self, first: int, end: int) -> "Cells":
        """The cells first..end, sharing the memory of these."""
        low, high = int(self.start[first]), int(self.start[end])
        cut = NO_CUT
        if len(self.cut.sum):
            cut = self.cut.take(slice(int(self._cuts_before[first]), int(self._cuts_before[end])))
        return Cells(
            row=self.row[first:end],
            second=self.second[first:end],
            count=self.count[first:end],
            start=self.start[first : end + 1] - low,
            keys=self.keys[low:high],
            weights=self.weights[low:high],
            cut=cut,
        )

    def take(self, chosen: Bools) -> "Cells":
        """The chosen cells."""
        lengths = self.start[1:] - self.start[:-1]
        entries = chosen.repeat(lengths).nonzero()[0]
        cells = chosen.nonzero()[0]
        return Cells(
            row=self.row[cells],
            second=self.second[cells],
            count=self.count[cells],
            start=_starts(lengths[cells]),
            keys=self.keys[entries],
            weights=self.weights[entries],
            cut=self.cut.take(chosen[self.is_cut]) if len(self.cut.sum) else NO_CUT,
        )

    def with_rows(self, row: Ints) -> "Cells":
        """The same cells under other row numbers, which must keep their order."""
        return Cells(
            row=row,
            second=self.second,
            count=self.count,
            start=self.start,
            keys=self.keys,
            weights=self.weights,
            cut=self.cut,
        )


@cache
def no_cells() -> Cells:
    """Nothing observed."""
    ints, floats = np.empty(0, np.int64), np.empty(0)
    return Cells(
        row=ints,
        second=ints,
        count=ints,
        start=np.zeros(1, np.int64),
        keys=floats,
        weights=ints,
        cut=NO_CUT,
    )


def fold(
    *,
    row: Ints,
    second: Ints | int,
    value: Floats,
    weight: Ints | None = None,
    by_value: ByValue | None = None,
) -> Cells:
    """Observations to cells: one sort, then runs. Without ``weight`` each stands for one.

    Whoever folds the same values several times puts them in order once (``by_value``).
    """
    if not len(row):
        return no_cells()
    seconds = 1 if isinstance(second, int) and second == WHOLE else _SECONDS
    ids = row if seconds == 1 else row * _SECONDS + (second + 1)
    order = order_by(ids, value, by_value or ByValue.of(value))
    ids, value = ids[order], value[order]
    if weight is not None:
        weight = weight[order]
    first = run_starts(ids)

    def cut_of(cut: Bools, lengths: Ints) -> Cut:
        observed, begins, weights = value, first, weight
        if not cut.all():
            rows = np.repeat(cut, lengths)
            observed, begins = value[rows], _starts(lengths[cut])[:-1]
            weights = None if weight is None else weight[rows]
        ends = begins + lengths[cut] - 1
        each = observed if weights is None else observed * weights
        return Cut(sum=np.add.reduceat(each, begins), min=observed[begins], max=observed[ends])

    return _cells(ids, value, weight, first, seconds, cut_of)


def join(parts: Sequence[tuple[Cells, Ints]], *, keeps: Sequence[Bools] | None = None) -> Cells:
    """Merge cells; each part comes with the new row of each of its cells.

    ``keeps`` says of each cell whether it keeps its second (none does, where nothing is said):
    all other cells of a row become one that covers the whole.
    """
    every = [cells for cells, _ in parts]
    row = together([rows for _, rows in parts]) if parts else np.empty(0, np.int64)
    if not len(row):
        return no_cells()
    ids, seconds = row, 1
    if keeps is not None:
        second = together([cells.second for cells in every])
        second = np.where(together(keeps), second, WHOLE)
        if int(second.max()) != WHOLE:
            ids, seconds = row * _SECONDS + (second + 1), _SECONDS
    lengths = together([cells.start[1:] - cells.start[:-1] for cells in every])
    entry_ids = np.repeat(ids, lengths)
    keys = together([cells.keys for cells in every])
    order = order_of_runs(entry_ids, keys)
    entry_ids, keys = entry_ids[order], keys[order]
    weights = together([cells.weights for cells in every])[order]

    first = run_starts(entry_ids)

    def cut_of(cut: Bools, _: Ints) -> Cut:
        some, of = every, ids
        if len(ids) >= _FEW:  # worth while to look at those alone that became part of a cut one
            chosen = _which(ids, entry_ids[first[cut]])
            of_part = np.split(chosen, np.cumsum([len(cells) for cells in every])[:-1])
            some = [cells.take(those) for cells, those in zip(every, of_part, strict=True)]
            of = ids[chosen]
        by_id = np.argsort(of, kind="stable")
        begins = run_starts(of[by_id])
        sums, low, high = (
            operation.reduceat(together(columns)[by_id], begins)
            for operation, columns in (
                (np.add, [cells.sum for cells in some]),
                (np.minimum, [cells.min for cells in some]),
                (np.maximum, [cells.max for cells in some]),
            )
        )
        told = Cut(sum=sums, min=low, max=high)
        return told if some is not every else told.take(cut)

    return _cells(entry_ids, keys, weights, first, seconds, cut_of)


def _which(ids: Ints, wanted: Ints) -> Bools:
    """Which of the ids are among those that are wanted."""
    width = int(ids.max()) + 1
    if width > _SPARSE * len(ids):
        return np.isin(ids, wanted)
    flags = np.zeros(width, np.bool_)
    flags[wanted] = True
    chosen: Bools = flags[ids]
    return chosen


def _cells(
    ids: Ints,
    keys: Floats,
    weights: Ints | None,
    first: Ints,
    seconds: int,
    cut_of: Callable[[Bools, Ints], Cut],
) -> Cells:
    """Cells of observations sorted by (id, key); the runs of ids begin at ``first``.

    ``cut_of`` tells of the cells that are cut; it is given which these are, and how many
    observations each cell has here.
    """
    bounds = _ended(first, len(ids))
    lengths = bounds[1:] - bounds[:-1]
    count = lengths if weights is None else _sums_of_runs(weights, bounds)
    is_cut = count > EXACT_UP_TO
    cut = NO_CUT
    if is_cut.any():
        cut = cut_of(is_cut, lengths)
        keys = _with_bins(keys, None if is_cut.all() else np.repeat(is_cut, lengths))
    begins = np.empty(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    begins[first] = True
    entries = begins.nonzero()[0]
    ends = _ended(entries, len(ids))
    weights = ends[1:] - ends[:-1] if weights is None else _sums_of_runs(weights, ends)
    row, second = ids[first], np.full(len(first), WHOLE, np.int64)
    if seconds > 1:
        row, second = np.divmod(row, seconds)
        second -= 1
    return Cells(
        row=row,
        second=second,
        count=count,
        start=_ended(begins.cumsum()[first] - 1, len(entries)),
        keys=keys[entries],
        weights=weights,
        cut=cut,
    )


def _ended(starts: Ints, end: int) -> Ints:
    """The starts of runs, and the end of the last one."""
    bounds = np.empty(len(starts) + 1, np.int64)
    bounds[:-1] = starts
    bounds[-1] = end
    return bounds


def _with_bins(keys: Floats, cut: Bools | None) -> Floats:
    """The keys, those that are cut (none given: all) as the edges of their bins."""
    if cut is None:
        return bins_of(keys)
    keys = keys.copy()
    keys[cut] = bins_of(keys[cut])
    return keys


def _sums_of_runs(weights: Ints, bounds: Ints) -> Ints:
    """What stands between each bound and the next, in all; whole numbers add up exactly."""
    if len(weights) < _FEW:
        few: Ints = np.add.reduceat(weights, bounds[:-1])
        return few
    before = np.zeros(len(weights) + 1, np.int64)
    np.cumsum(weights, out=before[1:])
    at = before[bounds]
    many: Ints = at[1:] - at[:-1]
    return many


def told_cells(
    *,
    row: Ints,
    second: Ints,
    lengths: Ints,
    weights: Ints,
    exact: Floats,
    edges: Callable[[Ints], Floats],
    cut: Cut,
) -> Cells:
    """Cells from what does not follow from the rest.

    ``exact`` are the observations of cells that hold few, ``edges`` makes the bins of those that
    were cut, of the given lengths; of these alone sum, minimum and maximum (``cut``) are told.
    """
    if not len(row):
        return no_cells()
    start = _starts(lengths)
    count = _sums_of_runs(weights, start)
    is_cut = count > EXACT_UP_TO
    keys = exact
    if is_cut.any():
        of_cut = np.repeat(is_cut, lengths)
        keys = np.empty(len(weights))
        keys[~of_cut] = exact
        keys[of_cut] = edges(lengths[is_cut])
    if not len(cut.sum) == len(cut.min) == len(cut.max) == np.count_nonzero(is_cut):
        raise ValueError("sums of other cells than those that are cut")
    if len(keys) != len(weights):
        raise ValueError("cells of other observations than are told")
    return Cells(
        row=row,
        second=second,
        count=count,
        start=start,
        keys=keys,
        weights=weights,
        cut=cut,
    )


def exact_sums(keys: Floats, weights: Ints, start: Ints) -> Floats:
    """The sum of each cell from its entries in ascending order, whatever order they came in."""
    sums: Floats = np.add.reduceat(keys * weights, start[:-1])
    return sums


def _starts(lengths: Ints) -> Ints:
    starts = np.zeros(len(lengths) + 1, np.int64)
    lengths.cumsum(out=starts[1:])
    return starts
