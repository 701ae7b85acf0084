"""One small block as bytes before they are compressed: few steps, whatever it holds.

All whole numbers stand in one row, beginning with the lengths of its parts: each as one byte, one
more than it is; what does not fit there follows in 16 bits (of the escape 255), and what does not
fit there either in 64 (of the escape 65,535). Doubles that are all whole tenths, hundredths or
thousandths stand among them, others behind them as they are.
"""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from wedsync.metrics.cells import Cut, told_cells
from wedsync.metrics.grid import Grid, Latest
from wedsync.metrics.histogram import (
    EXACT_UP_TO,
    Floats,
    Ints,
    bin_numbers,
    distinct,
    edges_of,
)
from wedsync.metrics.marks import Happenings, Marks
from wedsync.metrics.stack import SCALES, UNSCALED, Parts, joined, parted

_WHOLE_BELOW = 2.0**53
_SIZES = struct.Struct("<II")
_HEAD = 12
"""Minute, first time, rows, cells and gauges of both grids, marks, happenings, powers of ten."""
_BYTE, _SHORT = 255, 65_535


def packed(block: Parts) -> bytes:
    """The bytes of a block."""
    series, overall, marks, happened = block[2:]
    numbers = np.concatenate(
        (
            series.wedding, series.vendor, series.metric, series.dims,
            overall.metric, overall.dims, marks.wedding, marks.subject,
            happened.wedding, happened.type, happened.vendor, happened.guest, happened.summary,
        )
    )  # fmt: skip
    strings, numbers = _used(block.strings, numbers)
    of_series, of_overall = _Numbers.of(series), _Numbers.of(overall)
    times = np.concatenate((series.latest.ts_ms, overall.latest.ts_ms, marks.ts_ms, happened.ts_ms))
    base = int(times.min()) if len(times) else 0
    observed, power = _scaled(np.concatenate((*of_series.observed, *of_overall.observed)))
    sums, power_of_sums = _scaled(np.concatenate((of_series.sums, of_overall.sums)))
    head = (
        block.minute, base,
        len(series), len(series.cells), len(series.latest),
        len(overall), len(overall.cells), len(overall.latest),
        len(marks), len(happened), power, power_of_sums,
    )  # fmt: skip
    row = np.concatenate(
        (
            head, numbers, series.kind, overall.kind, *of_series.whole, *of_overall.whole,
            times - base, marks.role, marks.id.view(np.int64), happened.id,
            *(each for each in (observed, sums) if each.dtype == np.int64),
        )
    )  # fmt: skip
    text = joined(strings)
    return b"".join(
        (
            _SIZES.pack(len(text), len(row)),
            text,
            *_tiers(row),
            *(_planes(each, "<f8") for each in (observed, sums) if each.dtype != np.int64),
        )
    )


class _Numbers(NamedTuple):
    """The numbers of a grid, but for those of its texts."""

    whole: tuple[Ints, ...]
    observed: tuple[Floats, ...]
    sums: Floats

    @classmethod
    def of(cls, grid: Grid) -> "_Numbers":
        cells, latest = grid.cells, grid.latest
        lengths = cells.start[1:] - cells.start[:-1]
        cut = cells.cut
        rows = _steps(cells.row), cells.second, lengths, cells.weights, latest.row, latest.tie
        if not len(cut.sum):
            return cls(rows, (cells.keys, latest.value), cut.sum)
        of_cut = cells.is_cut.repeat(lengths)
        bins = _steps(bin_numbers(cells.keys[of_cut]))
        observed = cells.keys[~of_cut], latest.value, cut.min, cut.max
        return cls((*rows, bins), observed, cut.sum)


def _used(strings: tuple[str, ...], numbers: Ints) -> tuple[Sequence[str], Ints]:
    """The texts that occur, in order, and the numbers that they have among these."""
    used = distinct(numbers[numbers >= 0])
    if len(used) == len(strings):
        return strings, numbers
    texts = [strings[each] for each in used.tolist()]
    return texts, np.where(numbers < 0, numbers, np.searchsorted(used, numbers))


