"""Slowness is counted against the stream's own past."""

import pytest

from tests.domain.alerting.streams.traffic import HOUR, Watch, a_stream, counts
from wedsync.alerting.finding import Outcome
from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.slowness import slow_requests
from wedsync.alerting.streams.verdict import Verdict


def verdict(watch: Watch) -> Verdict:
    return slow_requests(watch.known.hour, watch.known.habit)


def minutes_until_paged(
    watch: Watch, *, rate: int, ms: float, slow: int = 0, at_most: int = 30
) -> int | None:
    for count in range(1, at_most + 1):
        watch.sees(counts(watch.now, rate, ms=ms, slow=slow))
        if verdict(watch).severity is Severity.CRITICAL:
            return count
    return None


@pytest.mark.parametrize(("rate", "ms"), [(3, 400.0), (100, 300.0), (3000, 300.0)])
def test_answers_that_take_three_times_as_long_are_found_within_five_minutes(
    rate: int, ms: float
) -> None:
    found = minutes_until_paged(a_stream(rate), rate=rate, ms=ms)
    assert found is not None
    assert found <= 5


def test_a_tenth_part_that_hangs_does_not_move_the_mean_and_is_found_all_the_same() -> None:
    found = minutes_until_paged(a_stream(200), rate=200, ms=100.0, slow=40)
    assert found == 4


def test_answers_that_take_half_as_long_again_are_no_fault() -> None:
    assert minutes_until_paged(a_stream(300), rate=300, ms=150.0) is None


@pytest.mark.parametrize("ms", [250.0, 400.0])
def test_a_deployment_that_is_slow_for_three_minutes_calls_nobody(ms: float) -> None:
    assert minutes_until_paged(a_stream(300), rate=300, ms=ms, at_most=3) is None


@pytest.mark.parametrize("minutes", [1, 2])
def test_a_minute_or_two_of_any_slowness_call_nobody(minutes: int) -> None:
    assert minutes_until_paged(a_stream(300), rate=300, ms=5000.0, at_most=minutes) is None


def test_one_slow_answer_at_three_requests_a_minute_is_no_slow_stream() -> None:
    watch = a_stream(3)
    for slow in (1, 0, 1, 0, 0, 1, 0):
        assert not verdict(watch.sees(counts(watch.now, 3, slow=slow))).severity


def test_a_stream_that_is_new_has_no_habit_to_be_judged_by() -> None:
    watch = a_stream(100, minutes=HOUR)
    watch.for_minutes(5, lambda minute: counts(minute, 100, ms=1000.0))
    assert verdict(watch).outcome is Outcome.HOLD


def test_it_is_over_when_answers_are_as_fast_as_usual() -> None:
    watch = a_stream(100)
    watch.for_minutes(6, lambda minute: counts(minute, 100, ms=900.0))
    assert verdict(watch).severity is Severity.CRITICAL
    watch.for_minutes(3, lambda minute: counts(minute, 100))
    assert verdict(watch).outcome is Outcome.CLEAR
