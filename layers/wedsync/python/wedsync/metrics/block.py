"""What one tenant's points of one minute and pack amount to, as immutable columns.

A block holds every series with its histogram, the tenant's totals by the second, and what the
weddings' pages need. Merging is commutative and associative (sums up to rounding), over packs,
slots and minutes alike; over several minutes the seconds are given up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from wedsync.metrics.blockcodec import (
    Encoded,
    Part,
    UnreadableBlock,
    decode_all,
    encode,
    is_several,
    joined,
    parts_of,
)
from wedsync.metrics.facts import WeddingFacts
from wedsync.metrics.factsheet import facts_of
from wedsync.metrics.grid import Grid, join_grids, no_grid
from wedsync.metrics.histogram import Ints
from wedsync.metrics.marks import (
    Happenings,
    Marks,
    join_happenings,
    join_marks,
    no_happenings,
    no_marks,
)
from wedsync.metrics.selection import ANY, Selection, Wanted, find
from wedsync.metrics.stack import SEVERAL_MINUTES, Parts, Stack

__all__ = ["ANY", "PHOTO_UPLOAD", "Block"]

PHOTO_UPLOAD = "photo.upload"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Columns over one sorted table of strings. ``minute`` is ``None`` when it spans several."""

    minute: int | None
    strings: tuple[str, ...]
    series: Grid
    overall: Grid
    marks: Marks
    happenings: Happenings

    @classmethod
    def empty(cls) -> "Block":
        """Nothing: merging with it changes nothing."""
        return cls(
            minute=None,
            strings=(),
            series=no_grid(),
            overall=no_grid(),
            marks=no_marks(),
            happenings=no_happenings(),
        )

    @classmethod
    def merge(cls, blocks: Iterable["Block"]) -> "Block":
        """All of them together; each must hold other points than the rest."""
        parts = [block for block in blocks if block]
        if len(parts) < 2:
            return parts[0] if parts else cls.empty()
        lanes = [(part.parts().stack(), np.zeros(1, np.int64)) for part in parts]
        return cls._of(merge_stacks(lanes, lanes=1)).compact()

    def __bool__(self) -> bool:
        return bool(
            len(self.series) or len(self.overall) or len(self.marks) or len(self.happenings)
        )

    @property
    def points(self) -> int:
        """How many observations it holds; of totals alone, how many those hold."""
        grid = self.series if len(self.series) else self.overall
        return int(grid.cells.count.sum())

    def encode(self) -> bytes:
        """The bytes of this block; equal content gives equal bytes, and none gives none."""
        return encode(self.parts())

    def parts(self) -> Parts:
        """The same as it is encoded."""
        return Parts(
            minute=SEVERAL_MINUTES if self.minute is None else self.minute,
            strings=self.strings,
            series=self.series,
            overall=self.overall,
            marks=self.marks,
            happenings=self.happenings,
        )

    @classmethod
    def _of(cls, stack: Stack) -> "Block":
        """The only one of a stack."""
        minute = int(stack.minutes[0])
        return cls(
            minute=None if minute == SEVERAL_MINUTES else minute,
            strings=stack.strings,
            series=stack.series,
            overall=stack.overall,
            marks=stack.marks,
            happenings=stack.happenings,
        )

    @classmethod
    def decode(cls, data: bytes) -> "Block":
        """The block that :meth:`encode` wrote, or that several amount to.

        Raises:
            UnreadableBlock: a ValueError; the bytes are damaged, or of another version.

        """
        if not data:
            return cls.empty()
        stacks = decode_all([data])
        if len(stacks) == 1 and len(stacks[0][1]) == 1:
            return cls._of(stacks[0][0])
        lanes = [(stack, np.zeros(len(blocks), np.int64)) for stack, blocks in stacks]
        return cls._of(_merged(lanes, lanes=1)).compact()

    def wedding_ids(self) -> tuple[str, ...]:
        """The weddings that any series or fact tells of, in order."""
        numbers = np.unique(
            np.concatenate((self.series.wedding, self.marks.wedding, self.happenings.wedding))
        )
        return tuple(self.strings[number] for number in numbers.tolist() if number >= 0)

    def select(
        self,
        metric: str | None = None,
        *,
        wedding_id: Wanted = ANY,
        vendor_id: Wanted = ANY,
        **dims: str | None,
    ) -> Selection:
        """The series of a metric, a wedding, a vendor, with these dimensions.

        ``None`` for a wedding or vendor asks for series without one, ``ANY`` for all.
        """
        return (
            self._all(self.series)
            .narrowed("metric", ANY if metric is None else metric)
            .narrowed("wedding", wedding_id)
            .narrowed("vendor", vendor_id)
            .where(dims)
        )

    def totals(self, metric: str | None = None, **dims: str | None) -> Selection:
        """The tenant's totals over all weddings and vendors, by the second within one minute."""
        wanted: Wanted = ANY if metric is None else metric
        return self._all(self.overall).narrowed("metric", wanted).where(dims)

    def facts(self, wedding_id: Wanted) -> WeddingFacts:
        """What is known of one wedding; ``None`` asks for what belongs to none, ``ANY`` for all."""
        if wedding_id is ANY:
            return WeddingFacts.merge(map(self.facts, (None, *self.wedding_ids())))
        number = -1 if wedding_id is None else find(self.strings, wedding_id)
        if number is None:
            return WeddingFacts()
        uploads = self.select(PHOTO_UPLOAD, wedding_id=wedding_id).by("outcome")
        return facts_of(
            self.strings,
            self.marks.take(_run(self.marks.wedding, number)),
            self.happenings.take(_run(self.happenings.wedding, number)),
            uploads={outcome: summary.count for (outcome,), summary in uploads.items()},
        )

    def only(self, wedding_id: str) -> "Block":
        """What this block holds of one wedding, without the tenant's totals."""
        number = find(self.strings, wedding_id)
        if number is None:
            return Block.empty()
        return Block(
            minute=self.minute,
            strings=self.strings,
            series=self.series.take(self.series.wedding == number),
            overall=no_grid(),
            marks=self.marks.take(_run(self.marks.wedding, number)),
            happenings=self.happenings.take(_run(self.happenings.wedding, number)),
        ).compact()

    def totals_only(self) -> "Block":
        """The tenant's totals alone."""
        return Block(
            minute=self.minute,
            strings=self.strings,
            series=no_grid(),
            overall=self.overall,
            marks=no_marks(),
            happenings=no_happenings(),
        ).compact()

    def compact(self) -> "Block":
        """The same with a table of just the strings that it uses."""
        occurs = np.zeros(len(self.strings) + 1, np.bool_)  # -1 falls on the last
        for part in (self.series, self.overall, self.marks, self.happenings):
            for texts in part.texts():
                occurs[texts] = True
        used = np.flatnonzero(occurs[:-1])
        if len(used) == len(self.strings):
            return self
        if not len(used):
            return Block.empty()
        new = np.full(len(self.strings) + 1, -1, np.int64)
        new[used] = np.arange(len(used))
        return self._renamed(new, tuple(self.strings[number] for number in used.tolist()))

    def _renamed(self, new: Ints, strings: tuple[str, ...]) -> "Block":
        return Block(
            minute=self.minute,
            strings=strings,
            series=self.series.renamed(new),
            overall=self.overall.renamed(new),
            marks=self.marks.renamed(new),
            happenings=self.happenings.renamed(new),
        )

    def _all(self, grid: Grid) -> Selection:
        return Selection(strings=self.strings, grid=grid, rows=np.ones(len(grid), np.bool_))


