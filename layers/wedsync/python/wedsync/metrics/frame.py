"""The binary column frame: many points in one record, each text once (docs/frame.md).

Encoding is for senders, and for what HTTP ingest puts on the stream. Reading takes all frames of
a batch together: what is looked at frame by frame is the header and the tables alone.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from wedsync.metrics.body import FRAME_MAGIC, HIGHEST_RATIO, Poison
from wedsync.metrics.columns import ints, joined_ints
from wedsync.metrics.envelope import (
    LAST_MS,
    MOST_COUNT,
    SMALLEST_VALUE,
    checked_dims,
    checked_id,
    checked_kind,
    checked_labels,
    checked_name,
)
from wedsync.metrics.histogram import Bools, Floats, Ints, Words, dense_ids
from wedsync.metrics.lexicon import MOST_TEXTS, NONE, Lexicon, Measure, Place
from wedsync.metrics.point import LARGEST_VALUE, Kind, Point, Priority, most_urgent
from wedsync.metrics.rows import Rows, joined_words
from wedsync.metrics.series import Dims

VERSION = 1
MOST_POINTS = 5_000
MOST_SERIES = 5_000
LARGEST_FRAME_BYTES = 8 * 1024 * 1024

_HEADER = struct.Struct("<4sBBBBQqqHHII")
_VALUES = tuple(map(np.dtype, ("<f8", "<f4", "<i4")))
_F64, _F32, _FIXED = range(3)
_MOST_DECIMALS = 9
_ZLIB, _ZSTD, _COUNTS, _GUESTS, _SUBJECTS, _EVENTS, _FURTHER = (1 << bit for bit in range(7))
_KNOWN_FLAGS = (1 << 7) - 1
NO_FRAME_ID = 0
OWN_TIME = -1
_NO_GUEST = 0xFFFF
_OPTIONAL = (
    (_COUNTS, "<u4"), (_GUESTS, "<u2"), (_SUBJECTS, "<u8"), (_EVENTS, "<u8"), (_FURTHER, "<u1"),
)  # fmt: skip
_ANY_OPTIONAL = _COUNTS | _GUESTS | _SUBJECTS | _EVENTS | _FURTHER
_MOST_TABLES = 2_048
_LARGEST_KEPT_TABLE_BYTES = 32 * 1024

_PlaceEntry = str | None | tuple[str | None, str | None, str | None]
_Tables = tuple[
    list[_PlaceEntry],
    list[list[str]],
    list[list[str]],
    list[str],
    str | None,
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameColumns:
    """What a frame tells, ready to be encoded. Columns are by point but for the tables.

    A series is (place, metric, dimensions), each a number of its table. ``event`` are 64-bit
    event ids, 0 for none; ``subject`` hashes of guests who are not named, 0 for none; ``first``
    tells where each point begins that has several values (none: everywhere).
    """

    places: Sequence[Place]
    metrics: Sequence[tuple[str, ...]]
    dims: Sequence[Dims]
    series: Sequence[tuple[int, int, int]]
    series_of: Ints
    ts_ms: Ints
    value: Floats
    count: Ints | None = None
    guests: Sequence[str] = ()
    guest: Ints | None = None
    subject: Words | None = None
    event: Words | None = None
    first: Bools | None = None
    tenant: str | None = None


def encode(columns: FrameColumns, *, frame_id: int, created_at_ms: int, compress: bool) -> bytes:
    """One frame of up to 5,000 points; values that are whole hundredths and the like are packed.

    Raises:
        ValueError: there are no points, too many, or times more than 24 days apart.

    """
    points = len(columns.ts_ms)
    if not 1 <= points <= MOST_POINTS or len(columns.series) > MOST_SERIES:
        raise ValueError(f"a frame holds 1 to {MOST_POINTS} points")
    base = int(columns.ts_ms.min())
    if int(columns.ts_ms.max()) - base >= 1 << 31:
        raise ValueError("the points of a frame lie within 24 days")
    code, decimals, value = _packed(columns.value)
    tables = json.dumps(
        [
            [_place_entry(place) for place in columns.places],
            [list(metric) for metric in columns.metrics],
            [list(chain.from_iterable(dims)) for dims in columns.dims],
            list(columns.guests),
            columns.tenant,
        ],
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()
    flags = 0
    series = np.array(columns.series, np.int64).reshape(-1, 3).T
    parts = [tables, *(each.astype("<u2").tobytes() for each in series)]
    parts.append(columns.series_of.astype("<u2").tobytes())
    parts.append((columns.ts_ms - base).astype("<i4").tobytes())
    parts.append(value.tobytes())
    if columns.count is not None:
        flags |= _COUNTS
        parts.append(columns.count.astype("<u4").tobytes())
    if columns.guest is not None:
        flags |= _GUESTS
        parts.append(np.where(columns.guest < 0, _NO_GUEST, columns.guest).astype("<u2").tobytes())
    if columns.subject is not None:
        flags |= _SUBJECTS
        parts.append(columns.subject.astype("<u8").tobytes())
    if columns.event is not None:
        flags |= _EVENTS
        parts.append(columns.event.astype("<u8").tobytes())
    if columns.first is not None:
        flags |= _FURTHER
        parts.append((~columns.first).astype("u1").tobytes())
    body = b"".join(parts)
    size = len(body)
    if compress:
        packed = zlib.compress(body, 1)
        if not _like_a_bomb(size, len(packed)):
            flags |= _ZLIB
            body = packed
    head = (FRAME_MAGIC, VERSION, code, decimals, flags, frame_id, created_at_ms, base)
    return _HEADER.pack(*head, points, len(columns.series), len(tables), size) + body


def _place_entry(place: Place) -> object:
    return place[0] if place[1] is None and place[2] is None else place


def _packed(value: Floats) -> tuple[int, int, npt.NDArray[np.generic]]:
    """The shortest form that gives back every bit."""
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(4):
            scaled = np.rint(value * 10**decimals)
            if (np.abs(scaled) < 1 << 31).all() and (scaled / 10**decimals == value).all():
                return _FIXED, decimals, scaled.astype("<i4")
        single = value.astype("<f4")
        if (single == value).all():
            return _F32, 0, single
    return _F64, 0, value.astype("<f8")


class FrameHead(NamedTuple):
    """What a frame says of itself."""

    frame_id: int
    created_at_ms: int
    points: int
    claim: str | None


@dataclass(frozen=True, slots=True)
class Flawed:
    """A point of a frame that cannot be counted. ``member`` is what is wrong with it."""

    record: int
    index: int
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesRead:
    """All frames of a batch by record: their heads, what was poison, and every row that is good."""

    heads: dict[int, FrameHead]
    poison: dict[int, Poison]
    rows: Rows | None
    flawed: tuple[Flawed, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Resolved:
    """The tables of a frame, with numbers for texts."""

    places: Ints
    metrics: Ints
    dims: Ints
    guests: tuple[str, ...]
    tenant: str | None
    priority: Priority


class _Optional(NamedTuple):
    """The columns of a frame that need not be there."""

    counts: Words | None = None
    guest: Words | None = None
    subject: Words | None = None
    event: Words | None = None
    further: Words | None = None

    @classmethod
    def of(cls, body: bytes, at: int, points: int, flags: int) -> "_Optional":
        """Taken off the body in their order."""
        found: list[Words | None] = []
        for flag, kind in _OPTIONAL:
            if not flags & flag:
                found.append(None)
                continue
            column = np.frombuffer(body, kind, points, at)
            at += column.nbytes
            found.append(column.astype(np.uint64))
        return cls(*found)


class _Opened(NamedTuple):
    """One frame whose parts have been found. ``series`` holds all places, metrics, dimensions."""

    record: int
    head: FrameHead
    tables: _Resolved
    base_ms: int
    series: npt.NDArray[np.uint16]
    series_of: npt.NDArray[np.uint16]
    offset_ms: npt.NDArray[np.int32]
    value: npt.NDArray[np.generic]
    decimals: int
    optional: _Optional


_NO_OPTIONAL = _Optional()


class FrameReader:
    """Reads frames over one lexicon, and remembers the tables that it has met."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._lock = Lock()
        self._decoder = msgspec.json.Decoder(_Tables)
        self._tables: dict[bytes, _Resolved] = {}
        self._places: dict[object, int] = {}
        self._metrics: dict[tuple[str, ...], int] = {}
        self._dims: dict[tuple[str, ...], int] = {}
        self._metric_of: list[tuple[str, Kind, Priority]] = []
        self._dims_of: list[Dims] = []

    @property
    def full(self) -> bool:
        """Whether it has met so much that it should be given up for a new one."""
        met = (self._places, self._metrics, self._dims)
        return self._lexicon.full or any(len(each) > MOST_TEXTS for each in met)

    def read(self, bodies: Sequence[tuple[int, bytes]]) -> FramesRead:
        """All of these; a frame that is malformed costs itself alone. Raises nothing."""
        opened: list[_Opened] = []
        poison: dict[int, Poison] = {}
        for record, body in bodies:
            try:
                opened.append(self._open(record, body))
            except Poison as found:
                poison[record] = found
        opened = _placed(opened, poison)
        heads = {each.record: each.head for each in opened}
        if not opened:
            return FramesRead(heads=heads, poison=poison, rows=None, flawed=())
        rows, flawed = self._rows(opened)
        return FramesRead(heads=heads, poison=poison, rows=rows, flawed=flawed)

    def points(self, body: bytes) -> tuple[tuple[int, Point], ...]:
        """The points of one frame that can be read, one by one. Raises Poison."""
        poison: dict[int, Poison] = {}
        opened = _placed([self._open(0, body)], poison)
        if not opened:
            raise poison[0]
        return self._rows(opened)[0].points(self._lexicon.names())

    def _open(self, record: int, data: bytes) -> _Opened:
        if len(data) < _HEADER.size:
            raise Poison("malformed-frame", "the frame ends within its header")
        (_, version, code, decimals, flags, frame_id, created, base, points, series, table_bytes,
         size) = _HEADER.unpack_from(data)  # fmt: skip
        if version != VERSION:
            raise Poison("unknown-version", "the frame's version is not known")
        if code > _FIXED or flags & ~_KNOWN_FLAGS or decimals > _MOST_DECIMALS:
            raise Poison("malformed-frame", "the frame's header holds a code that is not known")
        if decimals and code != _FIXED:
            raise Poison("malformed-frame", "only fixed-point values have decimals")
        if not 1 <= points <= MOST_POINTS or not 1 <= series <= MOST_SERIES:
            raise Poison("too-many-points", f"a frame holds 1 to {MOST_POINTS} points and series")
        if not OWN_TIME <= created <= LAST_MS or not -(1 << 31) <= base <= LAST_MS:
            raise Poison("bad-ts", "the frame's times are epoch milliseconds")
        value_type = _VALUES[code]
        per_point = 2 + 4 + value_type.itemsize
        if flags & _ANY_OPTIONAL:
            per_point += sum(np.dtype(kind).itemsize for flag, kind in _OPTIONAL if flags & flag)
        if size != table_bytes + 6 * series + per_point * points or size > LARGEST_FRAME_BYTES:
            raise Poison("malformed-frame", "the frame's length does not fit its header")
        body, at = _inflated(data, flags, size)
        tables = self._resolved(body[at : at + table_bytes])
        at += table_bytes
        number = np.frombuffer(body, "<u2", 3 * series, at)
        at += 6 * series
        series_of = np.frombuffer(body, "<u2", points, at)
        at += 2 * points
        offset = np.frombuffer(body, "<i4", points, at)
        at += 4 * points
        value = np.frombuffer(body, value_type, points, at)
        at += value_type.itemsize * points
        optional = _NO_OPTIONAL
        if flags & _ANY_OPTIONAL:
            optional = _Optional.of(body, at, points, flags)
        head = FrameHead(frame_id, created, points, tables.tenant)
        return _Opened(
            record, head, tables, base, number, series_of, offset, value, decimals, optional
        )

    def _resolved(self, text: bytes) -> _Resolved:
        found = self._tables.get(text)
        if found is not None:
            return found
        try:
            places, metrics, dims, guests, tenant = self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Poison("malformed-tables", "the frame's tables cannot be read") from error
        # More would be named by no series or point, and yet be learnt one by one.
        if max(map(len, (places, metrics, dims, guests))) > MOST_SERIES:
            raise Poison("malformed-tables", f"a table holds at most {MOST_SERIES} entries")
        with self._lock:
            resolved = self._numbered(places, metrics, dims, guests, tenant)
            if len(text) <= _LARGEST_KEPT_TABLE_BYTES:
                if len(self._tables) >= _MOST_TABLES:
                    self._tables.clear()
                self._tables[bytes(text)] = resolved
        return resolved

    def _numbered(
        self,
        places: Sequence[_PlaceEntry],
        metrics: Sequence[list[str]],
        dims: Sequence[list[str]],
        guests: Sequence[str],
        tenant: str | None,
    ) -> _Resolved:
        known = self._places
        place = ints([known[e] if e in known else self._place(e) for e in places])
        numbers = [self._metric(each) for each in metrics]
        return _Resolved(
            place,
            ints(numbers),
            ints([self._dims_number(each) for each in dims]),
            tuple(str(checked_id(each, "guestId")) for each in guests),
            checked_id(tenant, "tenantId"),
            most_urgent(self._metric_of[each][2] for each in numbers),
        )

    def _place(self, entry: _PlaceEntry) -> int:
        wedding, vendor, source = entry if isinstance(entry, tuple) else (entry, None, None)
        number = self._lexicon.place(
            checked_id(wedding, "weddingId"),
            checked_id(vendor, "vendorId"),
            checked_id(source, "source"),
        )
        self._places[entry] = number
        return number

    def _metric(self, entry: list[str]) -> int:
        key = tuple(entry)
        number = self._metrics.get(key)
        if number is None:
            if not 2 <= len(entry) <= 4:
                raise Poison("malformed-tables", "a metric is its name and kind")
            name, kind = checked_name(entry[0]), checked_kind(entry[1])
            priority = checked_labels(*(*entry[2:], None, None)[:2])
            self._metric_of.append((name, kind, priority))
            number = self._metrics.setdefault(key, len(self._metric_of) - 1)
        return number

    def _dims_number(self, entry: list[str]) -> int:
        key = tuple(entry)
        number = self._dims.get(key)
        if number is None:
            names = entry[::2]
            if len(entry) % 2 or len(set(names)) < len(names):
                raise Poison("bad-dims", "dimensions are names and values, each name once")
            dims, lifted = checked_dims(dict(zip(names, entry[1::2], strict=True)))
            if lifted:
                raise Poison("bad-dims", "an id is part of a place, not of the dimensions")
            self._dims_of.append(dims)
            number = self._dims.setdefault(key, len(self._dims_of) - 1)
        return number

    def _rows(self, opened: Sequence[_Opened]) -> tuple[Rows, tuple[Flawed, ...]]:
        """The good rows of these frames, and what is wrong with the others."""
        lengths = ints([each.head.points for each in opened])
        frame = np.repeat(np.arange(len(opened)), lengths)
        place, measure = self._series(opened)
        series = np.concatenate([each.series_of for each in opened], dtype=np.int64)
        series += np.repeat(_starts([len(each.series) // 3 for each in opened]), lengths)
        record = ints([each.record for each in opened])
        every = lengths.tolist()
        index = np.arange(len(frame)) - np.repeat(_starts(every), lengths)
        value, wrong_value = _values(opened, lengths)
        ts_ms = np.concatenate([each.offset_ms for each in opened], dtype=np.int64)
        ts_ms += np.repeat(ints([each.base_ms for each in opened]), lengths)
        wrong_ts = (ts_ms < 0) | (ts_ms > LAST_MS)
        counts = joined_words([each.optional.counts for each in opened], every, absent=1)
        weight, wrong_count = None, np.zeros(len(frame), np.bool_)
        if counts is not None:
            weight = counts.astype(np.int64)
            wrong_count = (weight < 1) | (weight > MOST_COUNT)
        first = None
        further = joined_words([each.optional.further for each in opened], every)
        if further is not None:
            first = (further == 0) | (index == 0)
            # All values of a point have its index: points are counted, not values.
            point = np.cumsum(first)
            index = point - np.repeat(point[_starts(every)], lengths)
        guest, guests = _guests(opened, every)
        claims = tuple(dict.fromkeys(each.tables.tenant for each in opened))
        named = tuple(claim for claim in claims if claim is not None)
        number = {claim: at for at, claim in enumerate(named)}
        claim = ints([number.get(each.tables.tenant or "", NONE) for each in opened])
        rows = Rows(
            record=record[frame],
            index=index,
            place=place[series],
            measure=measure[series],
            ts_ms=ts_ms,
            value=value,
            weight=weight,
            first=first,
            guest=guest,
            guests=guests,
            guest_hash=joined_words([each.optional.subject for each in opened], every),
            claim=claim[frame] if named else None,
            claims=named,
            event_words=joined_words([each.optional.event for each in opened], every),
            priority=most_urgent({each.tables.priority for each in opened}),
        )
        wrong = wrong_value | wrong_ts | wrong_count
        if not wrong.any():
            return rows, ()
        flawed = []
        for at in np.flatnonzero(wrong).tolist():
            member = "value" if wrong_value[at] else "ts" if wrong_ts[at] else "count"
            flawed.append(Flawed(int(rows.record[at]), int(rows.index[at]), member))
        if first is not None:  # all values of a point stand and fall together
            point = np.cumsum(first) - 1
            wrong = np.isin(point, point[wrong])
        return rows.take(~wrong), tuple(flawed)

    def _series(self, opened: Sequence[_Opened]) -> tuple[Ints, Ints]:
        """The place and the measure of every series of these frames."""
        lengths = [len(each.series) // 3 for each in opened]
        found = []
        for column, tables in enumerate(
            (
                [each.tables.places for each in opened],
                [each.tables.metrics for each in opened],
                [each.tables.dims for each in opened],
            )
        ):
            number = np.concatenate(
                [
                    each.series[column * length : (column + 1) * length]
                    for each, length in zip(opened, lengths, strict=True)
                ],
                dtype=np.int64,
            )
            number += np.repeat(_starts([len(table) for table in tables]), lengths)
            found.append(np.concatenate(tables)[number])
        place, metric, dims = found
        first, pair = dense_ids(metric, dims)
        measures = [
            self._lexicon.measure(*self._measure(name, each))
            for name, each in zip(metric[first].tolist(), dims[first].tolist(), strict=True)
        ]
        return place, ints(measures)[pair]

    def _measure(self, metric: int, dims: int) -> Measure:
        name, kind, _ = self._metric_of[metric]
        return name, kind, self._dims_of[dims]


def _like_a_bomb(size: int, packed: int) -> bool:
    """Whether nobody would inflate so much out of so little."""
    return size > HIGHEST_RATIO * max(packed, 1024)


def _inflated(data: bytes, flags: int, size: int) -> tuple[bytes, int]:
    """The bytes that hold the body, and where in them it begins."""
    packed = memoryview(data)[_HEADER.size :]
    if not flags & (_ZLIB | _ZSTD):
        if len(packed) != size:
            raise Poison("malformed-frame", "the frame's length does not fit its header")
        return data, _HEADER.size
    if flags & _ZLIB and flags & _ZSTD:
        raise Poison("malformed-frame", "a frame is compressed in one way")
    if _like_a_bomb(size, len(packed)):
        raise Poison("inflation-ratio", f"the frame inflates more than {HIGHEST_RATIO}-fold")
    try:
        if flags & _ZLIB:
            inflater = zlib.decompressobj()
            body = inflater.decompress(packed, size + 1)
            whole = inflater.eof and not inflater.unused_data
        else:
            declared = zstandard.frame_content_size(packed)
            whole = declared == size
            inflate = zstandard.ZstdDecompressor().decompress
            body = inflate(packed, allow_extra_data=False) if whole else b""
    except (zlib.error, zstandard.ZstdError) as error:
        raise Poison("broken-compression", "the compressed frame is damaged") from error
    if not whole or len(body) != size:
        raise Poison("malformed-frame", "the frame's length does not fit its header")
    return body, 0


def _placed(opened: Sequence[_Opened], poison: dict[int, Poison]) -> list[_Opened]:
    """The frames all of whose numbers name something in their tables; the others are poison."""
    if not opened:
        return []
    largest = _largest([part for each in opened for part in each.series.reshape(3, -1)])
    bounds = ints(
        [
            len(table)
            for each in opened
            for table in (each.tables.places, each.tables.metrics, each.tables.dims)
        ]
    )
    wrong = (largest >= bounds).reshape(-1, 3).any(axis=1)
    of_points = _largest([each.series_of for each in opened])
    wrong |= of_points >= ints([len(each.series) // 3 for each in opened])
    for at, each in enumerate(opened):
        guest = each.optional.guest
        if guest is not None:
            named = guest[guest != _NO_GUEST]
            guests = len(each.tables.guests)
            wrong[at] |= int(named.max(initial=0)) >= max(guests, int(not len(named)))
    if not wrong.any():
        return list(opened)
    for at in np.flatnonzero(wrong).tolist():
        poison[opened[at].record] = Poison("malformed-frame", "a number names nothing in its table")
    return [each for each, bad in zip(opened, wrong.tolist(), strict=True) if not bad]


def _largest(columns: Sequence[npt.NDArray[np.uint16]]) -> Ints:
    """The largest number of each column, none of which is empty."""
    largest: Ints = np.maximum.reduceat(
        np.concatenate(columns), _starts([len(each) for each in columns])
    ).astype(np.int64)
    return largest


def _values(opened: Sequence[_Opened], lengths: Ints) -> tuple[Floats, Bools]:
    """Every value as a double, and which of them cannot be counted."""
    with np.errstate(invalid="ignore"):  # what is not a number is told below
        value = np.concatenate([each.value for each in opened], dtype=np.float64)
    decimals = [each.decimals for each in opened]
    if any(decimals):
        value /= np.repeat(10.0 ** np.array(decimals), lengths)
    wrong = ~(np.abs(value) <= LARGEST_VALUE)  # also what is not a number
    tiny = np.abs(value) < SMALLEST_VALUE
    value[tiny] = 0.0
    return value, wrong


def _guests(
    opened: Sequence[_Opened], lengths: Sequence[int]
) -> tuple[Ints | None, tuple[str, ...]]:
    """The number of each row's guest among all guests of the batch."""
    if all(each.optional.guest is None for each in opened):
        return None, ()
    numbers: dict[str, int] = {}
    columns: list[Ints | None] = []
    for each in opened:
        if each.optional.guest is None:
            columns.append(None)
            continue
        new = ints([*(numbers.setdefault(text, len(numbers)) for text in each.tables.guests), NONE])
        guest = each.optional.guest.astype(np.int64)
        columns.append(new[np.where(guest == _NO_GUEST, NONE, guest)])
    return joined_ints(columns, lengths, absent=NONE), tuple(numbers)


def _starts(lengths: Sequence[int]) -> Ints:
    column = ints(lengths)
    starts: Ints = np.cumsum(column) - column
    return starts
