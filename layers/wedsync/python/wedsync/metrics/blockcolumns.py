"""Large blocks as bytes before they are compressed: many at a go.

A byte count and the strings (UTF-8, separated by 0x1E), the type code and the length of every
column, and the columns. A column holds its numbers in the narrowest type that fits, plane by plane
(all first bytes, then all second bytes …), which compresses better; where all are equal, it holds
one. Doubles that are all whole tenths, hundredths or thousandths are stored as those, when dividing
gives back every bit. What follows from other columns is not stored: rows lie in runs of one wedding
and vendor and name one of few (metric, kind, dimensions).

What can be found in one pass over all blocks is.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from wedsync.metrics.cells import Cells, Cut, told_cells
from wedsync.metrics.grid import Grid, Latest
from wedsync.metrics.histogram import (
    Bools,
    Floats,
    Ints,
    Words,
    bin_numbers,
    dense_ids,
    edges_of,
)
from wedsync.metrics.marks import Happenings, Marks
from wedsync.metrics.stack import SCALES, UNSCALED, Stack, joined, parted

_NARROWING = tuple(map(np.dtype, ("<u1", "<i1", "<u2", "<i2", "<u4", "<i4", "<i8")))
_TYPES = (*_NARROWING, np.dtype("<f8"), np.dtype("<u8"))
_PLANES = tuple(range(each.itemsize) for each in _TYPES)
_ITEM_SIZES = np.array([each.itemsize for each in _TYPES])
_FLOAT, _WORD = len(_NARROWING), len(_NARROWING) + 1
_BOUNDS = tuple((int(np.iinfo(each).min), int(np.iinfo(each).max)) for each in _NARROWING)
_TYPE_MASK, _SCALE_SHIFT, _SCALE_MASK, _EQUAL = 0b1111, 4, 0b11, 0x80
_WHOLE_BELOW = 2.0**53
_SIZE = np.dtype("<u4")
_MOST_BYTES = 64 * 1024 * 1024


class Columned:
    """All blocks of a stack, laid out: what one pass over all can find is found."""

    def __init__(self, stack: Stack) -> None:
        self._texts, columns = _laid_out(stack)
        self._written = _Written(columns, len(stack.minutes))

    def of(self, lane: int) -> bytes:
        """One block."""
        text = joined(self._texts[lane])
        return b"".join((len(text).to_bytes(4, "little"), text, *self._written.of(lane)))


def uncolumned(payloads: Sequence[bytes]) -> Stack:
    """The blocks that all of these hold; the strings are those of one after those of the other.

    Raises ValueError or IndexError where they are damaged.
    """
    strings: list[str] = []
    texts: list[int] = []
    rests: list[bytes] = []
    for payload in payloads:
        size = int.from_bytes(payload[:4], "little")
        texts.append(len(strings))
        strings += parted(payload[4 : 4 + size])
        rests.append(payload[4 + size :])
    return _unpacked(tuple(strings), np.array(texts, np.int64), _Reader(rests))


Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64] | npt.NDArray[np.uint64]


class _Column(NamedTuple):
    """One column of all blocks; ``bounds[i]`` is where that of block ``i`` begins."""

    values: Numbers
    bounds: Ints


class _Written:
    """All columns in the form in which each block holds them; types are chosen at one go."""

    def __init__(self, columns: Sequence[_Column], lanes: int) -> None:
        bounds = np.array([each.bounds for each in columns])
        lengths = bounds[:, 1:] - bounds[:, :-1]
        codes = np.zeros(lengths.shape, np.uint8)
        self._sources: list[Numbers] = []
        whole: list[tuple[npt.NDArray[np.uint8], Ints, Ints, Ints]] = []
        for each, code, length in zip(columns, codes, lengths, strict=True):
            filled = length.nonzero()[0]
            values = each.values
            if len(filled):
                starts = each.bounds[:-1][filled]
                code[filled], values = _scaled(values, starts, length[filled])
                if values.dtype.kind == "i":
                    low = np.minimum.reduceat(values, starts)
                    whole.append((code, filled, low, np.maximum.reduceat(values, starts)))
            self._sources.append(values)
        _narrow(whole)
        self._starts: list[list[int]] = bounds[:, :-1].T.tolist()
        self._ends: list[list[int]] = np.where(
            codes & _EQUAL, bounds[:, :-1] + 1, bounds[:, 1:]
        ).T.tolist()
        code_heads, length_heads = codes.T.copy(), lengths.T.astype(_SIZE)
        self._heads = [
            code_heads[lane].tobytes() + length_heads[lane].tobytes() for lane in range(lanes)
        ]
        self._kinds: list[list[int]] = (codes & _TYPE_MASK).T.tolist()
        lane_of, column_of = lengths.T.nonzero()
        of_lane = np.searchsorted(lane_of, np.arange(lanes + 1)).tolist()
        filled = column_of.tolist()
        self._filled: list[list[int]] = [filled[low:high] for low, high in pairwise(of_lane)]
        sizes = (_ITEM_SIZES[codes & _TYPE_MASK] * (lengths > 0)).max(axis=1, initial=0)
        self._planes = list(map(_planes_of, self._sources, sizes.tolist()))

    def of(self, lane: int) -> list[bytes | memoryview]:
        """One block's types, lengths and numbers."""
        starts, ends, kinds = self._starts[lane], self._ends[lane], self._kinds[lane]
        parts: list[bytes | memoryview] = [self._heads[lane]]
        for column in self._filled[lane]:
            low, high, planes = starts[column], ends[column], self._planes[column]
            parts += [planes[number][low:high] for number in _PLANES[kinds[column]]]
        return parts


