"""Columnar JSON: the members of the envelope as columns, for senders that have no binary frames.

``{"v": 1, "frameId": …, "createdAt": …, "columns": {"name": …, "ts": […], "value": […]}}``. A
column of texts is one text for all points, an array, or ``{"of": [texts], "at": [numbers]}``;
dimensions are an array of objects, or ``{"of": [objects], "at": [numbers]}`` (docs/ingest.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec
import numpy as np

from wedsync.errors import member_pointer
from wedsync.metrics.body import Poison, parse_json
from wedsync.metrics.columns import ints
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
from wedsync.metrics.frame import MOST_POINTS
from wedsync.metrics.histogram import Bools, Ints, dense_ids
from wedsync.metrics.jsonrows import members_in
from wedsync.metrics.lexicon import NONE, Lexicon, Place
from wedsync.metrics.point import LARGEST_VALUE, most_urgent
from wedsync.metrics.rows import Rows, numbered
from wedsync.spelling import did_you_mean


class _Coded(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    of: list[str]
    at: list[int]


class _CodedDims(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    of: list[dict[str, str]]
    at: list[int] | None = None


_Texts = str | list[str] | _Coded
_Named = str | list[str | None] | _Coded


class _Columns(msgspec.Struct, gc=False, forbid_unknown_fields=True, rename="camel"):
    name: _Texts
    kind: _Texts
    ts: list[int]
    value: list[float] | None = None
    count: list[int] | int | None = None
    wedding_id: _Named | None = None
    vendor_id: _Named | None = None
    source: _Named | None = None
    guest_id: _Named | None = None
    event_id: list[str | None] | None = None
    tenant_id: str | None = None
    data_type: _Texts | None = None
    priority: _Texts | None = None
    dims: list[dict[str, str]] | _CodedDims | None = None


class _Frame(msgspec.Struct, gc=False, forbid_unknown_fields=True, rename="camel"):
    columns: _Columns
    v: int = 1
    frame_id: str | None = None
    created_at: int | None = None


_DECODER = msgspec.json.Decoder(_Frame)
_COLUMN_NAMES = tuple(field.encode_name for field in msgspec.structs.fields(_Columns))
_FRAME_NAMES = tuple(field.encode_name for field in msgspec.structs.fields(_Frame))
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_WRONG_AT = re.compile(r" - at `\$([^`]*)`\Z")
_STEP = re.compile(r"\.?\[?([A-Za-z0-9]+|\.\.\.)\]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnarRead:
    """One record of columns: its rows that are good, and what is wrong with others by index."""

    rows: Rows
    flawed: tuple[tuple[int, str], ...]
    frame_id: int | None
    created_at_ms: int | None


def is_columnar(body: bytes) -> bool:
    """Whether this may be a record of columns: cheap, and never wrong about one that is."""
    return body[:1] in (b"{", b" ", b"\n", b"\t", b"\r") and b'"columns"' in body


def read_columns(record: int, body: bytes, lexicon: Lexicon) -> ColumnarRead | None:
    """The rows of a record of columns; ``None`` if it is something else after all.

    Raises:
        Poison: it is one, and cannot be read.

    """
    try:
        frame = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        value = parse_json(body)
        if not isinstance(value, dict) or not isinstance(value.get("columns"), dict):
            return None
        if "name" in value:
            return None
        raise _malformed(str(error)) from error
    if _members(frame) != members_in(body):
        parse_json(body)  # strictly: a member twice is found here
    return _read(record, frame, lexicon)


def _malformed(told: str) -> Poison:
    """What the decoder told, in our words and at its place."""
    place = _WRONG_AT.search(told)
    pointer = "" if place is None else _STEP.sub(r"/\1", place[1]).removesuffix("/...")
    if (unknown := _UNKNOWN.match(told)) is not None:
        name = unknown[1]
        known = {"/columns": _COLUMN_NAMES, "": _FRAME_NAMES}.get(pointer, ("of", "at"))
        detail = f"no member is called {name[:64]}{did_you_mean(name, known)}"
        return Poison("malformed-columns", detail, pointer=pointer + member_pointer(name))
    if (missing := _MISSING.match(told)) is not None:
        pointer += f"/{missing[1]}"
        return Poison("malformed-columns", f"{missing[1]} is required", pointer=pointer)
    return Poison(
        "malformed-columns", "it is not what docs/ingest.md says of this column", pointer=pointer
    )


def _members(frame: _Frame) -> int:
    """How many members the text has, if none stands in it twice."""
    count = 1 + (frame.frame_id is not None) + (frame.created_at is not None) + (frame.v == 1)
    for name in _Columns.__struct_fields__:
        column = getattr(frame.columns, name)
        count += column is not None
        if isinstance(column, _Coded):
            count += 2
        elif isinstance(column, _CodedDims):
            count += 1 + (column.at is not None) + sum(map(len, column.of))
        elif name == "dims" and column is not None:
            count += sum(map(len, column))
    return count


def _read(record: int, frame: _Frame, lexicon: Lexicon) -> ColumnarRead:
    columns = frame.columns
    points = len(columns.ts)
    if frame.v != 1:
        raise Poison("unknown-version", "the envelope's version is not known", pointer="/v")
    if not 1 <= points <= MOST_POINTS:
        raise Poison("too-many-points", f"a record of columns holds 1 to {MOST_POINTS} points")
    created = frame.created_at
    if created is not None and not 0 <= created <= LAST_MS:
        raise Poison("bad-ts", "createdAt is epoch milliseconds", pointer="/createdAt")
    frame_id = checked_id(frame.frame_id, "frameId")
    ts_ms, wrong_ts = _whole(columns.ts, 0, LAST_MS)
    weight, wrong_count = None, np.zeros(points, np.bool_)
    if columns.count is not None:
        counts = [columns.count] * points if isinstance(columns.count, int) else columns.count
        _same_length(counts, points, "count")
        weight, wrong_count = _whole(counts, 1, MOST_COUNT)
    kind, kinds = _coded(columns.kind, points, "kind")
    value = np.ones(points)
    if columns.value is not None:
        _same_length(columns.value, points, "value")
        value = np.array(columns.value, np.float64)
    elif set(kinds) != {"event"}:
        raise Poison("missing", "value is required", pointer="/columns/value")
    wrong_value = ~(np.abs(value) <= LARGEST_VALUE)
    value[np.abs(value) < SMALLEST_VALUE] = 0.0
    guest, guests = _ids(columns.guest_id, points, "guestId")
    claim, claims = _ids(columns.tenant_id, points, "tenantId")
    for text in _coded(columns.data_type, points, "dataType")[1]:
        checked_labels(text, None)
    priorities = _coded(columns.priority, points, "priority")[1]
    rows = Rows(
        record=np.full(points, record, np.int64),
        index=np.arange(points),
        place=_places(columns, points, lexicon),
        measure=_measures(columns, points, kind, kinds, lexicon),
        ts_ms=ts_ms,
        value=value,
        weight=weight,
        guest=guest if guests else None,
        guests=guests,
        claim=claim if claims else None,
        claims=claims,
        event_texts=_events(columns.event_id, points),
        priority=most_urgent(checked_labels(None, text) for text in priorities),
    )
    wrong = wrong_value | wrong_ts | wrong_count
    flawed = [
        (at, "value" if wrong_value[at] else "ts" if wrong_ts[at] else "count")
        for at in np.flatnonzero(wrong).tolist()
    ]
    return ColumnarRead(
        rows=rows.take(~wrong) if flawed else rows,
        flawed=tuple(flawed),
        frame_id=None if frame_id is None else _number_of(frame_id),
        created_at_ms=created,
    )


def _number_of(frame_id: str) -> int:
    """The 64 bits of a frame id that is a text."""
    digest = blake2b(frame_id.encode(), digest_size=8, person=b"wsframe")
    return int.from_bytes(digest.digest(), "little")


def _whole(column: Sequence[int], least: int, most: int) -> tuple[Ints, Bools]:
    try:
        numbers = ints(column)
    except OverflowError:  # beyond 64 bits: wrong as well
        numbers = ints([min(max(each, -1), LAST_MS + 1) for each in column])
    return numbers, (numbers < least) | (numbers > most)


def _same_length(column: Sequence[object], points: int, name: str) -> None:
    if len(column) != points:
        raise Poison("uneven-columns", "every column has one entry a point", pointer=_at(name))


def _at(name: str) -> str:
    return f"/columns/{name}"


def _numbers(at: list[int], of: Sequence[object], points: int, name: str) -> Ints:
    _same_length(at, points, name)
    # More would be named by no point, and yet be learnt one by one.
    if len(of) > MOST_POINTS:
        detail = f"a table holds at most {MOST_POINTS} entries"
        raise Poison("malformed-columns", detail, pointer=_at(name))
    numbers, wrong = _whole(at, 0, len(of) - 1)
    if wrong.any():
        raise Poison("uneven-columns", "a number names nothing in its table", pointer=_at(name))
    return numbers


def _coded(column: _Texts | _Named | None, points: int, name: str) -> tuple[Ints, tuple[str, ...]]:
    """A column as numbers of texts, -1 for none."""
    if column is None:
        return np.full(points, NONE, np.int64), ()
    if isinstance(column, str):
        return np.zeros(points, np.int64), (column,)
    if isinstance(column, _Coded):
        return _numbers(column.at, column.of, points, name), tuple(column.of)
    _same_length(column, points, name)
    return numbered(column)


def _ids(column: _Named | None, points: int, name: str) -> tuple[Ints, tuple[str, ...]]:
    numbers, texts = _coded(column, points, name)
    return numbers, tuple(_checked(text, name) for text in texts)


def _checked(text: str, name: str) -> str:
    try:
        checked_id(text, name)
    except Poison as poison:
        raise Poison(poison.reason, poison.detail, pointer=_at(name)) from None
    return text


def _places(columns: _Columns, points: int, lexicon: Lexicon) -> Ints:
    named = {"weddingId": columns.wedding_id, "vendorId": columns.vendor_id,
             "source": columns.source}  # fmt: skip
    told = [(name, column) for name, column in named.items() if column is not None]
    if len(told) == 1:  # the usual case
        return _places_by(*told[0], points, lexicon)
    coded = [_ids(column, points, name) for name, column in named.items()]
    first, pair = dense_ids(*(numbers for numbers, _ in coded))
    places = [
        lexicon.place(*(_text(texts, int(numbers[at])) for numbers, texts in coded))
        for at in first.tolist()
    ]
    return ints(places)[pair]


def _places_by(name: str, column: _Named, points: int, lexicon: Lexicon) -> Ints:
    """Places that one text names each; those that have been met were looked at then."""
    numbers, texts = _coded(column, points, name)
    keys: list[Place] = [
        (text, None, None)
        if name == "weddingId"
        else (None, text, None)
        if name == "vendorId"
        else (None, None, text)
        for text in texts
    ]
    places = lexicon.met_places(keys)
    for at, (text, place) in enumerate(zip(texts, places, strict=True)):
        if place is None:
            _checked(text, name)
            places[at] = lexicon.place(*keys[at])
    found = [place for place in places if place is not None]
    if int(numbers.min()) < 0:
        found.append(lexicon.place(None, None, None))
    return ints(found)[numbers]


def _measures(
    columns: _Columns, points: int, kind: Ints, kinds: Sequence[str], lexicon: Lexicon
) -> Ints:
    name, names = _coded(columns.name, points, "name")
    dims, sets = _dims(columns.dims, points)
    checked = []
    for each in sets:
        found, lifted = checked_dims(dict(each))
        if lifted:
            raise Poison("bad-dims", "an id has a column of its own", pointer=_at("dims"))
        checked.append(found)
    first, number = dense_ids(name, kind, dims)
    measures = [
        lexicon.measure(
            checked_name(names[int(name[at])]),
            checked_kind(kinds[int(kind[at])]),
            checked[int(dims[at])] if dims[at] >= 0 else (),
        )
        for at in first.tolist()
    ]
    return ints(measures)[number]


def _dims(
    column: list[dict[str, str]] | _CodedDims | None, points: int
) -> tuple[Ints, Sequence[dict[str, str]]]:
    if column is None:
        return np.full(points, NONE, np.int64), ()
    if isinstance(column, _CodedDims):
        if column.at is None:
            if len(column.of) != 1:
                raise Poison("uneven-columns", "dims of several need at", pointer=_at("dims"))
            return np.zeros(points, np.int64), column.of
        return _numbers(column.at, column.of, points, "dims"), column.of
    _same_length(column, points, "dims")
    keys = [tuple(each.items()) for each in column]
    known: dict[tuple[tuple[str, str], ...], int] = {}
    numbers = ints([known.setdefault(key, len(known)) for key in keys])
    return numbers, [dict(key) for key in known]


def _events(column: Sequence[str | None] | None, points: int) -> Sequence[str | None] | None:
    if column is None:
        return None
    _same_length(column, points, "eventId")
    for text in column:
        if text is not None:
            _checked(text, "eventId")
    return column if any(column) else None


def _text(texts: Sequence[str], number: int) -> str | None:
    return None if number < 0 else texts[number]