def _steps(numbers: Ints) -> Ints:
    steps = numbers.copy()
    steps[1:] -= numbers[:-1]
    return steps


def _scaled(values: Floats) -> tuple[Ints | Floats, int]:
    """Doubles as whole tenths, hundredths … if all of them are, and the power of ten."""
    for power, scale in enumerate(SCALES):
        scaled = np.rint(values * scale)
        if (scaled / scale == values).all() and np.abs(scaled).max(initial=0.0) < _WHOLE_BELOW:
            return scaled.astype(np.int64), power
    return values, UNSCALED


def _tiers(row: Ints) -> tuple[bytes, bytes, bytes]:
    raised = (row + 1).view(np.uint64)
    wide = raised >= _BYTE
    bytes_ = raised.astype(np.uint8)
    bytes_[wide] = _BYTE
    rest = row[wide]
    wider = rest.view(np.uint64) >= _SHORT
    shorts = rest.astype(np.uint16)
    shorts[wider] = _SHORT
    return bytes_.tobytes(), _planes(shorts, "<u2"), _planes(rest[wider], "<i8")


def _planes(values: npt.NDArray[Any], kind: str) -> bytes:
    raw = values.astype(kind, copy=False)
    return raw.view(np.uint8).reshape(len(raw), raw.itemsize).T.tobytes()


def unpacked(data: bytes) -> Parts:
    """The block that these bytes hold. Raises ValueError or IndexError where they are damaged."""
    text_bytes, length = _SIZES.unpack_from(data)
    at = _SIZES.size + text_bytes
    strings = parted(data[_SIZES.size : at])
    row, at = _untiered(data, at, length)
    (
        minute, base, series_rows, series_cells, series_gauges,
        overall_rows, overall_cells, overall_gauges, marked, happened, power, power_of_sums,
    ) = row[:_HEAD].tolist()  # fmt: skip
    read = _Reader(row, data, at)
    series_texts = read.several(4, series_rows)
    overall_texts = read.several(2, overall_rows)
    mark_texts = read.several(2, marked)
    happening_texts = read.several(5, happened)
    series_kind, overall_kind = read.ints(series_rows), read.ints(overall_rows)
    series = _GridRead.of(read, series_cells, series_gauges)
    overall = _GridRead.of(read, overall_cells, overall_gauges)
    times = read.ints(series_gauges + overall_gauges + marked + happened) + base
    role, ids, ties = read.ints(marked), read.ints(marked), read.ints(happened)
    observed = read.floats(series.observed + overall.observed, power)
    sums = read.floats(series.cuts + overall.cuts, power_of_sums)
    read.end()
    none = np.full(overall_rows, -1, np.int64)
    gauges = series_gauges + overall_gauges
    return Parts(
        minute,
        strings,
        series.grid(
            (*series_texts[:3], series_kind, series_texts[3]),
            observed[: series.observed], sums[: series.cuts], times[:series_gauges],
        ),
        overall.grid(
            (none, none, overall_texts[0], overall_kind, overall_texts[1]),
            observed[series.observed :], sums[series.cuts :], times[series_gauges:gauges],
        ),
        Marks(
            wedding=mark_texts[0],
            role=role,
            subject=mark_texts[1],
            id=ids.view(np.uint64),
            ts_ms=times[gauges : gauges + marked],
        ),
        Happenings(
            wedding=happening_texts[0],
            ts_ms=times[gauges + marked :],
            id=ties,
            type=happening_texts[1],
            vendor=happening_texts[2],
            guest=happening_texts[3],
            summary=happening_texts[4],
        ),
    )  # fmt: skip


