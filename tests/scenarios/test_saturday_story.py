"""A Saturday: photos begin to fail at a wedding, and people are called until one answers."""

import json

import pytest

from tests.harness import Notification, a_wedding_request
from tests.scenarios.language import (
    WIDE,
    Day,
    at,
    between,
    page,
    pages,
    photo_failures,
    photos,
    requests,
    resolved,
)


def a_saturday(*, twice: bool = False) -> Day:
    """The ceremony is at 16:00, so that the window is open from 14:00 to 01:00."""
    return Day("2026-06-20", weddings={"w1": a_wedding_request()}, twice=twice)


def test_photos_that_fail_are_paged_at_the_very_instant() -> None:
    saturday = a_saturday()
    saturday.at("14:00").push(photos("w1", completed=50))
    saturday.expects_silence(between("14:00", "14:04:59"))

    saturday.at("14:05").push(photo_failures("w1", rate=2.0))

    assert saturday.bundle.now == saturday.instant("14:05")
    saturday.expects(between("14:05", "14:06"), page(tier=0, to="on_call_engineer", about="w1"))


def test_the_alert_says_what_it_is_and_why_it_is_so_severe() -> None:
    saturday = a_saturday().at("16:05").push(photo_failures("w1", rate=2.0))
    alert = saturday.alert
    assert {
        "type": "photo_upload_failures",
        "severity": "critical",
        "state": "firing",
        "weddingId": saturday.wedding_id("w1"),
        "impact": "high",
        "autoEscalate": True,
        "value": 2.0,
        "threshold": 1.0,
    }.items() <= alert.items()
    assert "Ann & Bo" in str(alert["message"])
    reasons = alert["severityReasons"]
    assert isinstance(reasons, list)
    assert {json.dumps(each) for each in reasons} == {
        json.dumps(
            {
                "rule": rule,
                "severity": "critical",
                "reason": reason,
                "localTime": "2026-06-20T16:05:00+02:00",
            }
        )
        for rule, reason in (
            (
                "photo_upload_failures",
                "2 % of photo uploads fail on the wedding day; 1 % is allowed",
            ),
            ("weekend_wedding_workflow", "a wedding workflow is hit on the wedding day"),
        )
    }


def test_the_alert_opens_one_incident_with_its_ladder() -> None:
    saturday = a_saturday().at("14:05").push(photo_failures("w1", rate=2.0))
    incident = saturday.incident
    assert incident["incidentId"] == saturday.alert["incidentId"]
    assert (incident["severity"], incident["status"]) == ("critical", "open")
    assert (incident["wedding_impact"], incident["escalationLevel"]) == ("high", 1)
    assert saturday.at("14:20").incident["escalationLevel"] == 3


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every trigger twice"])
def test_the_three_tiers_are_called_at_0_5_and_15_minutes_each_person_once(*, twice: bool) -> None:
    saturday = a_saturday(twice=twice).at("14:05").push(photo_failures("w1", rate=2.0))
    saturday.expects_only(at("14:05"), *pages(0, *WIDE[0]))
    saturday.expects_only(at("14:10"), *pages(1, *WIDE[1]))
    saturday.expects_only(at("14:20"), *pages(2, *WIDE[2]))
    saturday.expects_only(
        between("14:00", "14:21"),
        *(each for tier, roles in enumerate(WIDE) for each in pages(tier, *roles)),
    )


def test_an_alert_between_two_seconds_counts_its_tiers_from_the_next_whole_one() -> None:
    saturday = a_saturday(twice=True).at("14:05:30")
    saturday.bundle.advance(0.25)
    saturday.push(photo_failures("w1", rate=2.0))
    saturday.expects_only(between("14:05:30", "14:05:31"), *pages(0, *WIDE[0]))
    saturday.expects_only(at("14:10:31"), *pages(1, *WIDE[1]))
    saturday.expects_only(at("14:20:31"), *pages(2, *WIDE[2]))


def test_nobody_is_called_after_somebody_has_answered() -> None:
    saturday = a_saturday(twice=True).at("14:05").push(photo_failures("w1", rate=2.0))
    assert saturday.at("14:09").acknowledge_alert().status == 200
    saturday.expects_silence(between("14:09", "14:18:59"))
    later = saturday.heard(between("14:09", "14:21"))
    assert {each.kind for each in later} == {"reminder"}


def test_an_answer_between_two_tiers_stops_the_third() -> None:
    saturday = a_saturday().at("14:05").push(photo_failures("w1", rate=2.0))
    saturday.expects_only(between("14:06", "14:12"), *pages(1, *WIDE[1]))
    assert saturday.acknowledge_alert().status == 200
    saturday.expects_silence(between("14:12:01", "14:21:59"))


def test_more_failures_open_nothing_more() -> None:
    saturday = a_saturday().at("14:05")
    for _ in saturday.every(seconds=20, until="14:09:40"):
        saturday.push(photo_failures("w1", rate=4.0, of=50), requests(wedding="w1", number=5))
    saturday.expects_only(between("14:05", "14:09:59"), *pages(0, *WIDE[0]))
    assert len(saturday.alerts) == 1


def test_two_weddings_have_an_incident_each() -> None:
    saturday = Day(
        "2026-06-20",
        weddings={"w1": a_wedding_request(), "w2": a_wedding_request(couple="Cy & Di")},
    )
    saturday.at("14:05").push(photo_failures("w1", rate=2.0))
    saturday.at("14:06").push(photo_failures("w2", rate=2.0))
    saturday.expects_only(
        between("14:05", "14:07"),
        *(page(tier=0, to=to, about=about) for about in ("w1", "w2") for to in WIDE[0]),
    )
    assert len(saturday.bundle.active_incidents()) == 2


def told(day: Day) -> tuple[Notification, ...]:
    """An afternoon with faults, answers and recoveries."""
    day.at("14:05").push(photo_failures("w1", rate=2.0), requests(wedding="w1", ms=6000.0))
    day.at("14:11")
    incident_id = str(day.incident["incidentId"])
    assert day.tell(incident_id, "acknowledge").status == 200
    day.push(photos("w1", completed=900), requests(wedding="w1", number=50))
    day.at("14:16:30").push(photo_failures("w1", rate=10.0), requests(number=50, status=500))
    return day.heard(between("14:00", "14:18"))


def test_the_same_day_is_told_in_the_same_words() -> None:
    first, second = told(a_saturday()), told(a_saturday())
    assert len(first) > 10
    assert first == second


def test_a_day_on_which_all_is_delivered_twice_is_told_in_the_same_words() -> None:
    once, twice = told(a_saturday()), told(a_saturday(twice=True))
    assert [each.dedup_key for each in once] == [each.dedup_key for each in twice]
    assert [(each.at, each.message) for each in once] == [(each.at, each.message) for each in twice]


def test_when_the_photos_come_through_again_everyone_who_was_called_is_told() -> None:
    saturday = a_saturday().at("14:05").push(photo_failures("w1", rate=2.0))
    saturday.at("14:11")
    for _ in saturday.every(seconds=30, until="14:15:30"):
        saturday.push(photos("w1", completed=20))
    assert saturday.alert["state"] == "firing"
    # Clear since 14:11: what failed at 14:05 has left the five minutes.
    saturday.expects_only(
        between("14:15:30", "14:16:30"),
        *(resolved(to=role, about="w1") for role in (*WIDE[0], *WIDE[1])),
    )
    assert saturday.heard(between("14:15:31", "14:17"))[0].at == saturday.instant("14:16")
    assert saturday.alert["state"] == "resolved"
    assert saturday.bundle.active_incidents() == []
    saturday.expects_silence(between("14:16:31", "14:21"))
