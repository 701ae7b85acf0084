"""Points as binary column frames (docs/frame.md), written with the standard library alone.

What fits a frame is decided once, when a point is kept, and stands in the name of the file that
holds it: a point that was sent one way must never be sent again the other way, for frames and
lines are told apart by other means. So everything here is stricter than the platform. A text that
it might refuse would cost the whole frame; such a point goes as JSON, where it costs itself.
"""

import json
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TypeGuard, TypeVar

MOST_ROWS = 5_000
LONGEST_SPAN_MS = (1 << 31) - 1
"""Times are told as 32 bits of milliseconds after the first one."""

_HEADER = struct.Struct("<4sBBBBQqqHHII")
_MAGIC = b"WSCF"
_VERSION = 1
_F64, _F32, _FIXED = range(3)
_ZLIB, _COUNTS, _GUESTS, _FURTHER = 1, 4, 8, 64
_OWN_TIME = -1
_NO_GUEST = 0xFFFF
_MOST_DECIMALS = 3
_LEVEL = 1
_HIGHEST_RATIO = 100
_SMALLEST_RATED_BYTES = 1024

_MEMBERS = frozenset(
    {
        *("v", "name", "kind", "ts", "value", "values", "count", "dims", "dataType", "priority"),
        *("weddingId", "vendorId", "source", "guestId"),
    }
)
_KINDS = frozenset({"counter", "gauge", "timer", "event"})
_DATA_TYPES = frozenset(
    {
        *("user_interaction", "booking_event", "financial_transaction"),
        *("communication_event", "system_metric"),
    }
)
_PRIORITIES = frozenset({"low", "normal", "high", "critical", "urgent"})
_NO_DIMS = frozenset({"weddingId", "vendorId", "guestId"})
_RESERVED = "derived."
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")
_DIM_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_LONGEST_ID = 200
_LONGEST_DIM_VALUE = 256
_MOST_DIMS = 16
_MOST_COUNT = 1_000_000_000
_LARGEST_VALUE = 1e15
_LARGEST_WHOLE_DIM = 10**18
_NEAR_MS = 7 * 24 * 3600 * 1000
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Fit:
    """That a point fits a frame: how many rows it takes, and its time."""

    rows: int
    ts_ms: int


def fit_of(point: Mapping[str, object], now_ms: int) -> Fit | None:
    """How this point fits a frame; ``None`` where it has to go as JSON.

    It fits if it has no other members than a frame has columns for, none of them in a spelling
    that the platform only tolerates, and all within its limits; and if its time is within a week
    of ``now_ms``, since the points of a frame lie within 24 days.
    """
    ts_ms = point.get("ts")
    if not _is_whole(ts_ms) or not max(0, now_ms - _NEAR_MS) <= ts_ms <= now_ms + _NEAR_MS:
        return None
    rows = _rows_of(point)
    return None if rows is None or not _members_fit(point) else Fit(rows, ts_ms)


def frame_of(lines: bytes, *, frame_id: int) -> bytes | None:
    """One frame of the points on these lines, all of which fit. The same lines, the same frame.

    ``None`` where the disk gave back something else than was written. The time of each point is
    its own: a frame that told when it was created would be refused whole by a platform whose
    clock is behind.
    """
    columns = _Columns()
    try:
        for point in json.loads(b"[" + b",".join(lines.splitlines()) + b"]"):
            columns.add(point)
        return columns.encoded(frame_id)
    except (ValueError, TypeError, KeyError, ArithmeticError, struct.error):
        return None


_SAID = ("name", "kind", "dataType", "priority", "weddingId", "vendorId", "source", "dims")
"""What decides the series of a point, in this order."""
_said_of = itemgetter(*_SAID)
_UNSAID: Mapping[str, object] = dict.fromkeys(_SAID)


