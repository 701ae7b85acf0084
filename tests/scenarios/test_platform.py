"""What no wedding owns: components that fail and hosts that run full."""

from collections.abc import Mapping

import pytest

from tests.harness import a_wedding_request
from tests.scenarios.language import (
    NARROW,
    WIDE,
    Day,
    at,
    between,
    cpu,
    health_check,
    notice,
    pages,
    requests,
)

TODAY = {"w1": a_wedding_request(on="2026-06-16")}


def a_tuesday_of_good_health(
    *, twice: bool = False, weddings: Mapping[str, Mapping[str, object]] | None = None
) -> Day:
    """So many checks were well that one that fails is no lack of availability."""
    day = Day("2026-06-16", weddings=weddings, twice=twice).at("14:05")
    return day.push(*(health_check(each, "ok", times=400) for each in ("database", "cache")))


def test_a_component_that_fails_once_is_no_failing_component() -> None:
    tuesday = a_tuesday_of_good_health().push(health_check("database", "failed"))
    tuesday.expects_silence(between("14:05", "14:08"))


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every trigger twice"])
def test_a_component_that_fails_twice_within_a_minute_is_told(*, twice: bool) -> None:
    tuesday = a_tuesday_of_good_health(twice=twice).push(health_check("database", "failed"))
    tuesday.at("14:05:50").push(health_check("database", "failed"))
    tuesday.expects_only(between("14:05", "14:08"), notice(severity="high"))
    tuesday.expects(between("14:06:20", "14:06:30"), notice(severity="high"))
    assert (tuesday.alert["type"], tuesday.alert["service"]) == ("system_failure", "database")


def test_failures_that_are_a_minute_apart_are_none_of_one_minute() -> None:
    tuesday = a_tuesday_of_good_health().push(health_check("database", "failed"))
    tuesday.at("14:06:01").push(health_check("database", "failed"))
    tuesday.expects_silence(between("14:05", "14:08"))


def test_failures_of_two_components_are_not_two_failures_of_one() -> None:
    tuesday = a_tuesday_of_good_health().push(health_check("database", "failed"))
    tuesday.push(health_check("cache", "failed"))
    tuesday.expects_silence(between("14:05", "14:08"))


def test_with_a_wedding_today_a_failing_component_is_paged_at_once() -> None:
    tuesday = a_tuesday_of_good_health(weddings=TODAY)
    tuesday.push(health_check("database", "failed"), health_check("database", "failed"))
    tuesday.expects_only(at("14:05"), *pages(0, *WIDE[0]))
    assert (tuesday.alert["type"], tuesday.alert["severity"]) == ("system_failure", "critical")


@pytest.mark.parametrize(
    ("percent", "severity"), [(80.0, None), (81.0, "medium"), (91.0, "high"), (95.0, "high")]
)
def test_a_host_that_runs_full_is_told_after_a_minute(percent: float, severity: str | None) -> None:
    tuesday = Day("2026-06-16").at("14:05").push(cpu("web-1", percent))
    tuesday.expects_silence(between("14:05", "14:05:59"))
    expected = [] if severity is None else [notice(severity=severity)]
    tuesday.expects_only(between("14:06", "14:07"), *expected)


def test_a_host_above_95_percent_is_paged_after_a_minute() -> None:
    tuesday = Day("2026-06-16").at("14:05").push(cpu("web-1", 96.0))
    tuesday.expects_silence(between("14:05", "14:05:59"))
    tuesday.expects_only(between("14:06", "14:07"), *pages(0, *NARROW[0]))
    assert (tuesday.alert["type"], tuesday.alert["severity"]) == ("resource_limit", "critical")


def test_with_a_wedding_today_a_host_above_95_percent_is_paged_at_once() -> None:
    tuesday = Day("2026-06-16", weddings=TODAY).at("14:05").push(cpu("web-1", 96.0))
    tuesday.expects_only(at("14:05"), *pages(0, *WIDE[0]))


def test_a_service_that_fails_is_judged_without_any_wedding() -> None:
    tuesday = Day("2026-06-16").at("14:05")
    tuesday.push(requests(number=90), requests(number=10, status=503))
    tuesday.expects_only(between("14:06", "14:07"), notice(severity="high"))
    assert (tuesday.alert["type"], tuesday.alert["service"]) == (
        "performance_degradation",
        "gallery",
    )
