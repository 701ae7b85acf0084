"""Services that break in ways no fixed threshold sees, and what breaks for a minute only."""

from collections.abc import Iterable, Mapping

import pytest

from tests.scenarios.language import Day, Told, ago, between, requests
from wedsync.stores.services import Services

TUESDAY = "2026-06-16"


def served(
    name: str = "gallery", *, number: int = 60, failed: int = 0, refused: int = 0, ms: float = 120.0
) -> Told:
    """One minute of one service."""
    parts = ((200, number - failed - refused), (503, failed), (404, refused))
    return tuple(
        said
        for status, count in parts
        if count
        for said in requests(service=name, number=count, status=status, ms=ms)
    )


def serving(day: Day, until: str, *told: Told) -> None:
    """Every minute the same, up to this time."""
    for _ in day.every(seconds=60, until=until):
        day.push(*told)


def well_until_noon(*names: str, number: int = 60, since: str = "11:30") -> Day:
    """A Tuesday on which these services have been well since then."""
    day = Day(TUESDAY, starts=since)
    serving(day, "11:59", *(served(name, number=number) for name in names or ("gallery",)))
    return day.at("12:00")


def pages_of(day: Day, first: str, last: str) -> list[str]:
    """When somebody was paged, and for what."""
    heard = day.heard(between(first, last))
    return [f"{one.at:%H:%M:%S} {one.subject}" for one in heard if one.kind == "page"]


@pytest.mark.parametrize("number", [3, 60, 3000])
def test_an_outage_calls_once_in_its_third_minute(number: int) -> None:
    day = well_until_noon(number=number)
    serving(day, "12:08", served(number=number, failed=number))
    (page,) = pages_of(day, "12:00", "12:08:59")
    assert page.startswith("10:02:0")
    assert {each["state"] for each in day.alerts} == {"firing"}
    assert len(day.bundle.active_incidents()) == 1


def test_a_part_that_fails_below_the_fixed_thresholds_calls_within_five_minutes() -> None:
    day = well_until_noon()
    serving(day, "12:06", served(failed=5))
    (page,) = pages_of(day, "12:00", "12:06:59")
    assert page < "10:05"
    (alert,) = (each for each in day.alerts if each["severity"] == "critical")
    assert alert["ruleId"] == "platform.failed_requests"
    assert "requests failed" in str(alert["severityReasons"])


def test_answers_that_take_four_times_as_long_call_within_five_minutes() -> None:
    day = well_until_noon(since="10:00")
    serving(day, "12:06", served(ms=480.0))
    (page,) = pages_of(day, "12:00", "12:06:59")
    assert page < "10:05"
    assert day.alert["ruleId"] == "platform.slow_requests"


def test_requests_that_stay_away_call_within_five_minutes() -> None:
    day = well_until_noon("gallery", "checkout", since="11:00").at("12:00")
    serving(day, "12:06", served("checkout"))
    (page,) = pages_of(day, "12:00", "12:06:59")
    assert page < "10:05"
    assert (day.alert["ruleId"], day.alert["service"]) == ("platform.traffic_drop", "gallery")


def test_a_fault_that_is_over_ends_its_alerts_and_its_incident() -> None:
    day = well_until_noon()
    serving(day, "12:09", served(failed=60))
    serving(day.at("12:10"), "12:35", served())
    assert day.bundle.active_incidents() == []
    assert {each["state"] for each in day.alerts} == {"resolved"}


def test_one_minute_in_which_everything_fails_is_told_and_calls_nobody() -> None:
    day = well_until_noon().push(served(failed=60))
    serving(day.at("12:01"), "12:12", served())
    assert pages_of(day, "12:00", "12:12:59") == []
    assert {each["severity"] for each in day.alerts} == {"high"}


def test_a_deployment_that_fails_a_third_for_three_minutes_calls_nobody() -> None:
    day = well_until_noon()
    serving(day, "12:02", served(failed=20, ms=300.0))
    serving(day.at("12:03"), "12:15", served())
    assert pages_of(day, "12:00", "12:15:59") == []


