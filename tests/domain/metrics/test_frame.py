"""Frames come back as they were sent, and whatever is wrong with one costs itself alone."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.frame import MOST_POINTS, FrameColumns, FrameReader, encode
from wedsync.metrics.lexicon import Lexicon
from wedsync.metrics.point import Kind, Point

TS = 1_781_964_300_000
DOCUMENT = Path(__file__).parents[3] / "docs" / "frame.md"
VECTOR = bytes.fromhex(
    "5753434601020100efcdab8967452301c86259e59e010000e05e59e59e010000020001004500"
    "00005f0000005b5b227731225d2c5b5b2270686f746f2e75706c6f6164222c2274696d657222"
    "5d5d2c5b5b226f7574636f6d65222c22636f6d706c65746564225d5d2c5b5d2c6e756c6c5d00"
    "00000000000000000000000000fa0000003921000078000000"
)


def reader() -> FrameReader:
    return FrameReader(Lexicon())


def some_columns(**members: object) -> FrameColumns:
    columns = FrameColumns(
        places=[("w1", None, None), (None, "v1", None), (None, None, "app")],
        metrics=[("photo.upload", "timer"), ("host.cpu", "gauge")],
        dims=[(("outcome", "completed"),), ()],
        series=[(0, 0, 0), (1, 0, 1), (2, 1, 1)],
        series_of=np.array([0, 1, 2, 0]),
        ts_ms=np.array([TS, TS + 5, TS - 5, TS]),
        value=np.array([1.5, 2.25, -3.0, 0.0]),
    )
    return replace(columns, **members)  # type: ignore[arg-type]


def a_frame(*, compress: bool = False, **members: object) -> bytes:
    return encode(some_columns(**members), frame_id=7, created_at_ms=TS, compress=compress)


def points(data: bytes) -> list[Point]:
    return [point for _, point in reader().points(data)]


def poison(data: bytes) -> str:
    read = reader().read([(0, data)])
    assert read.rows is None
    return read.poison[0].reason


@pytest.mark.parametrize("compress", [False, True])
def test_a_frame_comes_back_as_it_was_sent(*, compress: bool) -> None:
    data = a_frame(
        compress=compress,
        count=np.array([1, 2, 3, 1]),
        guests=["g1"],
        guest=np.array([0, -1, -1, -1]),
        event=np.array([0, 0, 0xAB, 0], np.uint64),
        tenant="t1",
    )
    first, second, third, last = points(data)
    assert first == Point(
        name="photo.upload", kind=Kind.TIMER, ts_ms=TS, values=(1.5,), wedding_id="w1",
        dims=(("outcome", "completed"),), guest_id="g1", tenant_id="t1",
    )  # fmt: skip
    assert (second.vendor_id, second.count, second.dims) == ("v1", 2, ())
    assert (third.source, third.kind, third.values) == ("app", Kind.GAUGE, (-3.0,))
    assert third.event_id == "00000000000000ab"
    assert last == replace(first, values=(0.0,), guest_id=None)
    head = reader().read([(3, data)]).heads[3]
    assert (head.frame_id, head.created_at_ms, head.points) == (7, TS, 4)


def test_the_bytes_are_those_that_the_document_shows() -> None:
    data = encode(
        FrameColumns(
            places=[("w1", None, None)],
            metrics=[("photo.upload", "timer")],
            dims=[(("outcome", "completed"),)],
            series=[(0, 0, 0)],
            series_of=np.array([0, 0]),
            ts_ms=np.array([TS, TS + 250]),
            value=np.array([850.5, 12.0]),
        ),
        frame_id=0x0123_4567_89AB_CDEF,
        created_at_ms=TS + 1000,
        compress=False,
    )
    assert data == VECTOR
    assert VECTOR.hex() in "".join(DOCUMENT.read_text().split())
    assert data[44:].startswith(b'[["w1"],[["photo.upload","timer"]]')
    assert points(data)[1].values == (12.0,)


@pytest.mark.parametrize(
    "values",
    [[1.0, -2.0], [0.5, 12.25], [1 / 3, 2.0], [1e15, -1e15], [0.1, 0.1 + 1e-12], [1.5e10, 0.5]],
)
def test_values_come_back_bit_by_bit(values: list[float]) -> None:
    data = a_frame(
        series_of=np.zeros(len(values), np.int64),
        ts_ms=np.full(len(values), TS),
        value=np.array(values),
    )
    assert [point.values for point in points(data)] == [(value,) for value in values]


def test_several_values_of_one_point_stay_one_point() -> None:
    rows = reader().read([(0, a_frame(first=np.array([True, False, False, True])))]).rows
    assert rows is not None
    assert rows.first is not None
    assert rows.first.tolist() == [True, False, False, True]
    assert rows.index.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1.1e15])
def test_a_value_that_cannot_be_counted_costs_its_point_alone(bad: float) -> None:
    read = reader().read([(0, a_frame(value=np.array([1.0, bad, 2.0, 3.0])))])
    assert read.rows is not None
    assert read.rows.index.tolist() == [0, 2, 3]
    assert [(each.index, each.member) for each in read.flawed] == [(1, "value")]


def test_a_frame_that_is_malformed_costs_its_neighbours_nothing() -> None:
    good = a_frame()
    read = reader().read([(0, good), (1, good[:-1]), (2, good)])
    assert set(read.poison) == {1}
    assert read.rows is not None
    assert sorted(set(read.rows.record.tolist())) == [0, 2]


def test_what_is_wrong_with_a_frame_is_told() -> None:
    good = a_frame()
    assert poison(good[:30]) == "malformed-frame"
    assert poison(good + b"\0") == "malformed-frame"
    assert poison(good[:4] + b"\x02" + good[5:]) == "unknown-version"
    assert poison(good[:5] + b"\x07" + good[6:]) == "malformed-frame"
    assert poison(good[:7] + b"\x80" + good[8:]) == "malformed-frame"
    assert poison(good[:32] + b"\0\0" + good[34:]) == "too-many-points"
    assert poison(a_frame(series=[(9, 0, 0)] * 3)) == "malformed-frame"
    assert poison(a_frame(series_of=np.array([0, 1, 2, 3]))) == "malformed-frame"
    assert poison(a_frame(metrics=[("a b", "timer"), ("x", "timer")])) == "bad-name"
    assert poison(a_frame(metrics=[("a", "meter"), ("x", "timer")])) == "unknown-kind"
    assert poison(a_frame(dims=[(("a", "1"), ("a", "2")), ()])) == "bad-dims"
    assert poison(a_frame(dims=[(("weddingId", "w2"),), ()])) == "bad-dims"
    assert poison(a_frame(compress=True)[:-3]) in ("malformed-frame", "broken-compression")
    at = good.index(b"[[")
    assert poison(good[:at] + b"{" + good[at + 1 :]) == "malformed-tables"


def test_a_frame_that_would_inflate_too_far_is_refused_before_it_is_inflated() -> None:
    head = bytearray(a_frame(compress=True)[:44])
    struct.pack_into("<I", head, 40, 500_000)
    struct.pack_into("<I", head, 36, 500_000 - 18 - 4 * 10)
    assert poison(bytes(head) + b"x" * 100) == "inflation-ratio"


def test_a_frame_holds_5000_points() -> None:
    many = MOST_POINTS + 1
    with pytest.raises(ValueError, match="5000"):
        a_frame(series_of=np.zeros(many, np.int64), ts_ms=np.full(many, TS), value=np.zeros(many))


GOOD = (a_frame(), a_frame(compress=True), a_frame(count=np.array([1, 2, 3, 4])))


@given(st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=6)),
                                       max_size=4), st.integers(0, 400))  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_damaged_frames_are_poison_or_points_and_nothing_is_raised(
    good: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(good)
    for at, noise in changes:
        data[at : at + len(noise)] = noise
    data = data[: max(cut, 4)] if cut < 44 else data
    read = reader().read([(0, bytes(data)), (1, good)])
    assert 1 in read.heads
    if 0 in read.poison:
        assert 0 not in read.heads
    else:
        rows = read.rows
        counted = 0 if rows is None else int((rows.record == 0).sum())
        wrong = sum(each.record == 0 for each in read.flawed)
        assert counted + wrong == read.heads[0].points
