"""Parts of a block: what one vendor had over all weddings and beside them, and single series."""

from collections.abc import Iterator

import numpy as np

from wedsync.metrics.block import Block
from wedsync.metrics.cells import join
from wedsync.metrics.grid import no_grid
from wedsync.metrics.marks import no_happenings, no_marks
from wedsync.metrics.selection import Selection, find
from wedsync.metrics.series import Series
from wedsync.metrics.summary import Summary, summary_of


def vendor_ids(block: Block) -> tuple[str, ...]:
    """The vendors that any series tells of, in order."""
    numbers = np.unique(block.series.vendor)
    return tuple(block.strings[number] for number in numbers.tolist() if number >= 0)


def of_vendor(block: Block, vendor_id: str) -> Block:
    """One vendor's series, without the tenant's totals and the weddings' facts."""
    number = find(block.strings, vendor_id)
    if number is None:
        return Block.empty()
    return Block(
        minute=block.minute,
        strings=block.strings,
        series=block.series.take(block.series.vendor == number),
        overall=no_grid(),
        marks=no_marks(),
        happenings=no_happenings(),
    ).compact()


def each_series(selection: Selection) -> Iterator[tuple[Series, Summary]]:
    """Every chosen series with what it amounts to, in the order of the grid."""
    grid = selection.grid
    cells = grid.cells.take(selection.rows[grid.cells.row])
    joined = join([(cells, cells.row)])
    at_row = {row: at for at, row in enumerate(joined.row.tolist())}
    rows = np.flatnonzero(selection.rows).tolist()
    for row, series in zip(rows, selection.series(), strict=True):
        if row in at_row:
            at = at_row[row]
            yield series, summary_of(joined.slice(at, at + 1))


def each_latest(selection: Selection) -> Iterator[tuple[Series, float, int]]:
    """The last value of every chosen gauge, with its time in ms."""
    last = selection.grid.latest
    held = zip(last.row.tolist(), last.value.tolist(), last.ts_ms.tolist(), strict=True)
    latest = {row: (value, ts_ms) for row, value, ts_ms in held}
    rows = np.flatnonzero(selection.rows).tolist()
    for row, series in zip(rows, selection.series(), strict=True):
        if row in latest:
            yield series, *latest[row]