def _planes_of(values: Numbers, size: int) -> tuple[memoryview, ...]:
    """The lowest bytes of every number of a column, plane by plane.

    Narrow types hold the lowest bytes of the wide one, so these are the same for all types.
    """
    planes = values.view(np.uint8).reshape(len(values), 8)
    return tuple(memoryview(planes[:, number].tobytes()) for number in range(size))


def _scaled(values: Numbers, starts: Ints, length: Ints) -> tuple[npt.NDArray[np.uint8], Numbers]:
    """How each segment of a column is written, and the numbers that are.

    Of whole numbers the type is still to be chosen; doubles that are not whole in any of the scales
    keep their bits.
    """
    if values.dtype.kind == "u":
        return np.full(len(starts), _WORD, np.uint8), values
    code = np.zeros(len(starts), np.uint8)
    if values.dtype.kind == "i":
        return code, values
    power = _powers(values.view(np.float64), starts, length)
    decimal = power < UNSCALED
    if not decimal.any():
        return np.full(len(starts), _FLOAT, np.uint8), values
    code[:] = power << _SCALE_SHIFT
    scales = np.array([*SCALES, 0.0])[power]
    scaled = np.rint(values * (scales[0] if len(scales) == 1 else scales.repeat(length)))
    if decimal.all():
        return code, scaled.astype(np.int64)
    code[~decimal] = _FLOAT
    whole = decimal.repeat(length)
    kept = np.where(whole, scaled, 0.0).astype(np.int64)
    kept[~whole] = values[~whole].view(np.int64)
    return code, kept


def _narrow(columns: Sequence[tuple[npt.NDArray[np.uint8], Ints, Ints, Ints]]) -> None:
    """Choose the types of whole numbers: beside a column's codes stand which, and their bounds."""
    if not columns:
        return
    low = np.concatenate([each for _, _, each, _ in columns])
    high = np.concatenate([each for _, _, _, each in columns])
    narrowest = _narrowest(low, high)
    narrowest[low == high] |= _EQUAL
    at = 0
    for code, filled, _, _ in columns:
        told = code[filled]
        chosen = narrowest[at : at + len(filled)]
        code[filled] = np.where(told == _FLOAT, told, told | chosen)
        at += len(filled)


def _powers(values: Floats, starts: Ints, length: Ints) -> npt.NDArray[np.uint8]:
    """The least number of decimals that gives back each segment bit by bit; 4 if none does.

    What fits some number of decimals fits more of them. So one look at the first of each segment
    tells below what number there is no need to look at all of it.
    """
    powers = np.full(len(starts), UNSCALED, np.uint8)
    left = np.arange(len(starts))
    for power in range(UNSCALED):
        able = left[_fits(values[starts[left]], power)]
        if not len(able):
            continue
        rows = values
        begins = starts
        if len(able) < len(starts):
            chosen = np.zeros(len(starts), np.bool_)
            chosen[able] = True
            rows = values[np.repeat(chosen, length)]
            begins = np.cumsum(length[able]) - length[able]
        fitting = able[np.logical_and.reduceat(_fits(rows, power), begins)]
        powers[fitting] = power
        left = left[powers[left] == UNSCALED]
        if not len(left):
            break
    return powers


