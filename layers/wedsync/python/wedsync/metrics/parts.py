"""The part of a block that one vendor had, over all weddings and beside them."""

import numpy as np

from wedsync.metrics.block import Block
from wedsync.metrics.grid import no_grid
from wedsync.metrics.marks import no_happenings, no_marks
from wedsync.metrics.selection import find


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