@dataclass(slots=True)
class _Columns:
    """Points on their way into a frame: texts by number, and one entry for each row."""

    places: dict[tuple[str | None, ...], int] = field(default_factory=dict)
    metrics: dict[tuple[str, ...], int] = field(default_factory=dict)
    dims: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)
    guests: dict[str, int] = field(default_factory=dict)
    series: dict[tuple[int, int, int], int] = field(default_factory=dict)
    known: dict[tuple[object, ...], int] = field(default_factory=dict)
    series_of: list[int] = field(default_factory=list)
    ts_ms: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    guest: list[int] = field(default_factory=list)
    further: list[int] = field(default_factory=list)

    def add(self, point: Mapping[str, object]) -> None:
        *said, dims = _said_of({**_UNSAID, **point})
        pairs = tuple(dims.items()) if dims else ()
        key = (*said, *pairs)
        series = self.known.get(key)
        if series is None:
            series = self.known[key] = self._series(said, pairs)
        get = point.get
        guest = get("guestId")
        values = _values_of(point)
        for further, value in enumerate(values):
            self.series_of.append(series)
            self.ts_ms.append(_whole(point["ts"]))
            self.value.append(value)
            self.count.append(_whole(get("count") or 1))
            self.guest.append(_NO_GUEST if guest is None else _number(self.guests, str(guest)))
            self.further.append(1 if further else 0)

    def _series(self, said: Sequence[object], pairs: Sequence[tuple[str, object]]) -> int:
        name, kind, data_type, priority, *place = said
        metric: tuple[str, ...] = (str(name), str(kind))
        if data_type is not None or priority is not None:
            metric += (str(data_type or "system_metric"), str(priority or "normal"))
        return _number(
            self.series,
            (
                _number(self.places, tuple(None if id_ is None else str(id_) for id_ in place)),
                _number(self.metrics, metric),
                _number(self.dims, tuple((name, str(each)) for name, each in pairs)),
            ),
        )

    def encoded(self, frame_id: int) -> bytes:
        rows, base = len(self.ts_ms), min(self.ts_ms)
        code, decimals, value = _packed(self.value)
        tables = json.dumps(
            [
                [place[0] if place[1:] == (None, None) else place for place in self.places],
                list(self.metrics),
                [[text for pair in dims for text in pair] for dims in self.dims],
                list(self.guests),
                None,
            ],
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
        parts = [tables, *(_column("H", each) for each in zip(*self.series, strict=True))]
        parts += [_column("H", self.series_of), _column("i", [each - base for each in self.ts_ms])]
        parts.append(value)
        flags = 0
        for flag, kind, column, told in (
            (_COUNTS, "I", self.count, any(each != 1 for each in self.count)),
            (_GUESTS, "H", self.guest, bool(self.guests)),
            (_FURTHER, "B", self.further, any(self.further)),
        ):
            if told:
                flags |= flag
                parts.append(_column(kind, column))
        body = b"".join(parts)
        size = len(body)
        packed = zlib.compress(body, _LEVEL)
        if len(packed) < size <= _HIGHEST_RATIO * max(len(packed), _SMALLEST_RATED_BYTES):
            flags |= _ZLIB
            body = packed
        head = (_MAGIC, _VERSION, code, decimals, flags, frame_id, _OWN_TIME, base)
        return _HEADER.pack(*head, rows, len(self.series), len(tables), size) + body


def _packed(values: Sequence[float]) -> tuple[int, int, bytes]:
    """The shortest form that gives back every bit: value code, decimals, column."""
    for decimals in range(_MOST_DECIMALS + 1):
        scale = 10**decimals
        numbers = [round(value * scale) for value in values]
        fits = min(numbers) >= -(1 << 31) and max(numbers) < 1 << 31
        if fits and all(at / scale == value for at, value in zip(numbers, values, strict=True)):
            return _FIXED, decimals, _column("i", numbers)
    single = _column("f", values)
    if struct.unpack(f"<{len(values)}f", single) == tuple(values):
        return _F32, 0, single
    return _F64, 0, _column("d", values)


def _column(kind: str, numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}{kind}", *numbers)


def _number(table: dict[_Key, int], key: _Key) -> int:
    return table.setdefault(key, len(table))


def _rows_of(point: Mapping[str, object]) -> int | None:
    """How many rows its values take, if all of them fit."""
    value, values = point.get("value"), point.get("values")
    if values is None:
        if value is None:
            return 1 if point.get("kind") == "event" else None
        return 1 if _is_value(value) else None
    if value is not None or not isinstance(values, list | tuple):
        return None
    return len(values) if 1 <= len(values) <= MOST_ROWS and all(map(_is_value, values)) else None


def _values_of(point: Mapping[str, object]) -> list[float]:
    value, values = point.get("value"), point.get("values")
    if isinstance(values, list):
        return values
    return [value if isinstance(value, int | float) else 1]


def _members_fit(point: Mapping[str, object]) -> bool:
    get = point.get
    if not point.keys() <= _MEMBERS or not _dims_fit(get("dims")):
        return False
    if (get("v"), get("count")) != (None, None) and not _numbers_fit(get("v"), get("count")):
        return False
    try:
        return _texts_fit(
            get("name"),
            get("kind"),
            get("dataType"),
            get("priority"),
            get("weddingId"),
            get("vendorId"),
            get("source"),
            get("guestId"),
        )
    except TypeError:  # a list or an object cannot be looked up
        return False


@lru_cache(maxsize=4096, typed=True)
def _texts_fit(
    name: object, kind: object, data_type: object, priority: object, *ids: object
) -> bool:
    return (
        isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and not name.startswith(_RESERVED)
        and kind in _KINDS
        and (data_type is None or data_type in _DATA_TYPES)
        and (priority is None or priority in _PRIORITIES)
        and all(each is None or _is_id(each) for each in ids)
    )


def _numbers_fit(version: object, count: object) -> bool:
    known = version is None or (_is_whole(version) and version == 1)
    return known and (count is None or (_is_whole(count) and 1 <= count <= _MOST_COUNT))


def _dims_fit(dims: object) -> bool:
    if not dims:
        return dims is None or isinstance(dims, dict)
    if not isinstance(dims, dict) or len(dims) > _MOST_DIMS:
        return False
    try:
        return all(map(_dim_fits, dims.keys(), dims.values()))
    except TypeError:
        return False


@lru_cache(maxsize=4096, typed=True)
def _dim_fits(name: object, value: object) -> bool:
    if not isinstance(name, str) or name in _NO_DIMS or _DIM_NAME.fullmatch(name) is None:
        return False
    if isinstance(value, str):
        return len(value) <= _LONGEST_DIM_VALUE and value.isprintable()
    return _is_whole(value) and -_LARGEST_WHOLE_DIM <= value <= _LARGEST_WHOLE_DIM


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST_ID and value.isprintable()


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_value(value: object) -> bool:
    """Whether it is a number that can be counted; what is none of these compares as false."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and -_LARGEST_VALUE <= value <= _LARGEST_VALUE
    )


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("only what fits is made a frame of")
    return value