class _GridRead(NamedTuple):
    """A grid on its way back: how many of its cells are cut, how many doubles it was told."""

    row: Ints
    second: Ints
    lengths: Ints
    weights: Ints
    last_row: Ints
    tie: Ints
    bins: Ints
    cuts: int

    @classmethod
    def of(cls, read: "_Reader", cells: int, gauges: int) -> "_GridRead":
        row, second, lengths = read.several(3, cells)
        entries = int(lengths.sum())
        weights = read.ints(entries)
        last_row, tie = read.several(2, gauges)
        cuts = binned = 0
        if cells:
            if lengths.min() < 1:
                raise ValueError("a cell of nothing")
            cut = np.add.reduceat(weights, lengths.cumsum() - lengths) > EXACT_UP_TO
            cuts = int(cut.sum())
            binned = int(lengths[cut].sum()) if cuts else 0
        return cls(row.cumsum(), second, lengths, weights, last_row, tie, read.ints(binned), cuts)

    @property
    def exact(self) -> int:
        return len(self.weights) - len(self.bins)

    @property
    def observed(self) -> int:
        return self.exact + len(self.last_row) + 2 * self.cuts

    def grid(
        self,
        texts: tuple[Ints, Ints, Ints, Ints, Ints],
        observed: Floats,
        sums: Floats,
        times: Ints,
    ) -> Grid:
        wedding, vendor, metric, kind, dims = texts
        exact, last = self.exact, self.exact + len(self.last_row)
        middle = last + self.cuts
        return Grid(
            wedding=wedding,
            vendor=vendor,
            metric=metric,
            kind=kind,
            dims=dims,
            cells=told_cells(
                row=self.row,
                second=self.second,
                lengths=self.lengths,
                weights=self.weights,
                exact=observed[:exact],
                edges=lambda _: edges_of(self.bins.cumsum()),
                cut=Cut(sum=sums, min=observed[last:middle], max=observed[middle:]),
            ),
            latest=Latest(row=self.last_row, ts_ms=times, tie=self.tie, value=observed[exact:last]),
        )


class _Reader:
    """Takes part after part off the numbers of a block."""

    def __init__(self, row: Ints, data: bytes, at: int) -> None:
        self._row = row
        self._taken = _HEAD
        self._data = data
        self._at = at

    def ints(self, length: int) -> Ints:
        begin = self._taken
        self._taken += length
        if length < 0 or self._taken > len(self._row):
            raise ValueError("a part that is not there")
        return self._row[begin : self._taken]

    def several(self, parts: int, length: int) -> Ints:
        """Parts of equal length."""
        return self.ints(parts * length).reshape(parts, length)

    def floats(self, length: int, power: int) -> Floats:
        if power == UNSCALED:
            values = _from_planes(self._data, self._at, length, "<f8")
            self._at += 8 * length
            return values.astype(np.float64)
        floats: Floats = self.ints(length).astype(np.float64)
        return floats / SCALES[power] if power else floats

    def end(self) -> None:
        """Refuse what nothing asked for."""
        if self._taken != len(self._row) or self._at != len(self._data):
            raise ValueError("parts that belong nowhere")


def _untiered(data: bytes, at: int, length: int) -> tuple[Ints, int]:
    first = np.frombuffer(data, np.uint8, length, at)
    at += length
    row = first.astype(np.int64)
    row -= 1
    wide = (first == _BYTE).nonzero()[0]
    shorts = _from_planes(data, at, len(wide), "<u2")
    at += 2 * len(wide)
    rest = shorts.astype(np.int64)
    wider = (shorts == _SHORT).nonzero()[0]
    rest[wider] = _from_planes(data, at, len(wider), "<i8")
    row[wide] = rest
    return row, at + 8 * len(wider)


def _from_planes(data: bytes, at: int, length: int, kind: str) -> npt.NDArray[Any]:
    size = np.dtype(kind).itemsize
    planes = np.frombuffer(data, np.uint8, size * length, at)
    return planes.reshape(size, length).T.copy().view(kind).reshape(length)
