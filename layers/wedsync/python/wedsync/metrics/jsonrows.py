"""JSON records of ordinary shape, straight to rows.

A record is taken here only where nothing about it is in doubt: points side by side (an array, or
objects line by line) with members of the usual names and types, no escapes, no number that could
be too long, no key twice. What a text says (a series, a time) is judged by ``envelope`` when it is
first met, and remembered. Anything else is left to ``decode``, which reads member by member and
says what is wrong with which point: ``None`` stands for "read it there".
"""

from collections.abc import Container, Hashable, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from wedsync.metrics.body import Poison, may_hold_long_number
from wedsync.metrics.columns import ints
from wedsync.metrics.decode import MOST_POINTS
from wedsync.metrics.envelope import (
    LAST_MS,
    LONGEST_ID,
    MOST_COUNT,
    SMALLEST_VALUE,
    checked_dims,
    checked_id,
    checked_kind,
    checked_labels,
    checked_name,
    checked_ts_ms,
)
from wedsync.metrics.histogram import Floats, Ints
from wedsync.metrics.lexicon import MOST_TEXTS, Lexicon
from wedsync.metrics.point import LARGEST_VALUE, most_urgent
from wedsync.metrics.rows import Rows, numbered

_Key = TypeVar("_Key", bound=Hashable)


class _Point(msgspec.Struct, gc=False, frozen=True):
    """The members of a point in the order in which :func:`msgspec.structs.astuple` gives them."""

    name: str
    kind: str
    ts: int | str
    value: float | None = None
    weddingId: str | None = None  # noqa: N815 - the member's name
    vendorId: str | None = None  # noqa: N815
    source: str | None = None
    dims: msgspec.Raw = msgspec.Raw()
    eventId: str | None = None  # noqa: N815
    guestId: str | None = None  # noqa: N815
    count: int | None = None
    tenantId: str | None = None  # noqa: N815
    dataType: str | None = None  # noqa: N815
    priority: str | None = None
    v: int | None = None


_DOUBTS = (b"\\", b"\x00")
_SPACES = (b" :", b"\t:", b"\n:", b"\r:")
_OPTIONAL = ("guestId", "count", "tenantId", "dataType", "priority", "v")


def members_in(body: bytes) -> int | None:
    """How many members stand in this text, twice or not; ``None`` where there is any doubt.

    They are counted by their ``":``. That is none where spaces stand between, and texts may hold
    it behind a backslash. A number that may be too long is a doubt as well.
    """
    if any(each in body for each in _DOUBTS) or may_hold_long_number(body):
        return None
    members = body.count(b'":')
    if members != body.count(b":") and any(each in body for each in _SPACES):
        return None
    return members


