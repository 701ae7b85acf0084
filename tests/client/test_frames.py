"""What the client makes a frame of is read as its JSON would be; what might not be goes as JSON."""

import base64
import contextlib
import gzip
import json
import random
import struct
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness import Bundle
from wedsync.client import Batch, Spool
from wedsync.client.frames import LONGEST_SPAN_MS, MOST_ROWS, fit_of, frame_of
from wedsync.client.spool import BYTES_PER_FRAME
from wedsync.metrics.point import DataType, Point, Priority
from wedsync.metrics.reading import BodyReader

NOW = 1_781_964_300_000
FRAME_ID = 0x0123_4567_89AB_CDEF
GOOD: dict[str, object] = {"name": "photo.upload", "kind": "timer", "ts": NOW, "value": 850.5}


def line(point: Mapping[str, object]) -> bytes:
    return json.dumps(point, separators=(",", ":")).encode() + b"\n"


def framed(*points: Mapping[str, object]) -> bytes:
    frame = frame_of(b"".join(map(line, points)), frame_id=FRAME_ID)
    assert frame is not None
    return frame


def read(body: bytes) -> tuple[list[tuple[int, Point]], list[str], list[Priority]]:
    """The points that count, the codes of those that do not, and how urgent the record is."""
    reader = BodyReader()
    found = reader.read([(0, body)])
    names = reader.lexicon.names()
    points = [each for part in found.parts for each in part.points(names)]
    # Neither decides where a point is counted; a source only does where nothing else is named.
    told = [
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
    rejected = [each.code for _, each in found.rejected]
    return told, rejected, [part.priority for part in found.parts]


ids = st.text(max_size=3) | st.sampled_from(["w" * 200, "w" * 201, "é", "\ud800", "a\u200bb", ""])
numbers = (
    st.integers(-5, 5)
    | st.integers(-(10**16), 10**16)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(-5000, 5000, places=2).map(float)
    | st.sampled_from([True, "1", None, 1e15, -1e15, 1e-131, -0.0, 2**31 - 1, 2**31, 0.1])
)
dims = st.dictionaries(
    st.sampled_from(["outcome", "a", "a b", "weddingId", "n" * 64, "n" * 65, ""]),
    st.text(max_size=2) | st.booleans() | st.integers() | numbers | st.none(),
    max_size=3,
)
points = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["photo.upload", "a", "A:b/c-d_e", "n" * 200, "n" * 201])
        | st.sampled_from(["é", "", "derived.x", "api.request"]),
        "kind": st.sampled_from(["counter", "gauge", "timer", "event", "other"]),
        "ts": st.integers(NOW - 10**9, NOW + 10**9)
        | st.sampled_from([0, -1, 1.5, "2026-06-20T14:05:00Z", NOW // 1000]),
    },
    optional={
        "value": numbers,
        "values": st.lists(numbers, max_size=4),
        "count": st.sampled_from([1, 3, 10**9, 10**9 + 1, 0, None, True, 2.0]),
        "weddingId": ids,
        "vendorId": ids,
        "source": ids,
        "guestId": ids | st.none(),
        "dims": dims | st.none(),
        "dataType": st.sampled_from(["booking_event", "other", None]),
        "priority": st.sampled_from(["low", "urgent", "critical", "other", None]),
        "v": st.sampled_from([1, 2, None]),
        "eventId": st.sampled_from(["e-1"]),
        "weddingID": st.just("w"),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(points, min_size=1, max_size=12))
def test_a_frame_is_read_as_the_json_of_its_points(sent: list[dict[str, object]]) -> None:
    fitting = [point for point in sent if fit_of(point, NOW) is not None]
    if not fitting:
        return
    as_frame, as_json = read(framed(*fitting)), read(b"".join(map(line, fitting)))
    assert as_frame[0] == as_json[0]
    assert as_frame[1] == as_json[1] == []
    assert max(each.rank for each in as_frame[2]) == max(each.rank for each in as_json[2])


@settings(deadline=None)
@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=4))
def test_every_value_comes_back_to_the_bit(values: list[float]) -> None:
    told, rejected, _ = read(framed({**GOOD, "value": None, "values": values}))
    assert not rejected
    (point,) = (point for _, point in told)
    expected = [0.0 if abs(each) < 1e-130 else each for each in values]
    assert struct.pack(f"{len(values)}d", *point.values) == struct.pack(
        f"{len(values)}d", *expected
    )


AT_THE_LIMIT: tuple[dict[str, object], ...] = (
    GOOD,
    {**GOOD, "value": 1e15},
    {**GOOD, "value": None, "values": [1, 2.5] * 200},
    {**GOOD, "kind": "event", "value": None},
    {**GOOD, "count": 1_000_000_000},
    {**GOOD, "name": "n" * 200},
    {**GOOD, **dict.fromkeys(("weddingId", "vendorId", "source", "guestId"), "é" * 200)},
    {**GOOD, "dims": {"n" * 63 + str(each): "é" * 256 for each in range(10)}},
    {**GOOD, "dims": {str(each): str(each) for each in range(16)}},
    {**GOOD, "dims": {"attempt": 3, "none": ""}},
    {**GOOD, "ts": NOW - 7 * 86_400_000},
    {**GOOD, "priority": "urgent"},
)


