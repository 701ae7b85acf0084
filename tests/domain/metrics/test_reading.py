"""Whatever form points come in, the same points are read; the fast way never differs."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.decode import decode_record
from wedsync.metrics.jsonrows import JsonReader
from wedsync.metrics.lexicon import Lexicon
from wedsync.metrics.point import DataType, Point, Priority
from wedsync.metrics.reading import BodiesRead, BodyReader

TS = 1_781_964_300_000
GOOD = {"name": "api.request", "kind": "timer", "ts": TS, "value": 120}


def read(*bodies: bytes) -> tuple[BodyReader, BodiesRead]:
    reader = BodyReader()
    return reader, reader.read(list(enumerate(bodies)))


def fast(body: bytes) -> list[tuple[int, Point]] | None:
    lexicon = Lexicon()
    rows = JsonReader(lexicon).read(0, body)
    return None if rows is None else list(rows.points(lexicon.names()))


ORDINARY: tuple[object, ...] = (
    GOOD,
    {**GOOD, "eventId": "é-1", "weddingId": "w1", "dims": {"status": "200", "service": "site"}},
    {**GOOD, "ts": "2026-06-20T14:05:00Z", "value": 1.5, "vendorId": "v1", "source": "app"},
    {**GOOD, "guestId": "g1", "count": 3, "dataType": "booking_event", "priority": "urgent"},
    {"name": "vendor.heartbeat", "kind": "event", "ts": TS, "vendorId": "v1", "v": 1},
    {**GOOD, "tenantId": "t1", "value": -0.0},
    {**GOOD, "value": 1e-200},
)


def counted(points: Iterable[tuple[int, Point]]) -> list[tuple[int, Point]]:
    """What counting needs of points: no label, and a source only where nothing else is named."""
    return [
        (
            index,
            replace(
                point,
                source=None if point.wedding_id or point.vendor_id else point.source,
                data_type=DataType.SYSTEM_METRIC,
                priority=Priority.NORMAL,
            ),
        )
        for index, point in points
    ]


def spaced(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def tight(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("shape", [spaced, tight])
def test_ordinary_records_take_the_fast_way(shape: Callable[[object], str]) -> None:
    for body in (
        shape(list(ORDINARY)),
        *map(shape, ORDINARY),
        "\n".join(map(shape, ORDINARY)) + "\n",
    ):
        taken = fast(body.encode())
        assert taken is not None
        assert taken == counted(decode_record(body.encode()).points)


@pytest.mark.parametrize(
    "text",
    [
        '[{"name":"x","kind":"timer","ts":5,"value":1,"value":2}]',
        '[{"name":"x","kind":"timer","ts":5,"value" :1,"value":2}]',
        '[{"name":"x","kind":"timer","ts":5,"value":1,"dims":{"a":"1","a":"2"}}]',
        '[{"name":"x","kind":"timer","ts":5,"value":1,"dims":{"a":1}}]',
        '[{"name":"x","kind":"timer","ts":5,"value":1,"weddingId":null}]',
        '[{"name":"x","kind":"timer","ts":5,"value":1,"extra":[1]}]',
        '[{"name":"\\u0078","kind":"timer","ts":5,"value":1}]',
        '[{"name":"x","kind":"timer","ts":5,"value":NaN}]',
        '[{"name":"x","kind":"timer","ts":5,"value":' + "9" * 5000 + "}]",
        '[{"name":"x","kind":"timer","ts":5,"value":0.' + "0" * 500 + "1}]",
        '[{"name":"x","kind":"timer","ts":5}]',
        '[{"name":"a b","kind":"timer","ts":5,"value":1}]',
        '{"kind":"timer","ts":5,"value":1,"data":[{"name":"x"}]}',
    ],
)
def test_the_slightest_doubt_leaves_a_record_to_the_strict_way(text: str) -> None:
    assert fast(text.encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b'[{"name":"x","kind":"timer","ts":5,"value":1,"eventId":"\xff"}]',
        b'[{"name":"x","kind":"timer","ts":5,"value":1,"eventId":"\xed\xa0\x80"}]',
        b'[{"name":"x","kind":"timer","ts":5,"value":1,"eventId":"\x01"}]',
        json.dumps([GOOD]).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps([GOOD]).encode(),
    ],
)
def test_what_is_no_json_is_refused_as_before(body: bytes) -> None:
    assert fast(body) is None
    _, found = read(body)
    assert not found.parts
    assert found.rejected


VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.0, 1.5, TS, 1e15, 1.1e15, 1e300, "", "x", "w1", "timer",
     "event", "counter", "2025-06-07T23:30:00Z", "high", "a b", {}, {"a": "1"}, {"a": 1}, []]
)  # fmt: skip
MEMBERS = (
    *("v", "name", "kind", "ts", "value", "values", "count", "dims", "eventId", "weddingId"),
    *("vendorId", "source", "guestId", "tenantId", "dataType", "priority", "extra"),
)
near = st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=4).map(
    lambda change: {**GOOD, **change}
)


@given(st.lists(near, min_size=1, max_size=3), st.sampled_from("[\n"), st.integers(0, 300))
@settings(max_examples=500, deadline=None)
def test_where_the_fast_way_answers_it_says_what_the_strict_way_says(
    rows: list[dict[str, object]], form: str, doubled: int
) -> None:
    text = "\n".join(map(json.dumps, rows)) if form == "\n" else json.dumps(rows)
    keys = [at for at in range(len(text)) if text.startswith('"v', at)]
    if keys and doubled % 3 == 0:  # a member twice
        at = keys[doubled % len(keys)]
        text = text[:at] + '"value": 7, ' + text[at:]
    if doubled % 5 == 0:
        text = text.replace('":', '" :', 1)
    taken = fast(text.encode())
    if taken is not None:
        decoded = decode_record(text.encode())
        assert decoded.rejected == ()
        assert taken == counted(decoded.points)


def columnar(**columns: object) -> bytes:
    return json.dumps({"v": 1, "columns": {"name": "x", "kind": "timer", **columns}}).encode()


def test_columns_say_what_rows_say() -> None:
    body = json.dumps(
        {
            "v": 1,
            "frameId": "f1",
            "createdAt": TS,
            "columns": {
                "name": {"of": ["api.request", "photo.upload"], "at": [0, 1, 0]},
                "kind": "timer",
                "ts": [TS, TS + 1, TS + 2],
                "value": [1, 2.5, 3],
                "count": [1, 1, 9],
                "weddingId": ["w1", None, "w2"],
                "vendorId": "v1",
                "guestId": [None, "g1", None],
                "eventId": ["e1", None, "e3"],
                "dims": {"of": [{"b": "2", "a": "1"}, {}], "at": [0, 1, 0]},
                "priority": "high",
            },
        }
    ).encode()
    rows = [
        {"name": "api.request", "ts": TS, "value": 1, "weddingId": "w1", "eventId": "e1",
         "dims": {"a": "1", "b": "2"}},
        {"name": "photo.upload", "ts": TS + 1, "value": 2.5, "guestId": "g1"},
        {"name": "api.request", "ts": TS + 2, "value": 3, "weddingId": "w2", "eventId": "e3",
         "count": 9, "dims": {"a": "1", "b": "2"}},
    ]  # fmt: skip
    reader, found = read(body)
    expected = decode_record(
        json.dumps([{"kind": "timer", "vendorId": "v1", **row} for row in rows]).encode()
    )
    assert [(at, each.point) for at, each in reader.points(body).items()] == counted(
        expected.points
    )
    assert found.rejected == []
    assert found.heads[0].created_at_ms == TS
    assert found.heads[0].frame_id is not None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (columnar(ts=[TS, TS], value=[1]), "uneven-columns"),
        (columnar(ts=[TS], value=[1], weddingId={"of": ["w"], "at": [1]}), "uneven-columns"),
        (columnar(ts=[TS]), "missing"),
        (columnar(ts=[], value=[]), "too-many-points"),
        (columnar(ts=[TS] * 5001, value=[1] * 5001), "too-many-points"),
        (columnar(ts=["x"], value=[1]), "malformed-columns"),
        (columnar(ts=[TS], value=[1], extra=1), "malformed-columns"),
        (columnar(ts=[TS], value=[1], weddingId="\u0001"), "bad-wedding-id"),
        (columnar(ts=[TS], value=[1], dims=[{"weddingId": "w"}]), "bad-dims"),
        (columnar(ts=[TS], value=[1]).replace(b'"ts"', b'"ts":[1],"ts"'), "duplicate-key"),
        (columnar(ts=[TS], value=[1]).replace(b"[1]", b"[NaN]"), "not-finite"),
        (columnar(ts=[TS], value=[1]).replace(b"[1]", b"[" + b"9" * 500 + b"]"), "number-too-long"),
    ],
)
def test_columns_that_cannot_be_read_are_refused_whole(body: bytes, code: str) -> None:
    _, found = read(body)
    assert not found.parts
    assert [(each.index, each.code) for _, each in found.rejected] == [(None, code)]


def test_a_bad_number_in_a_column_costs_its_point_alone() -> None:
    body = columnar(ts=[TS, -5, TS], value=[1, 2, 2e15], count=[1, 1, 1])
    _, found = read(body)
    assert [part.index.tolist() for part in found.parts] == [[0]]
    assert [(each.index, each.code) for _, each in found.rejected] == [
        (1, "bad-ts"),
        (2, "value-out-of-range"),
    ]


def test_an_event_needs_no_value_in_any_form() -> None:
    body = json.dumps({"columns": {"name": "x", "kind": "event", "ts": [TS, TS]}}).encode()
    reader, _ = read(body)
    assert [each.point.values for each in reader.points(body).values()] == [(1.0,), (1.0,)]


def test_a_point_may_have_a_member_of_that_name() -> None:
    body = json.dumps({**GOOD, "columns": {"a": 1}}).encode()
    reader, found = read(body)
    assert found.rejected == []
    assert len(reader.points(body)) == 1
