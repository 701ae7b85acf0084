"""Guest lists that are not shown, and timelines that do not reach the devices."""

import pytest

from tests.harness import a_wedding_request
from tests.scenarios.language import WIDE, Day, Said, Told, at, between, notice, pages, resolved

RULES = {
    "guest_list.load": "guest_list_failures",
    "timeline.sync": "timeline_sync_failures",
}


def tries(metric: str, *, completed: int = 0, failed: int = 0) -> Told:
    return tuple(
        Said(
            name=metric,
            kind="timer",
            value=80.0,
            wedding="w1",
            dims={"outcome": outcome},
            times=times,
        )
        for outcome, times in (("completed", completed), ("failed", failed))
        if times
    )


def a_saturday(*, twice: bool = False) -> Day:
    weddings = {"w1": a_wedding_request(), "w2": a_wedding_request(couple="Cy & Di")}
    return Day("2026-06-20", starts="14:00", weddings=weddings, twice=twice)


def a_tuesday_before() -> Day:
    return Day("2026-03-03", starts="14:00", weddings={"w1": a_wedding_request(on="2026-09-12")})


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every trigger twice"])
@pytest.mark.parametrize("metric", RULES)
def test_on_the_day_it_is_paged_at_once_and_its_end_is_told(metric: str, *, twice: bool) -> None:
    day = a_saturday(twice=twice).at("14:05").push(tries(metric, completed=20, failed=5))
    day.expects_only(at("14:05"), *pages(0, *WIDE[0]))
    assert day.alert["type"] == RULES[metric]
    assert day.alert["weddingId"] == day.wedding_id("w1")
    assert (day.alert["severity"], day.alert["impact"]) == ("critical", "high")
    assert day.acknowledge_alert().status == 200
    for _ in day.every(seconds=60, until="14:18"):
        day.push(tries(metric, completed=20))
    assert day.alert["state"] == "resolved"
    day.expects(
        between("14:05", "14:18"),
        resolved(to="on_call_engineer"),
        resolved(to="platform_lead"),
    )


@pytest.mark.parametrize("metric", RULES)
def test_one_failure_of_two_is_no_page(metric: str) -> None:
    day = a_saturday().at("14:05").push(tries(metric, completed=1, failed=1))
    day.expects_silence(between("14:05", "14:15"))


@pytest.mark.parametrize("metric", RULES)
def test_months_before_the_wedding_it_takes_five_and_a_minute(metric: str) -> None:
    day = a_tuesday_before().at("14:05").push(tries(metric, completed=96, failed=4))
    day.push(tries(metric, completed=40))
    day.expects_silence(between("14:05", "14:05:59"))
    day.expects(between("14:06", "14:07"), notice(severity="medium"))


@pytest.mark.parametrize("metric", RULES)
def test_what_belongs_to_no_wedding_calls_nobody(metric: str) -> None:
    day = a_saturday().at("14:05")
    stray = tuple(
        Said(name=metric, kind="timer", value=80.0, dims={"outcome": "failed"}, times=9)
        for _ in range(3)
    )
    day.push(stray)
    day.expects_silence(between("14:05", "14:10"))
