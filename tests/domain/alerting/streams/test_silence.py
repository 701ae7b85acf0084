"""Requests that stay away are missed; nights, weekends and lost reports are not."""

import pytest

from tests.domain.alerting.streams.traffic import DAY, HOUR, WEEK, Watch, a_stream, counts, steady
from wedsync.alerting.finding import Outcome
from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.detector import minutes_unreported, unreported
from wedsync.alerting.streams.minute import Counts
from wedsync.alerting.streams.silence import traffic_drop
from wedsync.alerting.streams.verdict import Verdict


def verdict(watch: Watch) -> Verdict:
    stream = watch.known
    return traffic_drop(stream.hour, stream.rhythm, stream.quiet_since)


def minutes_until_paged(watch: Watch, *, left: int = 0, at_most: int = 60) -> int | None:
    for count in range(1, at_most + 1):
        watch.sees(counts(watch.now, left) if left else None)
        if verdict(watch).severity is Severity.CRITICAL:
            return count
    return None


def office(minute: int) -> Counts:
    """Busy from eight to eighteen on weekdays, hardly at all at night, and less at the weekend."""
    hour, weekday = minute % DAY / HOUR, (minute - 29_563_200) // DAY % 7
    share = min(1.0, max(0.1, (hour - 7) / 2, 0.1)) if hour < 13 else min(1.0, max(0.1, 19 - hour))
    return counts(minute, round(200 * share * (0.3 if weekday >= 5 else 1.0)))


@pytest.mark.parametrize(("rate", "minutes"), [(3000, 3), (100, 3), (10, 3), (3, 6)])
def test_total_silence_is_found_as_soon_as_chance_is_out_of_the_question(
    rate: int, minutes: int
) -> None:
    watch = a_stream(rate, minutes=2 * DAY + 437)
    found = minutes_until_paged(watch)
    assert found is not None
    assert found <= minutes


@pytest.mark.parametrize(("rate", "minutes"), [(2, 4), (3, 3)])
def test_a_silence_that_chance_may_explain_calls_nobody(rate: int, minutes: int) -> None:
    """Of few requests a minute, eight or nine stay away once in some thousand times."""
    watch = a_stream(rate, minutes=2 * DAY + 437)
    assert minutes_until_paged(watch, at_most=minutes) is None


def test_a_drop_to_a_fifth_is_found() -> None:
    assert minutes_until_paged(a_stream(200, minutes=8 * DAY + 437), left=40) is not None


def test_a_drop_to_six_tenths_may_be_a_new_level_and_calls_nobody() -> None:
    assert minutes_until_paged(a_stream(200, minutes=8 * DAY + 437), left=120) is None


def test_two_silent_minutes_call_nobody() -> None:
    watch = a_stream(3000)
    assert minutes_until_paged(watch, at_most=2) is None


def test_nights_and_weekends_are_known_after_a_week_and_feared_before() -> None:
    watch = Watch()
    for _ in range(2 * WEEK):
        watch.sees(office(watch.now))
        assert verdict(watch).severity is None, (watch.now - 29_563_200) / DAY


def test_a_surge_that_ends_is_no_drop() -> None:
    watch = a_stream(100, minutes=2 * DAY).for_minutes(90, steady(600))
    for _ in range(60):
        assert not verdict(watch.sees(counts(watch.now, 100))).severity


def test_a_surge_on_the_first_day_does_not_make_the_evening_a_drop() -> None:
    watch = a_stream(100, minutes=6 * HOUR).for_minutes(60, steady(500))
    for rate in (100, 80, 60, 40, 20, 10):
        for _ in range(60):
            assert not verdict(watch.sees(counts(watch.now, rate))).severity


def test_maintenance_at_its_usual_time_of_the_week_is_expected() -> None:
    watch = a_stream(100, minutes=3 * DAY + 10 * HOUR + 7)
    watch.for_minutes(45, lambda _: None).for_minutes(WEEK - 45, steady(100))
    assert minutes_until_paged(watch, at_most=40) is None


def test_a_stop_on_the_hour_at_a_quiet_time_is_told_and_calls_nobody() -> None:
    watch = Watch().for_minutes(2 * DAY + 3 * HOUR, office)
    found = [verdict(watch.sees(None)).severity for _ in range(30)]
    assert Severity.HIGH in found
    assert Severity.CRITICAL not in found


def test_a_stop_at_any_other_minute_of_a_quiet_time_calls() -> None:
    watch = Watch().for_minutes(2 * DAY + 3 * HOUR + 17, office)
    assert minutes_until_paged(watch) is not None


def test_silence_that_goes_on_stays_silence() -> None:
    watch = a_stream(100, minutes=2 * DAY + 437)
    watch.for_minutes(6 * HOUR, lambda _: None)
    assert verdict(watch).outcome is Outcome.BREACH


def test_silence_of_days_never_counts_as_recovery() -> None:
    watch = a_stream(100, minutes=2 * DAY + 437)
    for _ in range(3 * DAY):
        assert verdict(watch.sees(None)).outcome is not Outcome.CLEAR


def test_a_stream_of_an_hour_is_not_known_well_enough() -> None:
    assert minutes_until_paged(a_stream(20, minutes=25), at_most=10) is None


def test_it_is_over_when_requests_come_again() -> None:
    watch = a_stream(100, minutes=2 * DAY + 437).for_minutes(20, lambda _: None)
    assert verdict(watch.for_minutes(4, steady(100))).outcome is Outcome.CLEAR


def test_streams_that_vanish_together_have_lost_their_reports() -> None:
    watches = {str(each): a_stream(50, minutes=HOUR) for each in range(8)}
    gone = watches["0"].now
    known = {name: watch.known for name, watch in watches.items()}
    assert unreported(known, {}, [gone]) == {gone}
    for watch in watches.values():
        for _ in range(5):
            watch.sees(None, blinded=True)
    assert all(verdict(watch).severity is None for watch in watches.values())
    assert minutes_unreported([watch.known for watch in watches.values()]) == 5


def test_one_stream_that_vanishes_has_no_such_excuse() -> None:
    watches = {str(each): a_stream(50, minutes=HOUR) for each in range(8)}
    gone = watches["0"].now
    known = {name: watch.known for name, watch in watches.items()}
    read = {name: {gone: counts(gone, 50)} for name in watches if name != "0"}
    assert unreported(known, read, [gone]) == frozenset()