def _fits(values: Floats, power: int) -> Bools:
    """Which of these come back from whole numbers of so many decimals."""
    scaled = np.rint(values * SCALES[power])
    fits: Bools = (scaled / SCALES[power] == values) & (np.abs(scaled) < _WHOLE_BELOW)
    return fits


def _narrowest(low: Ints, high: Ints) -> npt.NDArray[np.uint8]:
    """The first type that holds both."""
    code = np.full(len(low), len(_BOUNDS) - 1, np.uint8)
    for at in reversed(range(len(_BOUNDS) - 1)):
        least, most = _BOUNDS[at]
        code[(low >= least) & (high <= most)] = at
    return code


def _laid_out(stack: Stack) -> tuple[list[list[str]], list[_Column]]:
    """The strings of each block, and the columns in the order in which they are stored."""
    lanes = len(stack.minutes)
    texts = _Texts(len(stack.strings))
    columns = [_Column(stack.minutes, np.arange(lanes + 1))]
    for grid, lane in ((stack.series, stack.series_lane), (stack.overall, stack.overall_lane)):
        columns += _grid_columns(grid, lane, lanes, texts)
    marks, lane = stack.marks, stack.marks_lane
    bounds = _bounds(lane, lanes)
    columns += [texts.column(marks.wedding, lane, bounds), _Column(marks.role, bounds)]
    columns += [texts.column(marks.subject, lane, bounds), _Column(marks.id, bounds)]
    columns += _from_least(marks.ts_ms, bounds)
    happened, lane = stack.happenings, stack.happenings_lane
    bounds = _bounds(lane, lanes)
    columns.append(_Column(happened.id, bounds))
    columns += [
        texts.column(numbers, lane, bounds)
        for numbers in (
            happened.wedding,
            happened.type,
            happened.vendor,
            happened.guest,
            happened.summary,
        )
    ]
    columns += _from_least(happened.ts_ms, bounds)
    return texts.numbered(stack.strings, lanes), columns


class _Texts:
    """Numbers of texts are asked for column by column and given once all have been seen."""

    def __init__(self, width: int) -> None:
        self._width = max(width, 1)
        self._asked: list[tuple[Ints, Ints]] = []

    def column(self, numbers: Ints, lane: Ints, bounds: Ints) -> _Column:
        """A column that will hold the numbers of these texts within their block."""
        column = numbers.copy()
        if len(column):
            self._asked.append((column, lane))
        return _Column(column, bounds)

    def numbered(self, strings: Sequence[str], lanes: int) -> list[list[str]]:
        """The texts of each block, in order; the columns are filled in."""
        if not self._asked:
            return [[] for _ in range(lanes)]
        together = np.concatenate([column for column, _ in self._asked])
        lane = np.concatenate([lane for _, lane in self._asked])
        some = together >= 0
        pairs = lane[some] * self._width + together[some]
        first, number = dense_ids(pairs)
        used = pairs[first]
        bounds = np.searchsorted(used, np.arange(lanes + 1) * self._width)
        together[some] = number - bounds[lane[some]]
        at = 0
        for column, _ in self._asked:
            column[:] = together[at : at + len(column)]
            at += len(column)
        names = np.array(strings, np.object_)[used % self._width].tolist()
        places = bounds.tolist()
        return [names[low:high] for low, high in pairwise(places)]


def _bounds(lane: Ints, lanes: int) -> Ints:
    return np.searchsorted(lane, np.arange(lanes + 1))


