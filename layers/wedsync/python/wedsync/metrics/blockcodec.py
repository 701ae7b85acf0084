"""The bytes of blocks: the same content gives the same bytes.

Layout: ``WB`` and the version, the form of the block, then one zstd frame (level 1, with its
content size) of what that form makes of it: ``smallblock`` or ``blockcolumns``, by how much the
block holds. What follows from the rest is stored in neither: counts are sums of weights, cells of
up to 8 observations are their observations.

A third form holds several blocks that amount to one: each behind its size. So something is added
to much without a look at what is there. Which of them hold the tenant's totals alone is told beside
the size.
"""

import struct
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import zstandard

from wedsync.metrics.blockcolumns import Columned, uncolumned
from wedsync.metrics.grid import Grid, Latest, no_grid
from wedsync.metrics.histogram import Ints
from wedsync.metrics.marks import no_happenings, no_marks
from wedsync.metrics.smallblock import packed, unpacked
from wedsync.metrics.stack import Parts, Stack

_MAGIC = b"WB\x02"
_SMALL, _COLUMNS, _SEVERAL = b"s", b"c", b"m"
_ENTRY = struct.Struct("<I?")
SMALL_CELLS = 256
"""A block of so many cells is small: written by itself, in few steps."""
_LEVEL = 1
_MOST_BYTES = 64 * 1024 * 1024


class UnreadableBlock(ValueError):
    """These bytes are no block, or one of another version."""


class Encoded:
    """The bytes of a stack's blocks, each on demand. A block that holds nothing has none.

    A text of a block that holds a control character, which no accepted point does, is a ValueError.
    """

    def __init__(self, stack: Stack) -> None:
        lanes = np.arange(len(stack.minutes) + 1)
        self._stack = stack
        self._series = _Shares.of(stack.series, stack.series_lane, lanes)
        self._overall = _Shares.of(stack.overall, stack.overall_lane, lanes)
        self._marks: list[int] = np.searchsorted(stack.marks_lane, lanes).tolist()
        self._happenings: list[int] = np.searchsorted(stack.happenings_lane, lanes).tolist()
        self._compress = zstandard.ZstdCompressor(level=_LEVEL).compress

    def of(self, lane: int) -> bytes:
        """One block."""
        if self._large(lane):
            return _MAGIC + _COLUMNS + self._compress(self._columned.of(lane))
        if not self._held(lane):
            return b""
        return self._small(lane, self._overall.share(lane))

    def _held(self, lane: int) -> bool:
        """Whether the block holds anything."""
        return bool(
            self._series.held(lane)
            or self._overall.held(lane)
            or self._marks[lane] < self._marks[lane + 1]
            or self._happenings[lane] < self._happenings[lane + 1]
        )

    def value_of(self, lane: int) -> bytes:
        """One block as it is kept where something may be added: a large one in its parts."""
        return joined(self.parts_of(lane)) if self._large(lane) else self.of(lane)

    def parts_of(self, lane: int) -> "list[Part]":
        """The same block in two parts, both in its form: the tenant's totals, and all the rest."""
        if self._large(lane):
            rest = _MAGIC + _COLUMNS + self._compress(self._columned_rest.of(lane))
            totals = self._large_totals(lane)
        else:
            rest, totals = self._small(lane, no_grid()), self.totals_of(lane)
        parts = (Part(rest, totals=False), Part(totals, totals=True))
        return [part for part in parts if part.block]

    def _large(self, lane: int) -> bool:
        return self._series.held(lane) + self._overall.held(lane) > SMALL_CELLS

    def _small(self, lane: int, overall: Grid) -> bytes:
        stack = self._stack
        marks = slice(self._marks[lane], self._marks[lane + 1])
        happenings = slice(self._happenings[lane], self._happenings[lane + 1])
        series = self._series.share(lane)
        if not (
            len(series)
            or len(overall)
            or marks.start < marks.stop
            or happenings.start < happenings.stop
        ):
            return b""
        parts = Parts(
            minute=int(stack.minutes[lane]),
            strings=stack.strings,
            series=series,
            overall=overall,
            marks=stack.marks.take(marks),
            happenings=stack.happenings.take(happenings),
        )
        return _MAGIC + _SMALL + self._compress(packed(parts))

    def totals_of(self, lane: int) -> bytes:
        """The same block with the tenant's totals alone."""
        cells = self._overall.held(lane)
        if cells > SMALL_CELLS:
            return self._large_totals(lane)
        if not cells:
            return b""
        parts = Parts(
            minute=int(self._stack.minutes[lane]),
            strings=self._stack.strings,
            series=no_grid(),
            overall=self._overall.share(lane),
            marks=no_marks(),
            happenings=no_happenings(),
        )
        return _MAGIC + _SMALL + self._compress(packed(parts))

    def _large_totals(self, lane: int) -> bytes:
        return _MAGIC + _COLUMNS + self._compress(self._columned_totals.of(lane))

    @cached_property
    def _columned(self) -> Columned:
        return Columned(self._stack)

    @cached_property
    def _columned_rest(self) -> Columned:
        none = np.empty(0, np.int64)
        return Columned(self._stack._replace(overall=no_grid(), overall_lane=none))

    @cached_property
    def _columned_totals(self) -> Columned:
        none = np.empty(0, np.int64)
        return Columned(
            self._stack._replace(
                series=no_grid(),
                series_lane=none,
                marks=no_marks(),
                marks_lane=none,
                happenings=no_happenings(),
                happenings_lane=none,
            )
        )


