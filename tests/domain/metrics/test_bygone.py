"""Lines of a file are read together as each is by itself, and fold into quarters as items do."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.block import Block
from wedsync.metrics.bygone import TOO_OLD, TOO_YOUNG, LineReader, Sieve, Sifted, parts_of
from wedsync.metrics.decode import RejectedPoint, decode_record
from wedsync.metrics.fold import merge_rows, slots
from wedsync.metrics.identity import Origin
from wedsync.metrics.intake import OTHER_TENANT, UNKNOWN_OUTCOME
from wedsync.metrics.lexicon import Lexicon
from wedsync.metrics.point import Point
from wedsync.metrics.rows import rows_of_points

TS = 1_781_964_300_000
GOOD: dict[str, object] = {"name": "api.request", "kind": "timer", "ts": TS, "value": 120}
ODD_LINES = (
    b"",
    b"   ",
    b"no json",
    b'{"name":"a",',
    b'"kind":"event","ts":1}',
    b'{"name":"a","kind":"event","ts":1}{"name":"b","kind":"event","ts":1}',
    b'{"name":"a","kind":"event","ts":1,"dims":{"x":"y"}',
    b'{"name":"a","name":"b","kind":"event","ts":1}',
    b"[]",
    b"7",
    b'{"name":"caf\\u00e9","kind":"event","ts":1}',
    *(
        json.dumps(each).encode()
        for each in (
            [GOOD, {"name": "x"}, GOOD],
            [GOOD] * 501,
            {**GOOD, "values": [1, 2], "value": None},
            {**GOOD, "value": 1e16},
            {**GOOD, "guestId": "g", "weddingId": "w", "count": 3},
            {**GOOD, "dims": {"status": 200}, "eventId": "é-1"},
            {"name": "a", "kind": "event", "ts": "2026-06-20T14:05:00Z", "data": [{}, {"ts": 5}]},
            {**GOOD, "operation": "increment"},
        )
    ),
)


def line(**members: object) -> bytes:
    return json.dumps({**GOOD, **members}).encode()


def read_together(
    lines: list[bytes],
) -> tuple[list[tuple[int, int, Point]], list[tuple[int, RejectedPoint]]]:
    reader = LineReader()
    read = reader.read(list(enumerate(lines)))
    names = reader.lexicon.names()
    found = []
    for part in read.parts:
        first = part.record if part.first is None else part.record[part.first]
        for number, (index, point) in zip(first.tolist(), part.points(names), strict=True):
            found.append((number, index, point))
    return found, sorted(read.rejected, key=lambda each: each[0])


def read_apart(
    lines: list[bytes],
) -> tuple[list[tuple[int, int, Point]], list[tuple[int, RejectedPoint]]]:
    lexicon = Lexicon()
    found, rejected = [], []
    for number, text in enumerate(lines):
        if text.strip():
            decoded = decode_record(text)
            rejected += [(number, each) for each in decoded.rejected]
            rows = rows_of_points(number, decoded.points, lexicon)
            if decoded.points:
                told = rows.points(lexicon.names())
                found += [(number, index, point) for index, point in told]
    return found, rejected


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 5), st.integers(1, 120))
def test_lines_are_read_together_as_each_by_itself(seed: int, odd: int, total: int) -> None:
    chance = random.Random(seed)
    lines = [line(value=each, weddingId=f"w{each % 3}") for each in range(total)]
    for _ in range(odd):
        lines.insert(chance.randrange(len(lines)), chance.choice(ODD_LINES))
    assert read_together(lines) == read_apart(lines)


@pytest.mark.parametrize("odd", ODD_LINES)
def test_an_odd_line_costs_its_neighbours_nothing(odd: bytes) -> None:
    lines = [line(value=1), odd, line(value=2)]
    assert read_together(lines) == read_apart(lines)


@pytest.mark.parametrize(
    ("odd", "code"),
    [(b"WSCF", "malformed-frame"), (b'{"columns":{"kind":"event"}}', "malformed-columns")],
)
def test_what_is_begun_as_another_form_is_refused_as_such(odd: bytes, code: str) -> None:
    points, rejected = read_together([line(), odd, line()])
    assert [(number, each.code) for number, each in rejected] == [(1, code)]
    assert len(points) == 2


def test_columns_are_a_line_too_and_a_named_one_counts_once() -> None:
    columns = {"name": "a", "kind": "event", "ts": [TS, TS + 1]}
    named = json.dumps({"frameId": "f", "columns": columns}).encode()
    nameless = json.dumps({"columns": columns}).encode()
    sifted = sift([named, line(), named, nameless, nameless])
    assert (sifted.taken, sifted.repeated) == (2 + 1 + 2 + 2, 2)


def sift(lines: list[bytes], seen: set[int] | None = None) -> Sifted:
    reader = LineReader()
    sieve = Sieve(
        origin=Origin(tenant="t", device="backfill", batch_id="job"),
        key=b"key",
        began_ms=TS + 10**9,
        oldest_ms=TS - 10**6,
        young_ms=TS + 10**6,
        seen=set() if seen is None else seen,
    )
    return sieve.sift(reader.read(list(enumerate(lines))), reader.lexicon)


def test_what_is_not_added_is_named_by_the_first_reason_that_holds() -> None:
    wrong = {"name": "photo.upload", "dims": {"outcome": "complete"}}
    sifted = sift(
        [
            line(tenantId="rival", ts=TS - 10**7),
            line(tenantId="t"),
            line(**wrong, ts=TS - 10**7),
            line(**wrong, ts=TS + 10**7),
            line(ts=TS + 10**6),
            json.dumps([GOOD, {**GOOD, "ts": 0}]).encode(),
        ]
    )
    assert [(each.line, each.index, each.reason) for each in sifted.misfits] == [
        (0, 0, OTHER_TENANT),
        (2, 0, TOO_OLD),
        (3, 0, UNKNOWN_OUTCOME),
        (4, 0, TOO_YOUNG),
        (5, 1, TOO_OLD),
    ]
    assert (sifted.taken, sifted.repeated) == (2, 0)


def test_a_point_with_several_values_stands_and_falls_with_its_event_id() -> None:
    seen: set[int] = set()
    twice = line(value=None, values=[1, 2], eventId="e")
    first, again = sift([twice, line(), twice], seen), sift([twice, line()], seen)
    assert (first.taken, first.repeated) == (2, 1)
    assert (again.taken, again.repeated) == (1, 1)
    assert first.columns is not None
    assert sorted(first.columns.value.tolist()) == [1, 2, 120]


def test_quarters_are_what_the_items_of_their_minutes_amount_to() -> None:
    chance = random.Random(5)
    lines = [
        line(
            name=chance.choice(["photo.upload", "api.request", "guests.seated"]),
            kind=chance.choice(["timer", "gauge"]),
            ts=TS + chance.randrange(-(10**6), 10**6),
            value=chance.randrange(1000) / 4,
            weddingId=f"w{chance.randrange(4)}",
            guestId=f"g{chance.randrange(9)}",
            dims={"outcome": chance.choice(["completed", "failed"])},
            count=chance.randrange(1, 4),
        )
        for _ in range(800)
    ]
    columns = sift(lines).columns
    assert columns is not None
    minutes: dict[int, list[Block]] = {}
    for share in slots(columns, packs=lambda _tenant, _created_at_ms: 1):
        block = Block.decode(merge_rows(None, share).content.late)
        minutes.setdefault(share.key.minute // 15, []).append(block)
    expected = {number: Block.merge(each).encode() for number, each in sorted(minutes.items())}
    assert {number: block.encode() for number, block in parts_of(columns, minutes=15)} == expected