def _grid_columns(grid: Grid, lane: Ints, lanes: int, texts: _Texts) -> Iterable[_Column]:
    if not len(grid):
        yield from [_Column(_NO_INTS, np.zeros(lanes + 1, np.int64))] * _GRID_COLUMNS
        return
    rows = _bounds(lane, lanes)
    change = np.ones(len(grid), np.bool_)
    change[1:] = (
        (lane[1:] != lane[:-1])
        | (grid.wedding[1:] != grid.wedding[:-1])
        | (grid.vendor[1:] != grid.vendor[:-1])
    )
    place = np.flatnonzero(change)
    places = _bounds(lane[place], lanes)
    measure, measure_of = dense_ids(lane, grid.metric, grid.kind, grid.dims)
    measures = _bounds(lane[measure], lanes)
    yield texts.column(grid.wedding[place], lane[place], places)
    yield texts.column(grid.vendor[place], lane[place], places)
    yield _Column(_gaps(place, len(grid)), places)
    yield texts.column(grid.metric[measure], lane[measure], measures)
    yield _Column(grid.kind[measure], measures)
    yield texts.column(grid.dims[measure], lane[measure], measures)
    yield _Column(measure_of - measures[lane], rows)
    yield from _cell_columns(grid.cells, rows)
    last = grid.latest
    if not len(last):
        yield from [_Column(_NO_INTS, np.zeros(lanes + 1, np.int64))] * _LATEST_COLUMNS
        return
    held = np.searchsorted(last.row, rows)
    yield _Column(_steps(last.row, rows, held), held)
    yield _Column(last.tie, held)
    yield _Column(last.value, held)
    yield from _from_least(last.ts_ms, held)


def _cell_columns(cells: Cells, rows: Ints) -> Iterable[_Column]:
    bounds = np.searchsorted(cells.row, rows)
    lengths = cells.start[1:] - cells.start[:-1]
    entries = cells.start[bounds]
    cuts = _before(cells.is_cut)[bounds]
    of_cut: Bools = np.repeat(cells.is_cut, lengths)
    in_cut = _before(of_cut)
    yield _Column(_steps(cells.row, rows, bounds), bounds)
    yield _Column(cells.second, bounds)
    yield _Column(lengths, bounds)
    yield _Column(cells.weights, entries)
    yield _Column(cells.keys[~of_cut], entries - in_cut[entries])
    if not in_cut[-1]:
        yield from [_Column(_NO_INTS, cuts)] * _CUT_COLUMNS
        return
    bins = bin_numbers(cells.keys[of_cut])
    first = in_cut[cells.start[:-1][cells.is_cut]]
    inner = np.ones(len(bins), np.bool_)
    inner[first] = False
    steps = bins.copy()
    steps[1:] -= bins[:-1]
    yield _Column(bins[first], cuts)
    yield _Column(steps[inner], in_cut[entries] - cuts)
    for values in (cells.cut.sum, cells.cut.min, cells.cut.max):
        yield _Column(values, cuts)


def _before(chosen: Bools) -> Ints:
    """How many are chosen before each place, and in all."""
    before = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(chosen, out=before[1:])
    return before


def _gaps(starts: Ints, end: int) -> Ints:
    """How long each run is."""
    ends = np.empty_like(starts)
    ends[:-1] = starts[1:]
    ends[-1:] = end
    gaps: Ints = ends - starts
    return gaps


def _steps(row: Ints, rows: Ints, bounds: Ints) -> Ints:
    """Row numbers within each block as steps from the one before."""
    steps = row.copy()
    steps[1:] -= row[:-1]
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    starts = bounds[:-1][filled]
    steps[starts] = row[starts] - rows[:-1][filled]
    return steps


def _from_least(times: Ints, bounds: Ints) -> tuple[_Column, _Column]:
    """The earliest time of each block, and how much later each is."""
    if not len(times):
        return _Column(times, bounds), _Column(times, bounds)
    lengths = bounds[1:] - bounds[:-1]
    filled = lengths > 0
    least = np.minimum.reduceat(times, bounds[:-1][filled])
    later = times - np.repeat(least, lengths[filled])
    return _Column(least, _before(filled)), _Column(later, bounds)


_LATEST_COLUMNS, _CUT_COLUMNS, _GRID_COLUMNS = 5, 5, 22
_NO_INTS = np.empty(0, np.int64)
_COLUMNS = 1 + 2 * _GRID_COLUMNS + 6 + 8