def merge_all(groups: Sequence[Sequence[bytes]]) -> list[bytes]:
    """The bytes of each group's blocks as one, all groups at a go.

    Raises:
        UnreadableBlock: a ValueError; some bytes are damaged, or of another version.

    """
    filled = [[data for data in group if data] for group in groups]
    merged = [group[0] if group else b"" for group in filled]
    several = [
        at for at, group in enumerate(filled) if len(group) > 1 or any(map(is_several, group))
    ]
    if several:
        lane = np.array([number for number, at in enumerate(several) for _ in filled[at]])
        stacks = decode_all([data for at in several for data in filled[at]])
        parts = [(stack, lane[blocks]) for stack, blocks in stacks]
        encoded = Encoded(_merged(parts, lanes=len(several)))
        for number, at in enumerate(several):
            merged[at] = encoded.of(number)
    return merged


def _merged(parts: Sequence[tuple[Stack, Ints]], *, lanes: int) -> Stack:
    """Blocks that were read, merged: numbers that name nothing were damaged bytes."""
    try:
        return merge_stacks(parts, lanes=lanes)
    except (IndexError, ValueError) as error:
        raise UnreadableBlock("a damaged block") from error


def parted(data: bytes) -> list[Part]:
    """The parts of these bytes: the tenant's totals apart from all the rest.

    Raises:
        UnreadableBlock: a ValueError; they are damaged, or of another version.

    """
    if is_several(data) or not data:
        return parts_of(data)
    return Encoded(Block.decode(data).parts().stack()).parts_of(0)


