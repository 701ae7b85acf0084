"""Some series of a block, chosen without a loop over all of them, and what they amount to."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

import numpy as np

from wedsync.metrics.cells import Cells, join
from wedsync.metrics.grid import KINDS, Grid
from wedsync.metrics.histogram import Bools, Ints
from wedsync.metrics.series import Dims, Series, decode_dims
from wedsync.metrics.summary import Summary, summary_of


class Any(Enum):
    """The mark of "whichever"; ``None`` asks for series that have none."""

    ANY = "any"


ANY: Final = Any.ANY
Wanted = str | None | Literal[Any.ANY]

_COLUMNS = {"wedding_id": "wedding", "vendor_id": "vendor", "metric": "metric"}
"""Names that may stand beside dimensions when grouping."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """Rows of a grid. Selecting further narrows it; nothing is copied before it is asked for."""

    strings: tuple[str, ...]
    grid: Grid
    rows: Bools

    def __bool__(self) -> bool:
        return bool(self.rows.any())

    def narrowed(self, column: str, wanted: Wanted) -> "Selection":
        """The series whose wedding, vendor or metric is the wanted one."""
        if wanted is ANY:
            return self
        number = -1 if wanted is None else find(self.strings, wanted)
        if number is None:
            return self._with(np.zeros(len(self.rows), np.bool_))
        texts: Ints = getattr(self.grid, column)
        return self._with(self.rows & (texts == number))

    def where(self, dims: Mapping[str, str | None]) -> "Selection":
        """The series with these dimensions; ``None`` asks for those that lack one."""
        if not dims or not self:
            return self
        numbers, inverse = self._distinct_dims()
        fitting = np.array(
            [
                all(held.get(name) == value for name, value in dims.items())
                for held in map(dict, map(self._dims, numbers))
            ]
        )
        rows = self.rows.copy()
        rows[rows] = fitting[inverse]
        return self._with(rows)

    def among(self, dims: Mapping[str, Sequence[str]]) -> "Selection":
        """The series that have, of each of these dimensions, one of the values."""
        if not dims or not self:
            return self
        numbers, inverse = self._distinct_dims()
        held = [dict(self._dims(number)) for number in numbers]
        fitting = [all(each.get(name) in wanted for name, wanted in dims.items()) for each in held]
        rows = self.rows.copy()
        rows[rows] = np.array(fitting)[inverse]
        return self._with(rows)

    def of_vendors(self, vendor_ids: Sequence[str]) -> "Selection":
        """The series of any of these vendors."""
        numbers = [
            number for each in vendor_ids if (number := find(self.strings, each)) is not None
        ]
        return self._with(self.rows & np.isin(self.grid.vendor, numbers))

    def series(self) -> tuple[Series, ...]:
        """The chosen series, in the order of the grid."""
        grid = self.grid
        return tuple(
            Series(
                wedding_id=self._text(grid.wedding[row]),
                vendor_id=self._text(grid.vendor[row]),
                metric=self.strings[grid.metric[row]],
                kind=KINDS[grid.kind[row]],
                dims=self._dims(grid.dims[row]),
            )
            for row in np.flatnonzero(self.rows)
        )

    def summary(self) -> Summary:
        """All observations of the chosen series together."""
        cells = self._cells()
        return summary_of(join([(cells, np.zeros(len(cells), np.int64))]))

    def by(self, *names: str) -> dict[tuple[str | None, ...], Summary]:
        """One summary per combination of dimensions (also "wedding_id", "vendor_id", "metric")."""
        groups, group_of = self._groups(names)
        cells = self._cells()
        joined = join([(cells, group_of[cells.row])])
        return {
            groups[row]: summary_of(joined.slice(at, at + 1))
            for at, row in enumerate(joined.row.tolist())
        }

    def latest(self) -> tuple[float, int] | None:
        """The last value of the chosen gauges, with its time in ms."""
        return next(iter(self._latest(np.zeros(len(self.rows), np.int64)).values()), None)

    def latest_by(self, name: str) -> dict[str | None, tuple[float, int]]:
        """The last value of the chosen gauges per value of one dimension, each with its time."""
        return {key: last for (key,), last in self.latest_of(name).items()}

    def latest_of(self, *names: str) -> dict[tuple[str | None, ...], tuple[float, int]]:
        """The last value of the chosen gauges per combination of dimensions, each with its time."""
        groups, group_of = self._groups(names)
        return {groups[group]: last for group, last in self._latest(group_of).items()}

    def per_second(self) -> dict[int, Summary]:
        """One summary per second of the minute, for those that were kept by the second."""
        cells = self._cells()
        joined = join([(cells, cells.second)])
        return {
            second: summary_of(joined.slice(at, at + 1))
            for at, second in enumerate(joined.row.tolist())
            if second >= 0
        }

    @property
    def seconds_kept(self) -> bool:
        """Whether :meth:`per_second` tells of every observation chosen here."""
        return not bool((self._cells().second < 0).any())

    def _with(self, rows: Bools) -> "Selection":
        return Selection(strings=self.strings, grid=self.grid, rows=rows)

    def _cells(self) -> Cells:
        return self.grid.cells.take(self.rows[self.grid.cells.row])

    def _text(self, number: int) -> str | None:
        return None if number < 0 else self.strings[number]

    def _dims(self, number: int) -> Dims:
        return () if number < 0 else decode_dims(self.strings[number])

    def _distinct_dims(self) -> tuple[list[int], Ints]:
        numbers, inverse = np.unique(self.grid.dims[self.rows], return_inverse=True)
        return numbers.tolist(), inverse.astype(np.int64)

    def _groups(self, names: tuple[str, ...]) -> tuple[list[tuple[str | None, ...]], Ints]:
        """The groups in a fixed order, and the group of each row (0 for rows not chosen)."""
        numbers, inverse = self._distinct_dims()
        held = [dict(self._dims(number)) for number in numbers]
        columns: list[list[str | None]] = []
        for name in names:
            if name in _COLUMNS:
                texts: Ints = getattr(self.grid, _COLUMNS[name])
                columns.append([self._text(number) for number in texts[self.rows].tolist()])
            else:
                column = [dims.get(name) for dims in held]
                columns.append([column[at] for at in inverse.tolist()])
        keys = list(zip(*columns, strict=True)) if names else [()] * len(inverse)
        groups = {key: group for group, key in enumerate(dict.fromkeys(keys))}
        group_of = np.zeros(len(self.rows), np.int64)
        group_of[self.rows] = [groups[key] for key in keys]
        return list(groups), group_of

    def _latest(self, group_of: Ints) -> dict[int, tuple[float, int]]:
        last = self.grid.latest
        chosen = np.flatnonzero(self.rows[last.row])
        order = np.lexsort((last.value[chosen], last.tie[chosen], last.ts_ms[chosen]))
        chosen = chosen[order]
        groups = group_of[last.row[chosen]].tolist()
        values = zip(last.value[chosen].tolist(), last.ts_ms[chosen].tolist(), strict=True)
        return dict(zip(groups, values, strict=True))  # the last of a group wins


def find(strings: tuple[str, ...], text: str) -> int | None:
    """The number of a text in a sorted table."""
    at = bisect_left(strings, text)
    return at if at < len(strings) and strings[at] == text else None