class _Reader:
    """Takes column after column off the payloads of all blocks."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.blocks = len(payloads)
        head = _COLUMNS + _COLUMNS * _SIZE.itemsize
        if min(map(len, payloads), default=head) < head:
            raise ValueError("a block that ends within its head")
        self._data = np.frombuffer(b"".join(payloads), np.uint8)
        sizes = np.array([len(payload) for payload in payloads], np.int64)
        begins = np.cumsum(sizes) - sizes
        heads = self._data[begins[:, None] + np.arange(head)]
        codes = heads[:, :_COLUMNS]
        lengths = np.ascontiguousarray(heads[:, _COLUMNS:]).view(_SIZE).astype(np.int64)
        kinds = codes & _TYPE_MASK
        if self.blocks and (
            int(lengths.sum(axis=1).max()) > _MOST_BYTES or int(kinds.max()) >= len(_TYPES)
        ):
            raise ValueError("a block of an impossible size")
        equal = (codes & _EQUAL) != 0
        held = np.where(equal, np.minimum(lengths, 1), lengths)
        ends = np.cumsum(held * _ITEM_SIZES[kinds], axis=1)
        if self.blocks and (ends[:, -1] + head != sizes).any():
            raise ValueError("a block of another length than its columns")
        starts = np.zeros_like(ends)
        starts[:, 1:] = ends[:, :-1]
        starts += (begins + head)[:, None]
        self._columns = lengths.T.copy()
        self._held = held.T.copy()
        self._powers = (codes >> _SCALE_SHIFT & _SCALE_MASK).T.copy()
        self._equal = equal.T.copy()
        self._starts = starts.T.copy()
        self._kinds = kinds.T.copy()
        self._at = 0

    def _next(self, dtype: npt.DTypeLike) -> tuple[npt.NDArray[Any], int]:
        """All numbers of a column, and which column it is."""
        at = self._at
        self._at += 1
        held = self._held[at]
        filled = np.flatnonzero(held)
        if not len(filled):
            return np.empty(0, dtype), at
        held, kinds, starts = held[filled], self._kinds[at][filled], self._starts[at][filled]
        distinct = set(kinds.tolist())
        if len(distinct) == 1:
            values = self._planes(distinct.pop(), starts, held).astype(dtype)
        else:
            values = np.empty(int(held.sum()), dtype)
            for kind in distinct:
                of_kind = kinds == kind
                told = self._planes(kind, starts[of_kind], held[of_kind])
                values[np.repeat(of_kind, held)] = told
        equal = self._equal[at]
        if equal.any():  # told once for the whole block
            times = np.where(equal, self._columns[at], 1)[filled]
            values = np.repeat(values, np.repeat(times, held))
        return values, at

    def _planes(self, kind: int, starts: Ints, held: Ints) -> npt.NDArray[Any]:
        """What lies at these places, each so long, in this type."""
        data, dtype = self._data, _TYPES[kind]
        places = list(zip(starts.tolist(), held.tolist(), strict=True))
        if dtype.itemsize == 1:
            return np.concatenate([data[at : at + size] for at, size in places]).view(dtype)
        raw = np.empty((int(held.sum()), dtype.itemsize), np.uint8)
        for plane in range(dtype.itemsize):
            raw[:, plane] = np.concatenate(
                [data[at + plane * size : at + (plane + 1) * size] for at, size in places]
            )
        return raw.view(dtype)[:, 0]

    def ints(self) -> tuple[Ints, Ints]:
        """A column of whole numbers, and how many are of each block."""
        values, at = self._next(np.int64)
        return values, self._columns[at]

    def floats(self) -> Floats:
        """A column of doubles."""
        floats: Floats
        floats, at = self._next(np.float64)
        powers = self._powers[at]
        if powers.any():
            floats /= np.repeat(np.array(SCALES)[powers], self._columns[at])
        return floats

    def words(self) -> Words:
        """A column of 64-bit words."""
        words: Words
        words, _ = self._next(np.uint64)
        return words

    def times(self) -> Ints:
        """A column of times, from the least of each block."""
        least, each = self.ints()
        later, lengths = self.ints()
        if not len(later):
            return later
        if not np.array_equal(each > 0, lengths > 0):
            raise ValueError("times without a beginning")
        return later + least.repeat(lengths[lengths > 0])

    def texts(self, base: Ints) -> tuple[Ints, Ints]:
        """A column of numbers of texts, each block's after those of the blocks before."""
        numbers, lengths = self.ints()
        if self.blocks == 1:
            return numbers, lengths
        return np.where(numbers < 0, numbers, numbers + base.repeat(lengths)), lengths

    def rows(self, base: Ints) -> Ints:
        """A column of steps, as rows that begin at ``base`` in each block."""
        steps, lengths = self.ints()
        rows: Ints = steps.cumsum()
        if self.blocks == 1:
            return rows
        filled = lengths > 0
        starts = (lengths.cumsum() - lengths)[filled]
        before = rows[starts] - steps[starts]
        return rows + (base[filled] - before).repeat(lengths[filled])