def totals_of(data: bytes) -> bytes:
    """The tenant's totals of these bytes. Raises as :func:`parted` does."""
    return joined([part for part in parted(data) if part.totals])


def merge_stacks(parts: Sequence[tuple[Stack, Ints]], *, lanes: int) -> Stack:
    """Blocks of several stacks merged lane by lane; each holds other points than the rest.

    Beside each stack stands the lane of the whole that each of its own goes to, -1 for none.
    """
    strings, parts = _over_one_table(parts)
    minutes = _minutes(parts, lanes)
    keeps = minutes != SEVERAL_MINUTES
    series, series_lane = join_grids(
        [_chosen(each.series, each.series_lane, to) for each, to in parts], keeps
    )
    overall, overall_lane = join_grids(
        [_chosen(each.overall, each.overall_lane, to) for each, to in parts], keeps
    )
    marks, marks_lane = join_marks([_chosen(each.marks, each.marks_lane, to) for each, to in parts])
    happened, happened_lane = join_happenings(
        [_chosen(each.happenings, each.happenings_lane, to) for each, to in parts]
    )
    return Stack(
        minutes=minutes,
        strings=strings,
        series=series,
        series_lane=series_lane,
        overall=overall,
        overall_lane=overall_lane,
        marks=marks,
        marks_lane=marks_lane,
        happenings=happened,
        happenings_lane=happened_lane,
    )


def _minutes(parts: Sequence[tuple[Stack, Ints]], lanes: int) -> Ints:
    """The minute of each lane of the whole, where all that it is made of are of one."""
    lane: list[int] = []
    minute: list[int] = []
    for stack, to in parts:
        # A lane that holds nothing has a minute that says nothing.
        held = to >= 0
        if len(to) > 1:
            filled = np.zeros(len(to), np.bool_)
            for rows in (stack.series_lane, stack.overall_lane, stack.marks_lane):
                filled[rows] = True
            filled[stack.happenings_lane] = True
            held &= filled
        lane += to[held].tolist()
        minute += stack.minutes[held].tolist()
    of: dict[int, int] = {}
    for at, each in zip(lane, minute, strict=True):
        of[at] = each if of.get(at, each) == each else SEVERAL_MINUTES
    minutes = np.full(lanes, SEVERAL_MINUTES, np.int64)
    minutes[list(of)] = list(of.values())
    return minutes


_Rows = TypeVar("_Rows", Grid, Marks, Happenings)


def _chosen(rows: _Rows, lane: Ints, to: Ints) -> tuple[_Rows, Ints]:
    """The rows that go anywhere, and where."""
    lane = to[lane]
    kept = lane >= 0
    return (rows, lane) if kept.all() else (rows.take(kept), lane[kept])


def _over_one_table(
    parts: Sequence[tuple[Stack, Ints]],
) -> tuple[tuple[str, ...], list[tuple[Stack, Ints]]]:
    """The stacks with their strings renumbered into one sorted table."""
    strings = tuple(sorted(set().union(*(stack.strings for stack, _ in parts))))
    number = {text: at for at, text in enumerate(strings)}
    renamed = []
    for stack, to in parts:
        new = np.array([*map(number.__getitem__, stack.strings), -1], np.int64)
        renamed.append(
            (
                stack._replace(
                    series=stack.series.renamed(new),
                    overall=stack.overall.renamed(new),
                    marks=stack.marks.renamed(new),
                    happenings=stack.happenings.renamed(new),
                ),
                to,
            )
        )
    return strings, renamed


def _run(sorted_numbers: Ints, number: int) -> slice:
    low, high = np.searchsorted(sorted_numbers, (number, number + 1)).tolist()
    return slice(low, high)
