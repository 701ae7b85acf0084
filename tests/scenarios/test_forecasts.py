"""A host that fills up is told before it is full; one that only breathes is not."""

from collections.abc import Callable

import pytest

from tests.scenarios.language import NARROW, Day, Said, Told, between, notice, pages, resolved


def filled(metric: str, percent: float, host: str = "db-1") -> Told:
    return (Said(name=metric, kind="gauge", value=percent, dims={"host": host}),)


def a_tuesday(*, twice: bool = False) -> Day:
    return Day("2026-03-03", starts="13:00", twice=twice)


def told(day: Day, metric: str, value: Callable[[int], float], *, until: str) -> Day:
    for minute in day.every(seconds=60, until=until):
        day.push(filled(metric, value(minute)))
    return day


@pytest.mark.parametrize(
    ("metric", "twice"),
    [("host.memory", False), ("host.disk", True)],
    ids=["memory", "disk, every trigger twice"],
)
def test_a_steady_climb_is_told_before_it_gets_there(metric: str, *, twice: bool) -> None:
    day = told(a_tuesday(twice=twice), metric, lambda minute: 40.0 + minute, until="13:39")
    (alert,) = day.alerts
    assert (alert["ruleId"], alert["type"]) == ("platform.resource_forecast", "resource_limit")
    assert (alert["severity"], alert["tags"]) == ("high", ["predicted"])
    assert alert["service"] == "db-1"
    day.expects_only(between("13:00", "13:39"), notice(severity="high"))


def test_when_it_gets_there_all_the_same_somebody_is_called() -> None:
    day = told(a_tuesday(), "host.memory", lambda minute: min(97.0, 60.0 + minute), until="13:40")
    day.expects(between("13:00", "13:25"), notice(severity="high"))
    day.expects(between("13:35", "13:39"), *pages(0, *NARROW[0]))


def test_a_climb_that_comes_to_rest_ends() -> None:
    day = told(a_tuesday(), "host.memory", lambda minute: min(78.0, 40.0 + minute), until="13:55")
    day.expects_only(
        between("13:00", "13:55"), notice(severity="high"), resolved(to="on_call_engineer")
    )


@pytest.mark.parametrize(
    "value",
    [
        lambda minute: 45.0 + 30.0 * (minute % 12) / 12,
        lambda minute: 50.0 + 25.0 * (minute >= 30),
        lambda minute: 70.0 + (minute * 7919 % 11) * 0.8,
    ],
    ids=["a saw", "a step", "noise"],
)
def test_what_does_not_climb_is_not_told(value: Callable[[int], float]) -> None:
    told(a_tuesday(), "host.memory", value, until="13:55").expects_silence(
        between("13:00", "13:55")
    )