def _unpacked(strings: tuple[str, ...], texts: Ints, read: _Reader) -> Stack:
    block = np.arange(read.blocks)
    minutes, _ = read.ints()
    series, series_rows = _grid(read, texts)
    overall, overall_rows = _grid(read, texts)
    wedding, marked = read.texts(texts)
    marks = Marks(
        wedding=wedding,
        role=read.ints()[0],
        subject=read.texts(texts)[0],
        id=read.words(),
        ts_ms=read.times(),
    )
    each, happened = read.ints()
    wedding, kind, vendor, guest, summary = (read.texts(texts)[0] for _ in range(5))
    happenings = Happenings(
        wedding=wedding,
        ts_ms=read.times(),
        id=each,
        type=kind,
        vendor=vendor,
        guest=guest,
        summary=summary,
    )
    return Stack(
        minutes=minutes,
        strings=strings,
        series=series,
        series_lane=np.repeat(block, series_rows),
        overall=overall,
        overall_lane=np.repeat(block, overall_rows),
        marks=marks,
        marks_lane=np.repeat(block, marked),
        happenings=happenings,
        happenings_lane=np.repeat(block, happened),
    )


def _grid(read: _Reader, texts: Ints) -> tuple[Grid, Ints]:
    """The rows of all blocks, and how many are of each."""
    wedding, _ = read.texts(texts)
    vendor, _ = read.texts(texts)
    runs, _ = read.ints()
    metric, measures = read.texts(texts)
    kind, _ = read.ints()
    dims, _ = read.texts(texts)
    measure, rows = read.ints()
    measure += np.repeat(np.cumsum(measures) - measures, rows)
    base = np.cumsum(rows) - rows
    cells = _cells(read, base)
    row = read.rows(base)
    tie, _ = read.ints()
    value = read.floats()
    grid = Grid(
        wedding=np.repeat(wedding, runs),
        vendor=np.repeat(vendor, runs),
        metric=metric[measure],
        kind=kind[measure],
        dims=dims[measure],
        cells=cells,
        latest=Latest(row=row, ts_ms=read.times(), tie=tie, value=value),
    )
    return grid, rows


def _cells(read: _Reader, base: Ints) -> Cells:
    row = read.rows(base)
    (second, _), (lengths, _), (weights, _) = read.ints(), read.ints(), read.ints()
    exact, (bin_first, _), (bin_steps, _) = read.floats(), read.ints(), read.ints()
    cut_sum, cut_min, cut_max = read.floats(), read.floats(), read.floats()
    return told_cells(
        row=row,
        second=second,
        lengths=lengths,
        weights=weights,
        exact=exact,
        edges=lambda of_cut: _edges(bin_first, bin_steps, of_cut),
        cut=Cut(sum=cut_sum, min=cut_min, max=cut_max),
    )


def _edges(first: Ints, steps: Ints, lengths: Ints) -> Floats:
    """The edges of the bins, from the first of each cell and the steps between the others."""
    starts = np.cumsum(lengths) - lengths
    bins = np.zeros(len(first) + len(steps), np.int64)
    inner = np.ones(len(bins), np.bool_)
    inner[starts] = False
    bins[inner] = steps
    bins[starts] = first
    bins = np.cumsum(bins)
    bins -= np.repeat(bins[starts] - first, lengths)
    return edges_of(bins)
