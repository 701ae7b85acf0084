"""What one tenant's points of one minute and pack amount to, as immutable columns.

A block holds every series with its histogram, the tenant's totals by the second, and what the
weddings' pages need. Merging is commutative and associative (sums up to rounding), over packs,
slots and minutes alike; over several minutes the seconds are given up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wedsync.metrics.blockcodec import (
    SEVERAL_MINUTES,
    Encoded,
    Parts,
    Stack,
    decode_parts,
    encode_parts,
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
        stack = stack_of([parts])
        minute = int(stack.minutes[0])
        return cls(
            minute=None if minute == SEVERAL_MINUTES else minute,
            strings=stack.strings,
            series=stack.series,
            overall=stack.overall,
            marks=stack.marks,
            happenings=stack.happenings,
        ).compact()

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
        if not self:
            return b""
        return encode_parts(
            Parts(
                minute=self.minute,
                strings=self.strings,
                series=self.series,
                overall=self.overall,
                marks=self.marks,
                happenings=self.happenings,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "Block":
        """The block that :meth:`encode` wrote.

        Raises:
            UnreadableBlock: a ValueError; the bytes are damaged, or of another version.

        """
        return cls(**decode_parts(data)._asdict()) if data else cls.empty()

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
    several = [at for at, group in enumerate(filled) if len(group) > 1]
    if several:
        joined = Encoded(stack_of([[*map(Block.decode, filled[at])] for at in several]))
        for number, at in enumerate(several):
            merged[at] = joined.of(number)
    return merged


def stack_of(groups: Sequence[Sequence[Block]]) -> Stack:
    """Each group's blocks as one; each of them must hold other points than the rest."""
    parts = [(lane, block) for lane, group in enumerate(groups) for block in group if block]
    strings, parts = _over_one_table(parts)
    minutes = np.full(len(groups), SEVERAL_MINUTES, np.int64)
    for lane, group in enumerate(groups):
        held = {block.minute for block in group if block}
        minute = held.pop() if len(held) == 1 else None
        minutes[lane] = SEVERAL_MINUTES if minute is None else minute
    keeps = (minutes != SEVERAL_MINUTES).tolist()
    series, series_lane = join_grids([(lane, block.series) for lane, block in parts], keeps)
    overall, overall_lane = join_grids([(lane, block.overall) for lane, block in parts], keeps)
    marks, marks_lane = join_marks([(lane, block.marks) for lane, block in parts])
    happened, happened_lane = join_happenings([(lane, block.happenings) for lane, block in parts])
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


def _over_one_table(
    parts: Sequence[tuple[int, Block]],
) -> tuple[tuple[str, ...], list[tuple[int, Block]]]:
    """The blocks with their strings renumbered into one sorted table."""
    tables = {id(block.strings): block.strings for _, block in parts}
    strings = tuple(sorted(set().union(*tables.values())))
    number = {text: at for at, text in enumerate(strings)}
    new = {
        each: np.array([*map(number.__getitem__, table), -1], np.int64)
        for each, table in tables.items()
    }
    return strings, [
        (lane, block._renamed(new[id(block.strings)], strings))  # noqa: SLF001 - its own class
        for lane, block in parts
    ]


def _run(sorted_numbers: Ints, number: int) -> slice:
    low, high = np.searchsorted(sorted_numbers, (number, number + 1)).tolist()
    return slice(low, high)
