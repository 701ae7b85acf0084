"""What a set of observations amounts to: count, sum, extremes, quantiles, shares."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from wedsync.metrics.cells import WHOLE, Cells, fold, join, no_cells
from wedsync.metrics.histogram import EXACT_UP_TO, Floats, midpoints, rank_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One histogram, read. Without observations there are no extremes: they are ``None``."""

    count: int
    sum: float
    min: float | None
    max: float | None
    cell: Cells = field(repr=False, compare=False)

    @classmethod
    def of(cls, values: Iterable[float], *, count: int = 1) -> "Summary":
        """Of plain observations, each standing for ``count``."""
        value = np.array(list(values), np.float64)
        zeros = np.zeros(len(value), np.int64)
        cells = fold(row=zeros, second=zeros + WHOLE, value=value, weight=zeros + count)
        return summary_of(cells)

    @classmethod
    def merge(cls, summaries: Iterable["Summary"]) -> "Summary":
        """Of all their observations together: never an average of averages or of quantiles."""
        cells = [summary.cell for summary in summaries]
        rows = [np.zeros(len(each), np.int64) for each in cells]
        return summary_of(join(list(zip(cells, rows, strict=True))))

    @property
    def mean(self) -> float | None:
        """The arithmetic mean."""
        return self.sum / self.count if self.count else None

    def quantile(self, q: float) -> float | None:
        """The observation of nearest rank ceil(q·n): exact up to 8, else within 0.79 %.

        Raises:
            ValueError: ``q`` does not lie within 0 and 1.

        """
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"a quantile lies within 0 and 1, not at {q}")
        if self.min is None or self.max is None:
            return None
        ranks = np.cumsum(self.cell.weights)
        at = int(np.searchsorted(ranks, rank_of(q, self.count)))
        return min(max(float(self._read()[at]), self.min), self.max)

    def share_above(self, threshold: float) -> float | None:
        """The share of observations above ``threshold``; its own bin counts by the midpoint."""
        if not self.count:
            return None
        above = int(self.cell.weights[self._read() > threshold].sum())
        return above / self.count

    def _read(self) -> Floats:
        keys = self.cell.keys
        return keys if self.count <= EXACT_UP_TO else midpoints(keys)


def summary_of(cells: Cells) -> Summary:
    """The summary of at most one cell."""
    if not len(cells):
        return Summary(count=0, sum=0.0, min=None, max=None, cell=no_cells())
    return Summary(
        count=int(cells.count[0]),
        sum=float(cells.sum[0]),
        min=float(cells.min[0]),
        max=float(cells.max[0]),
        cell=cells,
    )