def test_a_bad_minute_that_nothing_follows_stands_and_calls() -> None:
    day = Day(TUESDAY, starts="12:00").push(served(failed=60))
    (page,) = pages_of(day, "12:00", "12:02")
    assert page.startswith("10:01:1")


@pytest.mark.parametrize(("failed", "severity"), [(100, "high"), (101, "critical")])
def test_a_steady_rate_is_judged_by_the_fixed_thresholds_word_for_word(
    failed: int, severity: str
) -> None:
    day = Day(TUESDAY, starts="12:00")
    serving(day, "12:05", served(number=1000, failed=failed))
    by_rule = {each["type"]: each["severity"] for each in day.alerts if _is_threshold(each)}
    assert by_rule == {"performance_degradation": severity}


def _is_threshold(alert: Mapping[str, object]) -> bool:
    return alert["ruleId"] == "platform.performance_degradation"


def test_bad_callers_call_nobody() -> None:
    day = well_until_noon()
    serving(day, "12:20", served(number=600, refused=540))
    assert pages_of(day, "12:00", "12:20:59") == []
    assert day.alerts == []


def test_services_that_break_together_are_one_fault() -> None:
    names = [f"service-{each}" for each in range(12)]
    day = well_until_noon(*names)
    serving(day, "12:06", *(served(name, failed=60) for name in names))
    assert len(pages_of(day, "12:00", "12:06:59")) == 1
    assert len(day.bundle.active_incidents()) == 1
    assert {each["service"] for each in day.alerts} == set(names)


def test_services_that_fall_silent_together_have_lost_their_reports() -> None:
    names = [f"service-{each}" for each in range(12)]
    day = well_until_noon(*names)
    assert pages_of(day, "12:00", "12:08") == []
    assert [each["ruleId"] for each in day.alerts] == ["platform.telemetry_gap"]
    assert day.alert["severity"] == "high"


def test_reports_that_are_lost_for_a_quarter_of_an_hour_call_once() -> None:
    day = well_until_noon(*(f"service-{each}" for each in range(12)))
    assert len(pages_of(day, "12:00", "12:20")) == 1


def told_afterwards(day: Day, until: str, told: Told) -> None:
    """Every minute is told as it ends."""
    for _ in day.every(seconds=60, until=until):
        day.push(ago(told, seconds=30))


def test_minutes_that_are_told_as_they_end_are_no_silence() -> None:
    day = Day(TUESDAY, starts="10:31")
    told_afterwards(day, "12:00", served())
    assert day.alerts == []


def test_an_outage_that_is_told_minute_by_minute_afterwards_calls_within_five_minutes() -> None:
    day = Day(TUESDAY, starts="11:01")
    told_afterwards(day, "12:00", served())
    told_afterwards(day.at("12:01"), "12:06", served(failed=60))
    (page,) = pages_of(day, "12:01", "12:06:59")
    assert page < "10:05"


def test_one_bad_minute_that_is_told_afterwards_calls_nobody() -> None:
    day = Day(TUESDAY, starts="11:01")
    told_afterwards(day, "12:00", served())
    told_afterwards(day.at("12:01"), "12:01", served(failed=60))
    told_afterwards(day.at("12:02"), "12:12", served())
    assert pages_of(day, "12:00", "12:12:59") == []


def test_a_batch_that_is_delivered_twice_is_judged_once() -> None:
    day = Day(TUESDAY, starts="10:00", twice=True)
    serving(day, "10:30", served())
    serving(day.at("10:31"), "10:36", served(failed=60))
    assert len(pages_of(day, "10:31", "10:36:59")) == 1
    assert _through(day.bundle.services, day) == ["10:35"]


def _through(services: Services, day: Day) -> Iterable[str]:
    streams = services.streams.board(day.bundle.tenant).streams.values()
    start = day.instant("00:00").timestamp() // 60
    minutes = [int(stream.through - start) for stream in streams]
    return [f"{each // 60}:{each % 60:02}" for each in minutes]
