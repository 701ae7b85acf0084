"""Who was there: the vendors and guests that a block tells of, of many weddings at a go.

Each is told by when they were last seen, and guests by the smallest of their hashes: both are the
same in whatever order, and however often, blocks are merged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from wedsync.metrics.block import Block
from wedsync.metrics.facts import guests_estimated
from wedsync.metrics.grid import no_grid
from wedsync.metrics.marks import Role, no_happenings
from wedsync.metrics.selection import find


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """Who was at some weddings of late, and whether anything was ever heard of such.

    ``vendors`` are (wedding, vendor); ``guests`` counts by wedding, above 1,000 of one wedding
    estimated.
    """

    vendors_known: bool
    guests_known: bool
    vendors: frozenset[tuple[str, str]]
    guests: Mapping[str, int]


def seen_in(block: Block) -> Block:
    """What a block tells of vendors and guests, alone."""
    marks = block.marks
    chosen = (marks.role == Role.VENDOR_SEEN) | (marks.role == Role.GUEST)
    return Block(
        minute=None,
        strings=block.strings,
        series=no_grid(),
        overall=no_grid(),
        marks=marks.take(chosen),
        happenings=no_happenings(),
    ).compact()


def attendance(
    block: Block, wedding_ids: Iterable[str], *, vendors_since_ms: int, guests_since_ms: int
) -> Attendance:
    """Who was seen at these weddings at or after these times."""
    numbers = [find(block.strings, each) for each in wedding_ids]
    among = np.zeros(len(block.strings) + 1, np.bool_)  # -1, no wedding, falls on the last
    among[[each for each in numbers if each is not None]] = True
    marks = block.marks.take(among[block.marks.wedding])
    vendors = marks.take(marks.role == Role.VENDOR_SEEN)
    guests = marks.take(marks.role == Role.GUEST)
    late = vendors.ts_ms >= vendors_since_ms
    pairs = zip(vendors.wedding[late].tolist(), vendors.subject[late].tolist(), strict=True)
    kept = np.bincount(guests.wedding, minlength=len(block.strings))
    active = np.bincount(
        guests.wedding[guests.ts_ms >= guests_since_ms], minlength=len(block.strings)
    )
    largest = np.zeros(len(block.strings), np.uint64)
    np.maximum.at(largest, guests.wedding, guests.id)
    return Attendance(
        vendors_known=bool(len(vendors)),
        guests_known=bool(len(guests)),
        vendors=frozenset((block.strings[wedding], block.strings[each]) for wedding, each in pairs),
        guests={
            block.strings[each]: guests_estimated(
                int(active[each]), int(kept[each]), int(largest[each])
            )
            for each in np.flatnonzero(kept).tolist()
        },
    )