class JsonReader:
    """Reads ordinary records over one lexicon, and remembers the texts that it has met."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._array = msgspec.json.Decoder(list[_Point])
        self._one = msgspec.json.Decoder(_Point)
        self._any = msgspec.json.Decoder(dict[str, str])
        self._places: dict[tuple[str | None, str | None, str | None], int] = {}
        self._measures: dict[tuple[str, str, bytes], tuple[int, int]] = {}

    @property
    def full(self) -> bool:
        """Whether it has met so much that it should be given up for a new one."""
        return len(self._places) > MOST_TEXTS or len(self._measures) > MOST_TEXTS

    def read(self, record: int, body: bytes) -> Rows | None:
        """The rows of one record; ``None`` where there is any doubt. Raises nothing."""
        members = members_in(body)
        if members is None:
            return None
        try:
            points = self._parsed(body)
            if points is None or not 1 <= len(points) <= MOST_POINTS:
                return None
            return self._rows(record, points, keys=members)
        except (msgspec.DecodeError, UnicodeError, OverflowError, RecursionError, Poison):
            return None

    def _parsed(self, body: bytes) -> list[_Point] | None:
        if body.startswith(b"["):
            return self._array.decode(body)
        if not body.startswith(b"{"):
            return None
        if b"\n" not in body.strip():
            return [self._one.decode(body)]
        return self._one.decode_lines(body)

    def _rows(self, record: int, points: Sequence[_Point], *, keys: int) -> Rows | None:
        columns = dict(
            zip(
                _Point.__struct_fields__,
                zip(*map(msgspec.structs.astuple, points), strict=True),
                strict=True,
            )
        )
        silent = columns["value"].count(None)
        value = np.array(columns["value"], np.float64)  # none becomes NaN
        if silent:
            unsaid = np.isnan(value)
            if not all(columns["kind"][at] == "event" for at in np.flatnonzero(unsaid).tolist()):
                return None
            value[unsaid] = 1.0
        if not (np.abs(value) <= LARGEST_VALUE).all():
            return None
        value[np.abs(value) < SMALLEST_VALUE] = 0.0
        ts_ms = _times(columns["ts"])
        if ts_ms is None:
            return None
        wedding, vendor, source = columns["weddingId"], columns["vendorId"], columns["source"]
        place = self._places_of(wedding, vendor, source)
        measures = self._measures_of(columns["name"], columns["kind"], columns["dims"])
        members = 4 * len(points) - silent + sum(each[1] for each in measures)
        for column in (wedding, vendor, source, columns["eventId"]):
            members += len(points) - column.count(None)
        optional: dict[str, Sequence[object]] = {}
        for name in _OPTIONAL:
            absent = columns[name].count(None)
            if absent < len(points):
                optional[name] = columns[name]
                members += len(points) - absent
        if members != keys:  # a member twice, null, or of another name
            return None
        return self._told(record, columns["eventId"], place, measures, ts_ms, value, optional)

    def _told(
        self,
        record: int,
        events: Sequence[str | None],
        place: Ints,
        measures: Sequence[tuple[int, int]],
        ts_ms: Ints,
        value: Floats,
        optional: dict[str, Sequence[object]],
    ) -> Rows | None:
        rows = len(ts_ms)
        has_events = any(events)
        if not _ids_fit(events):
            return None
        weight = None
        if "count" in optional:
            weight = np.array([1 if each is None else each for each in optional["count"]], np.int64)
            if not ((weight >= 1) & (weight <= MOST_COUNT)).all():
                return None
        if any(each not in (1, None) for each in optional.get("v", ())):
            return None
        labels = set(zip(*_labels(optional, rows), strict=True))
        guest, guests = _named(optional.get("guestId"), "guestId")
        claim, claims = _named(optional.get("tenantId"), "tenantId")
        return Rows(
            record=np.full(rows, record, np.int64),
            index=np.arange(rows),
            place=place,
            measure=ints([number for number, _ in measures]),
            ts_ms=ts_ms,
            value=value,
            weight=weight,
            guest=guest,
            guests=guests,
            claim=claim,
            claims=claims,
            event_texts=events if has_events else None,
            priority=most_urgent(checked_labels(*each) for each in labels),
        )

    def _places_of(
        self,
        wedding: Sequence[str | None],
        vendor: Sequence[str | None],
        source: Sequence[str | None],
    ) -> Ints:
        known = self._places
        keys = list(zip(wedding, vendor, source, strict=True))
        try:
            return ints([known[key] for key in keys])
        except KeyError:
            for key in _unknown(keys, known):
                names = ("weddingId", "vendorId", "source")
                ids = [checked_id(each, name) for each, name in zip(key, names, strict=True)]
                known[key] = self._lexicon.place(*ids)
            return ints([known[key] for key in keys])

    def _measures_of(
        self, name: Sequence[str], kind: Sequence[str], dims: Sequence[msgspec.Raw]
    ) -> list[tuple[int, int]]:
        """The number of each measure, and how many members its dimensions take in the text."""
        known = self._measures
        keys = list(zip(name, kind, map(bytes, dims), strict=True))
        try:
            return [known[key] for key in keys]
        except KeyError:
            for key in _unknown(keys, known):
                known[key] = self._measure(*key)
            return [known[key] for key in keys]

    def _measure(self, name: str, kind: str, text: bytes) -> tuple[int, int]:
        """Raises DecodeError where a dimension is no text: the slower way takes numbers too."""
        members = self._any.decode(text) if text else {}
        dims, lifted = checked_dims(members)
        if lifted:
            raise Poison("bad-dims", "an id among the dimensions")
        number = self._lexicon.measure(checked_name(name), checked_kind(kind), dims)
        return number, len(members) + bool(text)


def _unknown(keys: Sequence[_Key], known: Container[_Key]) -> list[_Key]:
    """The keys that are met for the first time, in their order: numbers follow it."""
    return [key for key in dict.fromkeys(keys) if key not in known]


def _times(column: Sequence[int | str]) -> Ints | None:
    if str in set(map(type, column)):
        known = {text: checked_ts_ms(text) for text in set(column)}
        return ints([known[text] for text in column])
    ts_ms = np.array(column, np.int64)
    return ts_ms if ts_ms.min() >= 0 and ts_ms.max() <= LAST_MS else None


def _ids_fit(texts: Sequence[str | None]) -> bool:
    some = [text for text in texts if text is not None]
    if not some:
        return True
    return (
        min(map(len, some)) >= 1
        and max(map(len, some)) <= LONGEST_ID
        and "".join(some).isprintable()
    )


def _labels(
    optional: dict[str, Sequence[object]], rows: int
) -> tuple[Sequence[object], Sequence[object]]:
    none = (None,) * rows
    return optional.get("dataType", none), optional.get("priority", none)


def _named(column: Sequence[object] | None, name: str) -> tuple[Ints | None, tuple[str, ...]]:
    if column is None:
        return None, ()
    texts = {each: checked_id(each, name) for each in set(column)}
    return numbered([texts[each] for each in column])