@pytest.mark.parametrize("point", AT_THE_LIMIT)
def test_what_is_just_within_the_limits_fits(point: dict[str, object]) -> None:
    assert fit_of(point, NOW) is not None
    told, rejected, _ = read(framed(point))
    assert told == read(line(point))[0]
    assert not rejected


@pytest.mark.parametrize(
    "odd",
    [
        {"eventId": "e-1"},
        {"streamId": "s"},
        {"tenantId": "t"},
        {"operation": "increment"},
        {"data": [{"value": 1}]},
        {"clientId": "c"},
        {"another": 1},
        {"v": 2},
        {"ts": "2026-06-20T14:05:00Z"},
        {"ts": NOW + 0.0},
        {"ts": NOW - 8 * 86_400_000},
        {"ts": NOW + 8 * 86_400_000},
        {"values": [1, 2]},
        {"value": None, "values": [1] * (MOST_ROWS + 1)},
        {"value": 1.1e15},
        {"value": True},
        {"dims": {"weight": 1.5}},
        {"dims": {"absent": None}},
        {"dims": {"first": True}},
        {"dims": {"guestId": "g"}},
        {"weddingId": "line\nfeed"},
        {"source": "half \ud800"},
        {"kind": "histogram"},
        {"name": "derived.a"},
    ],
)
def test_what_a_frame_cannot_hold_or_might_be_refused_for_goes_as_json(
    odd: dict[str, object],
) -> None:
    assert fit_of({**GOOD, **odd}, NOW) is None


def test_the_longest_span_that_the_spool_puts_in_a_frame_can_be_told() -> None:
    told, rejected, _ = read(framed(GOOD, {**GOOD, "ts": NOW - LONGEST_SPAN_MS}))
    assert [point.ts_ms for _, point in told] == [NOW, NOW - LONGEST_SPAN_MS]
    assert not rejected


def test_a_batch_is_the_same_frame_at_every_try() -> None:
    lines = b"".join(line({**GOOD, "value": each}) for each in range(500))
    batch = Batch(f"000000000001-{FRAME_ID:016x}", lines, framed=True)
    head = struct.unpack_from("<4sBBBBQq", batch.body)
    assert head[5:] == (FRAME_ID, -1), "every point's time is its own"
    assert batch.body == Batch(batch.batch_id, lines, framed=True).body
    assert len(batch.body) < len(lines) / 20


@pytest.mark.parametrize(
    "damaged",
    [b"{half\n", b"\x00\x00\n", b"7\n", b"{}\n", b"\xff\n", line({**GOOD, "ts": 2**40}),
     line({**GOOD, "value": 1e400}), line({**GOOD, "count": 2**40})],
)  # fmt: skip
def test_what_a_disk_has_damaged_goes_as_lines_and_costs_itself_alone(damaged: bytes) -> None:
    lines = line(GOOD) + damaged + line(GOOD)
    batch = Batch(f"000000000001-{FRAME_ID:016x}", lines, framed=True)
    assert batch.frame is None
    told, rejected, _ = read(gzip.decompress(batch.body))
    assert [index for index, point in told if point.ts_ms == NOW and point.count == 1] == [0, 2]
    assert len(told) + len(rejected) == 3


def test_points_that_are_all_alike_are_no_bomb() -> None:
    point = {**GOOD, "guestId": "g", "count": 2, "value": None, "values": [0.1 + 0.2] * MOST_ROWS}
    told, rejected, _ = read(framed(point))
    assert not rejected
    assert len(told[0][1].values) == MOST_ROWS


def test_the_largest_frame_of_a_spool_fits_a_request_and_a_record(tmp_path: Path) -> None:
    """As many series as points, in texts that no compression makes much shorter."""
    chance = random.Random(20260620)
    points: list[dict[str, object]] = [
        {
            **GOOD,
            "value": 1 / at,
            "weddingId": base64.b85encode(chance.randbytes(156)).decode(),
            "vendorId": base64.b85encode(chance.randbytes(156)).decode(),
        }
        for at in range(3, 2_000)
    ]
    with contextlib.closing(Spool(tmp_path)) as spool:
        lines = [line(point).rstrip() for point in points]
        spool.append(lines, fits=[fit_of(point, NOW) for point in points])
        spool.seal()
        batch, *_ = spool.sealed(9)
    assert len(batch.lines) > 0.98 * BYTES_PER_FRAME
    assert 400_000 < len(batch.body) < (1 << 20) - 512
    sent = batch.lines.count(b"\n")
    with Bundle(at=datetime.fromtimestamp(NOW / 1000, UTC), shards=1) as bundle:
        answer = bundle.request("POST", "/api/metrics/ingest", body=batch.body)
        assert (answer.status, answer["accepted"]) == (202, sent)
        assert bundle.request("POST", "/api/metrics/ingest", body=batch.body).status == 202
        bundle.drain()
        bundle.clock.advance(2)
        query = {"name": "photo.upload", "stat": "count", "window": "1m", "timeRange": "5m"}
        series = bundle.request("GET", "/api/metrics/series", query=query)["series"]
        lines_told = cast("list[dict[str, list[tuple[int, float]]]]", series)
        assert sum(value for told in lines_told for _, value in told["points"]) == sent
