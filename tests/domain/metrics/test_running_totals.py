import json
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.metrics.exports import (
    CUMULATIVE,
    MINUTE_NS,
    START_NS,
    a_histogram,
    a_sum,
    at,
    attributes,
    bins,
    export,
)
from wedsync.metrics.exported import Exported
from wedsync.metrics.otlp import read_export
from wedsync.metrics.point import Point
from wedsync.metrics.running_totals import (
    MOST_RUNS,
    Book,
    Taken,
    decode,
    encode,
    take_off,
)

HOUR = 60.0
DAY = 24 * HOUR


def readings(*data_points: dict[str, object]) -> list[Exported]:
    return list(read_export(json.dumps(export(a_sum("served", *data_points))).encode()).points)


def told(minutes: float, value: float, *, start_minutes: float = 0) -> Exported:
    """What has been served after so many minutes, by a process that began back then."""
    times = {
        "startTimeUnixNano": str(START_NS + int(start_minutes * MINUTE_NS)),
        "timeUnixNano": str(START_NS + int(minutes * MINUTE_NS)),
    }
    (each,) = readings({**times, "asDouble": value})
    return each


def take(book: Book, *each: Exported, minutes: float = 0) -> Taken:
    return take_off(book, each, now_ms=START_NS // 1_000_000 + int(minutes * 60_000))


def total(points: Iterable[Point]) -> float:
    return sum(sum(point.values) * point.count for point in points)


def test_what_is_owed_is_the_growth_since_the_reading_before() -> None:
    book = Book()
    for minutes, value in ((1, 10.0), (2, 10.0), (3, 25.0)):
        take(book, told(minutes, value))
    assert [point.values for point in book.owed.values()] == [(10.0,), (0.0,), (15.0,)]
    assert [point.ts_ms for point in book.owed.values()] == [
        START_NS // 1_000_000 + minutes * 60_000 for minutes in (1, 2, 3)
    ]


def test_the_same_reading_again_and_one_that_was_overtaken_change_nothing() -> None:
    book = Book()
    take(book, told(3, 25.0))
    before = encode(book)
    assert not take(book, told(3, 25.0), told(1, 10.0)).changed
    assert encode(book) == before


def test_readings_of_one_export_are_taken_in_the_order_of_their_times() -> None:
    book = Book()
    take(book, told(2, 20.0), told(1, 10.0))
    assert [point.values for point in book.owed.values()] == [(10.0,), (10.0,)]


def test_a_process_that_started_anew_counts_from_zero_again() -> None:
    book = Book()
    take(book, told(5, 100.0))
    take(book, told(7, 3.0, start_minutes=6))
    assert total(book.owed.values()) == 103.0


def test_a_total_that_fell_is_refused_and_changes_nothing() -> None:
    book = Book()
    take(book, told(1, 10.0))
    ((refused, why),) = take(book, told(2, 9.0)).refused
    assert (refused.at_ns, why.reason) == (START_NS + 2 * MINUTE_NS, "went-back")
    take(book, told(3, 12.0))
    assert total(book.owed.values()) == 12.0


@pytest.mark.parametrize(
    ("each", "counted"),
    [
        (told(DAY, 10.0), 10.0),
        (told(DAY + 1, 10.0), 0.0),
        (readings({"timeUnixNano": str(START_NS), "asInt": 10})[0], 0.0),
    ],
)
def test_the_first_reading_of_an_old_or_unknown_run_is_where_counting_begins(
    each: Exported, counted: float
) -> None:
    book = Book()
    take(book, each)
    assert total(book.owed.values()) == counted


def test_a_run_that_was_forgotten_is_never_counted_from_zero_again() -> None:
    book = Book()
    take(book, told(1, 10.0))
    take(book, minutes=2 * DAY)
    assert book.runs
    assert take(book, minutes=2 * DAY + 2).changed
    assert not book.runs
    # The oldest time that is still accepted then:
    take(book, told(DAY + 2, 30.0), minutes=2 * DAY + 2)
    assert total(book.owed.values()) == 10.0


def test_an_exporter_has_so_many_runs_and_no_more() -> None:
    points = [
        {**at(1), "asInt": 1, "attributes": attributes({"n": str(n)})} for n in range(MOST_RUNS + 1)
    ]
    book = Book()
    taken = take(book, *readings(*points))
    assert [why.reason for _, why in taken.refused] == ["too-many-series"]
    assert len(book.runs) == MOST_RUNS


def test_a_histogram_owes_what_was_added_to_its_bins() -> None:
    book = Book()
    for minutes, counts, value in ((1, [1, 2, 0], 20.0), (2, [1, 5, 1], 100.0)):
        told = a_histogram("n", {**at(minutes), **bins([5, 10], counts, sum=value)})
        take(book, *read_export(json.dumps(export(told)).encode()).points)
    added = [point for point in book.owed.values() if point.ts_ms % 120_000 == 0]
    assert Counter({point.count for point in book.owed.values()}) == Counter({1, 2, 3})
    assert sum(point.observations for point in book.owed.values()) == 7
    assert total(book.owed.values()) == pytest.approx(100.0)
    assert added


def test_a_book_comes_back_as_it_was_written() -> None:
    book = Book()
    take(book, told(1, 2.5))
    metrics = (
        a_sum("whole", {**at(1), "asInt": str(2**62)}),
        a_histogram("h", {**at(1), **bins([5, 10], [1, 2, 3], sum=40.0)}),
        {
            "name": "e",
            "exponentialHistogram": {
                "aggregationTemporality": CUMULATIVE,
                "dataPoints": [
                    {
                        **at(1),
                        "count": 6,
                        "scale": 2,
                        "zeroCount": 1,
                        "positive": {"offset": -3, "bucketCounts": [1, 0, 2]},
                        "negative": {"offset": 3, "bucketCounts": [2]},
                    }
                ],
            },
        },
    )
    found = read_export(json.dumps(export(*metrics, wedding__id="w1")).encode()).points
    taken = take(book, *found)
    assert [why.reason for _, why in taken.refused] == ["value-out-of-range"]
    again = decode(encode(book))
    assert again == book


_steps = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 12), st.sampled_from(["", "", "crash", "lost"])),
    max_size=40,
)


@given(_steps)
@settings(max_examples=150, deadline=None)
def test_whatever_is_repeated_reordered_or_crashes_every_increment_counts_once(
    steps: list[tuple[int, int, str]],
) -> None:
    """Runs by their start; their totals rise with time. Points count once per event id."""
    stored = b""
    counted: dict[str, Point] = {}
    newest: dict[int, int] = {}
    for run, minutes, fault in [*steps, *((run, 12, "") for run in range(4))]:
        each = told(100 * run + minutes, float(10 * minutes), start_minutes=100 * run)
        book = decode(stored) if stored else Book()
        take(book, each)
        stored = encode(book)
        newest[run] = max(newest.get(run, 0), minutes)
        if fault == "crash":
            continue
        counted |= book.owed
        if fault == "lost":
            continue
        book.owed = {}
        stored = encode(book)
    assert total(counted.values()) == sum(10.0 * minutes for minutes in newest.values())