class _Shares(NamedTuple):
    """Where each lane's rows, cells and last values begin in a grid of all lanes."""

    grid: Grid
    rows: list[int]
    cells: list[int]
    latest: list[int]

    @classmethod
    def of(cls, grid: Grid, lane_of_row: Ints, lanes: Ints) -> "_Shares":
        rows = np.searchsorted(lane_of_row, lanes)
        cells = np.searchsorted(grid.cells.row, rows).tolist()
        latest = np.searchsorted(grid.latest.row, rows).tolist()
        return cls(grid, rows.tolist(), cells, latest)

    def held(self, lane: int) -> int:
        """How many cells one lane holds."""
        return self.cells[lane + 1] - self.cells[lane]

    def share(self, lane: int) -> Grid:
        """The rows of one lane."""
        first, end = self.rows[lane], self.rows[lane + 1]
        grid = self.grid
        if first == 0 and end == len(grid):
            return grid
        cells = grid.cells.slice(self.cells[lane], self.cells[lane + 1])
        last = slice(self.latest[lane], self.latest[lane + 1])
        return Grid(
            wedding=grid.wedding[first:end],
            vendor=grid.vendor[first:end],
            metric=grid.metric[first:end],
            kind=grid.kind[first:end],
            dims=grid.dims[first:end],
            cells=cells.with_rows(cells.row - first),
            latest=Latest(
                row=grid.latest.row[last] - first,
                ts_ms=grid.latest.ts_ms[last],
                tie=grid.latest.tie[last],
                value=grid.latest.value[last],
            ),
        )


def encode(parts: Parts) -> bytes:
    """The bytes of one block; nothing of one that holds nothing."""
    return Encoded(parts.stack()).of(0)


class Part(NamedTuple):
    """A block that with others amounts to one. ``totals``: it holds the tenant's totals alone."""

    block: bytes
    totals: bool


def joined(parts: Sequence[Part]) -> bytes:
    """These parts as one value."""
    if not parts:
        return b""
    entries = [_ENTRY.pack(len(part.block), part.totals) + part.block for part in parts]
    return b"".join((_MAGIC, _SEVERAL, *entries))


def parts_of(data: bytes) -> list[Part]:
    """The parts of such a value; a block by itself is one.

    Raises:
        UnreadableBlock: it is damaged.

    """
    if not is_several(data):
        return [Part(data, totals=False)] if data else []
    at = len(_MAGIC) + len(_SEVERAL)
    found = []
    while at < len(data):
        if at + _ENTRY.size > len(data):
            raise UnreadableBlock("a damaged block")
        size, totals = _ENTRY.unpack_from(data, at)
        at += _ENTRY.size
        found.append(Part(data[at : at + size], totals))
        at += size
    if at != len(data):
        raise UnreadableBlock("a damaged block")
    return found


def is_several(data: bytes) -> bool:
    """Whether these bytes are several blocks."""
    return data.startswith(_MAGIC + _SEVERAL)


def decode_all(blocks: Sequence[bytes]) -> list[tuple[Stack, list[int]]]:
    """All of these blocks in several stacks; beside each stands which of them it holds.

    What is several blocks occurs as often.

    Raises:
        UnreadableBlock: some are damaged, or of another version.

    """
    decompressor = zstandard.ZstdDecompressor()
    found: list[tuple[Stack, list[int]]] = []
    columned: list[bytes] = []
    columned_of: list[int] = []
    try:
        for at, data in enumerate(blocks):
            for part in parts_of(data):
                form, payload = _payload(part.block, decompressor)
                if form == _SMALL:
                    found.append((unpacked(payload).stack(), [at]))
                else:
                    columned.append(payload)
                    columned_of.append(at)
        if columned:
            found.append((uncolumned(columned), columned_of))
    except UnreadableBlock:
        raise
    except (zstandard.ZstdError, struct.error, ValueError, IndexError) as error:
        raise UnreadableBlock("a damaged block") from error
    return found


def _payload(data: bytes, decompressor: zstandard.ZstdDecompressor) -> tuple[bytes, bytes]:
    form = data[len(_MAGIC) : len(_MAGIC) + 1]
    if not data.startswith(_MAGIC) or form not in (_SMALL, _COLUMNS):
        raise UnreadableBlock("not a block of a known version")
    frame = memoryview(data)[len(_MAGIC) + 1 :]
    if not 0 <= zstandard.frame_content_size(frame) <= _MOST_BYTES:
        raise UnreadableBlock("a block of an impossible size")
    return form, decompressor.decompress(frame)
