"""Which ladder is climbed, and how fast: the weddings' calendar decides."""

import pytest

from tests.harness import a_wedding_request
from tests.scenarios.language import (
    NARROW,
    WIDE,
    Day,
    at,
    between,
    notice,
    page,
    pages,
    requests,
    resolved,
)


def tuesday(*, wedding_on: str | None = None) -> Day:
    weddings = {} if wedding_on is None else {"w1": a_wedding_request(on=wedding_on)}
    return Day("2026-06-16", weddings=weddings).at("14:05")


@pytest.mark.parametrize("wedding_on", [None, "2026-06-20", "2026-06-15"])
def test_without_a_wedding_today_the_tiers_are_called_at_0_10_and_30_minutes(
    wedding_on: str | None,
) -> None:
    day = tuesday(wedding_on=wedding_on)
    day.report()
    day.expects_only(between("14:05", "14:06"), *pages(0, *NARROW[0]))
    day.expects_only(between("14:05:01", "14:15"), *pages(1, *NARROW[1]))
    day.expects(at("14:15"), *pages(1, *NARROW[1]))
    day.expects_only(between("14:15:01", "14:36"), *pages(2, *NARROW[2]))
    day.expects(at("14:35"), *pages(2, *NARROW[2]))


def test_with_a_wedding_today_the_tiers_are_called_at_0_5_and_15_minutes() -> None:
    day = tuesday(wedding_on="2026-06-16")
    day.report()
    for time, tier in (("14:05", 0), ("14:10", 1), ("14:20", 2)):
        day.expects_only(at(time), *pages(tier, *WIDE[tier]))
    assert len(day.heard(between("14:05", "14:21"))) == 5


def test_the_own_weddings_day_decides_whatever_else_is_today() -> None:
    weddings = {"w1": a_wedding_request(on="2026-06-16"), "w2": a_wedding_request(on="2026-10-20")}
    day = Day("2026-06-16", weddings=weddings).at("14:05")
    day.report(weddingId=day.wedding_id("w2"))
    day.expects_only(between("14:05", "14:14:59"), page(tier=0, to="on_call_engineer", about="w2"))


def test_a_wedding_in_planning_is_paged_wide_on_its_venues_weekend() -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request(on="2026-10-20")}).at("14:05")
    day.report(weddingId=day.wedding_id("w1"))
    day.expects_only(at("14:05"), *pages(0, *WIDE[0]))


@pytest.mark.parametrize("severity", ["high", "medium", "low"])
def test_an_incident_below_critical_is_told_once(severity: str) -> None:
    day = tuesday()
    answer = day.bundle.post("/api/monitoring/incidents", {"title": "Slow", "severity": severity})
    assert answer["escalationTriggered"] is False
    day.expects_only(between("14:05", "14:16"), notice(severity=severity))


def test_a_critical_incident_is_paged_before_its_answer() -> None:
    day = tuesday()
    answer = day.bundle.post("/api/monitoring/incidents", {"title": "Down", "severity": "critical"})
    heard = [(each.kind, each.role, each.incident_id) for each in day.bundle.notifications()]
    assert heard == [("page", "on_call_engineer", answer["incidentId"])]
    assert answer["escalationTriggered"] is True


def test_a_slow_wedding_tells_one_person_once_and_calls_nobody() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    saturday.push(requests(wedding="w1", ms=2500.0, number=20))
    saturday.expects_only(between("14:05", "14:12"), notice(severity="high", about="w1"))
    assert saturday.alert["autoEscalate"] is False
    assert saturday.bundle.active_incidents() == []


def test_a_slow_wedding_that_gets_worse_is_told_anew_and_then_paged() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    saturday.push(requests(wedding="w1", ms=2500.0, number=20))
    saturday.expects_only(between("14:05", "14:06:50"), notice(severity="high", about="w1"))
    saturday.at("14:07").push(requests(wedding="w1", ms=6000.0, number=200))
    saturday.expects_only(at("14:07"), *pages(0, *WIDE[0]))
    assert saturday.alert["severity"] == "critical"


def test_a_fault_that_has_recovered_is_told_to_whoever_heard_of_it() -> None:
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    saturday.push(requests(wedding="w1", ms=2500.0, number=20))
    saturday.at("14:11")
    for _ in saturday.every(seconds=60, until="14:17"):
        saturday.push(requests(wedding="w1", number=20))
    saturday.expects_only(between("14:07", "14:18"), resolved(to="on_call_engineer", about="w1"))
