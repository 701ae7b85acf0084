"""A stream advances by what is stored of its minutes, however often it is looked at."""

import random

from tests.domain.alerting.streams.traffic import DAY, MONDAY, Watch, a_stream, counts, steady
from wedsync.alerting.streams.minute import TIME_BINS, Counts, ms_of, time_bin
from wedsync.alerting.streams.rhythm import UNSEEN, code_of, rate_of
from wedsync.alerting.streams.stream import HOUR, REREAD, Stream


def test_a_step_that_is_repeated_changes_nothing() -> None:
    watch = a_stream(50, minutes=500)
    again = watch.known.step(watch.read, watch.known.through, frozenset())
    assert again == watch.known


def test_a_step_back_changes_nothing() -> None:
    watch = a_stream(50, minutes=500)
    assert watch.known.step(watch.read, watch.known.through - 1, frozenset()) is watch.known


def test_late_points_are_taken_in_while_their_minute_is_read_again() -> None:
    on_time, late = Watch(), Watch()
    for _ in range(200):
        on_time.sees(counts(on_time.now, 30))
        late.sees(counts(late.now, 20))
        if late.now - MONDAY > 2:
            late.read[late.now - 3] = counts(late.now - 3, 30)
    assert on_time.known.hour[: 1 - REREAD] == late.known.hour[: 1 - REREAD]
    assert on_time.known.rhythm == late.known.rhythm


def test_minutes_that_nobody_looked_at_in_time_are_blind_and_not_quiet() -> None:
    watch = a_stream(50, minutes=500)
    after = watch.known.step({}, watch.known.through + 30, frozenset())
    assert [row.blind for row in after.hour[-30:]] == [True] * (30 - REREAD) + [False] * REREAD


def test_a_pause_of_days_is_survived() -> None:
    watch = a_stream(50, minutes=500)
    after = watch.known.step({}, watch.known.through + 5 * DAY, frozenset())
    assert len(after.hour) == HOUR
    assert after.rhythm.level == watch.known.rhythm.level


def test_an_hour_and_six_hours_are_remembered() -> None:
    stream = a_stream(50, minutes=DAY).known
    assert len(stream.hour) == HOUR
    assert sum(judged for _, judged, _ in stream.halves) >= 50 * 5 * 60


def test_what_fails_for_an_hour_does_not_become_usual() -> None:
    watch = a_stream(50, minutes=DAY, failed_every=10)
    usual = watch.known.habit.failure_share
    watch.for_minutes(60, lambda minute: counts(minute, 50, failed=40))
    assert watch.known.habit.failure_share < 2 * usual


def test_what_is_slow_for_an_hour_does_not_become_the_objective() -> None:
    watch = a_stream(50, minutes=DAY)
    objective = watch.known.habit.objective
    watch.for_minutes(60, lambda minute: counts(minute, 50, ms=2000.0))
    assert watch.known.habit.objective == objective


def test_a_new_level_of_speed_is_learned_within_days() -> None:
    watch = a_stream(50, minutes=DAY).for_minutes(
        9 * DAY, lambda minute: counts(minute, 50, ms=300.0)
    )
    assert watch.known.habit.centre > 7.5


def test_every_time_lies_in_the_bin_that_holds_it() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        ms = 2 ** rng.uniform(0, 16.9)
        each = time_bin(ms)
        assert ms_of(each) <= ms < ms_of(each + 1)
    assert (time_bin(0.0), time_bin(1e9)) == (0, TIME_BINS - 1)


def test_a_rate_is_read_as_it_was_written_within_four_percent() -> None:
    for rate in (0.05, 0.5, 3.0, 77.0, 3000.0, 100_000.0):
        assert abs(rate_of(code_of(rate)) - rate) <= 0.04 * rate + 0.01
    assert rate_of(code_of(0.0)) == 0.0
    assert code_of(1e12) < UNSEEN


def test_counts_of_one_minute_are_joined_from_any_number_of_packs() -> None:
    left, right = counts(MONDAY, 10, failed=1), counts(MONDAY, 5, refused=2, ms=900.0)
    both = left.joined(right)
    assert both == right.joined(left)
    assert both[:4] == (MONDAY, 15, 13, 1)
    assert sum(count for _, count in both.times) == 12


def test_a_stream_without_requests_for_a_week_is_forgotten() -> None:
    watch = a_stream(50, minutes=DAY).for_minutes(6 * DAY, lambda _: None)
    assert not watch.known.is_forgotten
    assert watch.for_minutes(3 * DAY, lambda _: None).known.is_forgotten


def test_requests_that_are_few_have_a_level_all_the_same() -> None:
    watch = Watch()
    rng = random.Random(3)

    def few(minute: int) -> Counts | None:
        number = sum(rng.random() < 0.03 for _ in range(100))
        return counts(minute, number) if number else None

    watch.for_minutes(2 * DAY, few)
    assert 2.0 < watch.known.rhythm.expected(watch.now) < 4.5


def test_a_stream_begins_with_its_first_minute() -> None:
    stream = Stream(through=MONDAY - 1).step({MONDAY: counts(MONDAY, 5)}, MONDAY, frozenset())
    assert [row.minute for row in stream.hour] == [MONDAY]
    assert steady(5)(MONDAY).total == 5
