"""Failures that last are found at every size of traffic; bad minutes and strays are not."""

import pytest

from tests.domain.alerting.streams.traffic import DAY, Watch, a_stream, counts, steady
from wedsync.alerting.finding import Outcome
from wedsync.alerting.severity import Severity
from wedsync.alerting.streams.failures import failed_requests
from wedsync.alerting.streams.verdict import Verdict


def verdict(watch: Watch) -> Verdict:
    stream = watch.known
    return failed_requests(stream.hour, stream.halves, stream.habit)


def minutes_until_paged(watch: Watch, *, rate: int, failed: int, at_most: int = 90) -> int | None:
    for count in range(1, at_most + 1):
        watch.sees(counts(watch.now, rate, failed=failed))
        if verdict(watch).severity is Severity.CRITICAL:
            return count
    return None


@pytest.mark.parametrize("rate", [3, 10, 100, 3000])
def test_a_total_outage_is_found_in_its_third_minute_at_any_traffic(rate: int) -> None:
    assert minutes_until_paged(a_stream(rate), rate=rate, failed=rate) == 3


@pytest.mark.parametrize(("rate", "failed"), [(10, 2), (100, 10), (3000, 180)])
def test_a_part_that_fails_is_found_in_its_fourth_minute(rate: int, failed: int) -> None:
    assert minutes_until_paged(a_stream(rate), rate=rate, failed=failed) == 4


def test_a_part_that_fails_at_three_requests_a_minute_needs_no_longer() -> None:
    assert minutes_until_paged(a_stream(3), rate=3, failed=1) == 5


@pytest.mark.parametrize("rate", [3, 100, 3000])
@pytest.mark.parametrize("minutes", [1, 2])
def test_one_or_two_minutes_of_total_failure_call_nobody(rate: int, minutes: int) -> None:
    watch = a_stream(rate)
    for _ in range(minutes):
        assert not verdict(watch.sees(counts(watch.now, rate, failed=rate))).severity
    for _ in range(30):
        assert not verdict(watch.sees(counts(watch.now, rate))).severity


@pytest.mark.parametrize("rate", [20, 3000])
def test_a_deployment_that_fails_a_third_for_three_minutes_calls_nobody(rate: int) -> None:
    assert minutes_until_paged(a_stream(rate), rate=rate, failed=rate // 3, at_most=3) is None


def test_one_or_two_stray_failures_call_nobody_at_three_requests_a_minute() -> None:
    watch = a_stream(3)
    for failed in (1, 0, 1, 0, 0, 0, 2, 0, 0, 1):
        assert not verdict(watch.sees(counts(watch.now, 3, failed=failed))).severity


def test_a_stream_that_always_fails_one_in_a_hundred_is_not_told_of_it() -> None:
    watch = a_stream(300, minutes=DAY)
    watch = Watch().for_minutes(DAY, lambda minute: counts(minute, 300, failed=3))
    assert minutes_until_paged(watch, rate=300, failed=3, at_most=60) is None
    assert minutes_until_paged(watch, rate=300, failed=6, at_most=20) is None


def test_callers_own_mistakes_are_nobodys_failure() -> None:
    watch = a_stream(100)
    for _ in range(30):
        watch.sees(counts(watch.now, 1000, refused=900))
        assert verdict(watch).outcome is not Outcome.BREACH


def test_refused_requests_do_not_hide_failures_either() -> None:
    watch = a_stream(100)
    for _ in range(4):
        watch.sees(counts(watch.now, 1000, refused=900, failed=20))
    assert verdict(watch).severity is Severity.CRITICAL


def test_a_smouldering_failure_below_the_fixed_thresholds_burns_through_its_budget() -> None:
    watch = a_stream(3000, minutes=DAY)
    found = minutes_until_paged(watch, rate=3000, failed=54, at_most=120)
    assert found is not None
    assert verdict(watch).axis in {"fast_burn", "slow_burn"}


def test_a_bad_minute_after_an_outage_is_not_the_outage_again() -> None:
    watch = a_stream(100)
    watch.for_minutes(20, lambda minute: counts(minute, 100, failed=100))
    watch.for_minutes(8, steady(100))
    assert not verdict(watch.sees(counts(watch.now, 100, failed=30))).severity


def test_it_is_over_once_a_few_minutes_are_as_usual() -> None:
    watch = a_stream(100)
    watch.for_minutes(10, lambda minute: counts(minute, 100, failed=50))
    assert verdict(watch.for_minutes(1, steady(100))).outcome is Outcome.HOLD
    assert verdict(watch.for_minutes(4, steady(100))).outcome is Outcome.CLEAR


def test_the_reason_tells_counts_the_usual_share_and_how_likely_it_was() -> None:
    watch = a_stream(100)
    watch.for_minutes(4, lambda minute: counts(minute, 100, failed=40))
    assert verdict(watch).text.startswith("160 of 500 requests failed (32 %) in 4 of the last 5")
    assert "usual are" in verdict(watch).text
