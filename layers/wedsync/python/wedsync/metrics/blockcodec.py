"""The bytes of a block: the same content gives the same bytes.

Layout: ``WB`` and the version, then one zlib stream (level 1) of a byte count and the strings
(UTF-8, separated by 0x1E), then a fixed sequence of columns. A column is a type code, its
length, and its numbers in the narrowest type that holds them, stored plane by plane (all first
bytes, then all second bytes …), which compresses better. Doubles that are all whole tenths,
hundredths or thousandths are stored as those, when dividing gives back every bit. What follows
from other columns is not stored: counts are sums of weights, and cells of up to 8 observations
are their observations.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wedsync.metrics.cells import Cells, exact_sums, no_cells
from wedsync.metrics.grid import Grid, Latest
from wedsync.metrics.histogram import DROPPED_BITS, EXACT_UP_TO, Floats, Ints, Words
from wedsync.metrics.marks import Happenings, Marks

_MAGIC = b"WB\x01"
_SEPARATOR = "\x1e"
_NARROWING = tuple(map(np.dtype, ("<u1", "<i1", "<u2", "<i2", "<u4", "<i4", "<i8")))
_TYPES = (*_NARROWING, np.dtype("<f8"), np.dtype("<u8"))
_FLOAT, _WORD = len(_NARROWING), len(_NARROWING) + 1
_BOUNDS = tuple((int(np.iinfo(each).min), int(np.iinfo(each).max)) for each in _NARROWING)
_SCALES = (1.0, 10.0, 100.0, 1000.0)
_SCALE_SHIFT, _TYPE_MASK = 4, 0b1111
_WHOLE_BELOW = 2.0**53
_HEAD = struct.Struct("<BI")
_NOTHING = _HEAD.pack(0, 0)
_NO_MINUTE = -1


class Parts(NamedTuple):
    """What a block is made of."""

    minute: int | None
    strings: tuple[str, ...]
    series: Grid
    overall: Grid
    marks: Marks
    happenings: Happenings


class UnreadableBlock(ValueError):
    """These bytes are no block, or one of another version."""


def encode_parts(parts: Parts) -> bytes:
    """The bytes of a block.

    Raises:
        ValueError: a text holds the separator, which no accepted point does.

    """
    strings = _SEPARATOR.join(parts.strings)
    if strings.count(_SEPARATOR) != max(len(parts.strings) - 1, 0):
        raise ValueError("a text of a block holds a control character")
    text = strings.encode()
    columns = b"".join(_encoded(_columns(parts)))
    return _MAGIC + zlib.compress(struct.pack("<I", len(text)) + text + columns, 1)


def decode_parts(data: bytes) -> Parts:
    """What these bytes hold.

    Raises:
        UnreadableBlock: they are damaged, or of another version.

    """
    if not data.startswith(_MAGIC):
        raise UnreadableBlock("not a block of a known version")
    try:
        payload = zlib.decompress(memoryview(data)[len(_MAGIC) :])
        (size,) = struct.unpack_from("<I", payload)
        text = payload[4 : 4 + size].decode()
        return _parts(tuple(text.split(_SEPARATOR)) if text else (), _Reader(payload, 4 + size))
    except (zlib.error, struct.error, UnicodeDecodeError, ValueError, IndexError) as error:
        raise UnreadableBlock("a damaged block") from error


Column = npt.NDArray[np.int64] | npt.NDArray[np.float64] | npt.NDArray[np.uint64]


def _columns(block: Parts) -> Iterator[Column]:
    minute = _NO_MINUTE if block.minute is None else block.minute
    yield np.array([minute], np.int64)
    for grid in (block.series, block.overall):
        yield from _grid_columns(grid)
    marks, happened = block.marks, block.happenings
    yield from (marks.wedding, marks.role, marks.subject, marks.id)
    yield from _from_least(marks.ts_ms)
    yield from (happened.wedding, happened.id, happened.type, happened.vendor)
    yield from (happened.guest, happened.summary)
    yield from _from_least(happened.ts_ms)


def _grid_columns(grid: Grid) -> Iterator[Column]:
    yield from (grid.wedding, grid.vendor, grid.metric, grid.kind, grid.dims)
    cells, last = grid.cells, grid.latest
    cut = cells.count > EXACT_UP_TO
    lengths = np.diff(cells.start)
    of_cut = np.repeat(cut, lengths)
    yield from (_steps(cells.row), cells.second, lengths, cells.weights)
    yield cells.keys[~of_cut]
    yield _bins(cells.keys[of_cut])
    yield from (cells.sum[cut], cells.min[cut], cells.max[cut])
    yield from (_steps(last.row), last.tie, last.value)
    yield from _from_least(last.ts_ms)


def _bins(edges: Floats) -> Ints:
    return (edges.view(np.uint64) >> np.uint64(DROPPED_BITS)).astype(np.int64)


def _steps(numbers: Ints) -> Ints:
    if not len(numbers):
        return numbers
    steps = numbers.copy()
    steps[1:] -= numbers[:-1]
    return steps


def _from_least(times: Ints) -> tuple[Ints, Ints]:
    least = times.min(initial=np.iinfo(np.int64).max) if len(times) else 0
    return np.array([least], np.int64), times - least


def _encoded(columns: Iterable[Column]) -> Iterator[bytes]:
    """Every column as bytes; the bounds of all whole numbers are found in one pass."""
    every = [_as_whole(column) for column in columns]
    whole = [values for values, _ in every if values.dtype.kind == "i" and len(values)]
    together = np.concatenate(whole)
    starts = np.cumsum([0, *map(len, whole[:-1])])
    bounds = zip(
        np.minimum.reduceat(together, starts).tolist(),
        np.maximum.reduceat(together, starts).tolist(),
        strict=True,
    )
    for values, power in every:
        if not len(values):
            yield _NOTHING
        elif values.dtype.kind == "i":
            yield _planes(_narrowest(*next(bounds)) | power << _SCALE_SHIFT, values)
        else:
            yield _planes(_WORD if values.dtype.kind == "u" else _FLOAT, values)


def _as_whole(values: Column) -> tuple[Column, int]:
    """Doubles as whole tenths, hundredths … if every one of them is, and the power of ten."""
    if values.dtype.kind == "f" and len(values):
        for power, scale in enumerate(_SCALES):
            scaled = np.rint(values * scale)
            if (scaled / scale == values).all() and np.abs(scaled).max() < _WHOLE_BELOW:
                return scaled.astype(np.int64), power
    return values, 0


def _narrowest(low: int, high: int) -> int:
    return next(at for at, (least, most) in enumerate(_BOUNDS) if least <= low and high <= most)


def _planes(code: int, values: Column) -> bytes:
    dtype = _TYPES[code & _TYPE_MASK]
    raw = values.astype(dtype)
    head = _HEAD.pack(code, len(values))
    if dtype.itemsize == 1:
        return head + raw.tobytes()
    return head + raw.view(np.uint8).reshape(len(values), dtype.itemsize).T.tobytes()


class _Reader:
    """Takes column after column off a payload."""

    def __init__(self, payload: bytes, offset: int) -> None:
        self._payload = payload
        self._offset = offset

    def _next(self) -> tuple[Column, int]:
        """The numbers of a column, and the power of ten that they are to be divided by."""
        code, length = _HEAD.unpack_from(self._payload, self._offset)
        self._offset += _HEAD.size
        dtype = _TYPES[code & _TYPE_MASK]
        size = length * dtype.itemsize
        planes = np.frombuffer(self._payload, np.uint8, size, self._offset)
        self._offset += size
        rows = np.ascontiguousarray(planes.reshape(dtype.itemsize, length).T)
        return rows.view(dtype).reshape(length), code >> _SCALE_SHIFT

    def ints(self) -> Ints:
        return self._next()[0].astype(np.int64)

    def floats(self) -> Floats:
        numbers, power = self._next()
        floats = numbers.astype(np.float64)
        return floats / _SCALES[power] if power else floats

    def words(self) -> Words:
        return self._next()[0].astype(np.uint64)

    def times(self) -> Ints:
        least = int(self.ints()[0])
        return self.ints() + least


def _parts(strings: tuple[str, ...], read: _Reader) -> Parts:
    minute = int(read.ints()[0])
    series, overall = _grid(read), _grid(read)
    marks = Marks(
        wedding=read.ints(),
        role=read.ints(),
        subject=read.ints(),
        id=read.words(),
        ts_ms=read.times(),
    )
    wedding, each, kind, vendor, guest, summary = (read.ints() for _ in range(6))
    happenings = Happenings(
        wedding=wedding,
        ts_ms=read.times(),
        id=each,
        type=kind,
        vendor=vendor,
        guest=guest,
        summary=summary,
    )
    return Parts(
        minute=None if minute == _NO_MINUTE else minute,
        strings=strings,
        series=series,
        overall=overall,
        marks=marks,
        happenings=happenings,
    )


def _grid(read: _Reader) -> Grid:
    wedding, vendor, metric, kind, dims = (read.ints() for _ in range(5))
    cells = _cells(read)
    row, tie, value = np.cumsum(read.ints()), read.ints(), read.floats()
    return Grid(
        wedding=wedding,
        vendor=vendor,
        metric=metric,
        kind=kind,
        dims=dims,
        cells=cells,
        latest=Latest(row=row, ts_ms=read.times(), tie=tie, value=value),
    )


def _cells(read: _Reader) -> Cells:
    row, second, lengths, weights = np.cumsum(read.ints()), read.ints(), read.ints(), read.ints()
    exact, bins = read.floats(), read.ints()
    cut_sum, cut_min, cut_max = read.floats(), read.floats(), read.floats()
    if not len(row):
        return no_cells()
    start = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    count = np.add.reduceat(weights, start[:-1])
    cut = count > EXACT_UP_TO
    of_cut = np.repeat(cut, lengths)
    keys = np.empty(len(weights))
    keys[~of_cut] = exact
    keys[of_cut] = (bins.astype(np.uint64) << np.uint64(DROPPED_BITS)).view(np.float64)
    total, low, high = exact_sums(keys, weights, start), keys[start[:-1]], keys[start[1:] - 1]
    total[cut], low[cut], high[cut] = cut_sum, cut_min, cut_max
    return Cells(
        row=row,
        second=second,
        count=count,
        sum=total,
        min=low,
        max=high,
        start=start,
        keys=keys,
        weights=weights,
    )
