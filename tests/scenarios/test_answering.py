"""Somebody answers: through the alert or through the incident, and what follows from it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from tests.harness import Answer, a_wedding_request
from tests.scenarios.language import (
    NARROW,
    WIDE,
    Day,
    at,
    between,
    pages,
    photo_failures,
    photos,
    reminder,
    requests,
    resolved,
)
from wedsync.flows.incidents import change_incident
from wedsync.incidents.lifecycle import escalate


def a_paged_saturday(*, twice: bool = False) -> Day:
    """Photos fail since 14:05."""
    saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()}, twice=twice)
    return saturday.at("14:05").push(photo_failures("w1", rate=2.0))


def by_alert(day: Day) -> Answer:
    return day.acknowledge_alert()


def by_incident(day: Day) -> Answer:
    (incident,) = day.bundle.active_incidents()
    return day.tell(str(incident["incidentId"]), "acknowledge")


either_way = pytest.mark.parametrize("answers", [by_alert, by_incident])
Answers = Callable[[Day], Answer]


@either_way
def test_an_answer_is_kept_with_its_time_and_name(answers: Answers) -> None:
    saturday = a_paged_saturday().at("14:07")
    answer = answers(saturday)
    assert answer.status == 200
    assert answer["acknowledgedAt"] == "2026-06-20T12:07:00Z"
    assert answer["acknowledgedBy"] == saturday.bundle.key().caller.subject
    assert saturday.incident["acknowledgedAt"] == "2026-06-20T12:07:00Z"


@either_way
def test_an_answer_that_is_repeated_changes_nothing(answers: Answers) -> None:
    saturday = a_paged_saturday().at("14:07")
    first = answers(saturday)
    again = answers(saturday.at("14:08"))
    assert (again.status, again.body) == (200, first.body)
    saturday.expects_silence(between("14:07", "14:16:59"))


def test_an_alert_that_is_answered_answers_its_incident() -> None:
    saturday = a_paged_saturday().at("14:07")
    assert by_alert(saturday)["state"] == "acknowledged"
    assert saturday.incident["acknowledgedBy"] == saturday.bundle.key().caller.subject
    assert saturday.incident["status"] == "open"


@either_way
def test_an_answer_after_which_nothing_is_heard_is_remembered_ten_minutes_later(
    answers: Answers,
) -> None:
    saturday = a_paged_saturday(twice=True).at("14:07")
    answers(saturday)
    saturday.expects_only(
        between("14:07", "14:21"), reminder(to="on_call_engineer"), reminder(to="platform_lead")
    )
    saturday.expects(at("14:17"), reminder(to="on_call_engineer"), reminder(to="platform_lead"))


def test_on_any_other_day_the_reminder_comes_after_half_an_hour() -> None:
    tuesday = Day("2026-06-16").at("14:05")
    incident_id = tuesday.report()
    tuesday.at("14:07").tell(incident_id, "acknowledge")
    tuesday.expects_only(between("14:05:01", "14:38"), reminder(to="on_call_engineer"))
    tuesday.expects(at("14:37"), reminder(to="on_call_engineer"))


def test_whoever_was_called_is_told_once_that_it_is_over() -> None:
    saturday = a_paged_saturday().at("14:11")
    incident_id = str(saturday.incident["incidentId"])
    assert saturday.tell(incident_id, "resolve").status == 200
    told = [resolved(to=role, about="w1", tier=tier) for tier in (0, 1) for role in WIDE[tier]]
    saturday.expects_only(at("14:11"), *told)
    assert saturday.tell(incident_id, "resolve").status == 200
    saturday.expects_silence(between("14:11:01", "14:14"))
    saturday.expects_only(between("14:11", "14:14"), *told)


def test_what_is_over_takes_no_answer() -> None:
    saturday = a_paged_saturday()
    alert, incident = saturday.alert, saturday.incident
    of_alert = f"/api/metrics/alerts/{alert['alertId']}"
    of_incident = f"/api/monitoring/incidents/{incident['incidentId']}"
    assert saturday.bundle.post(f"{of_alert}/resolve").status == 200
    for path in (f"{of_alert}/acknowledge", f"{of_incident}/acknowledge"):
        answer = saturday.bundle.post(path)
        assert answer.status == 409, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert saturday.bundle.post(f"{of_incident}/escalate").status == 409
    assert saturday.bundle.post(f"{of_alert}/resolve").status == 200


def test_an_alert_resolved_by_hand_ends_its_incident_and_does_not_come_back_at_once() -> None:
    saturday = a_paged_saturday().at("14:06")
    saturday.bundle.post(f"/api/metrics/alerts/{saturday.alert['alertId']}/resolve")
    saturday.expects_only(at("14:06"), *(resolved(to=role) for role in WIDE[0]))
    assert saturday.bundle.active_incidents() == []
    bundle = saturday.bundle
    (ended,) = bundle.services.incidents.page(bundle.tenant, limit=2, cursor=None).incidents
    assert ended.resolved_by not in {None, "wedsync"}, "a person ended it"
    saturday.at("14:07").push(photos("w1", completed=1))
    saturday.expects_silence(between("14:06:01", "14:11"))


def test_an_alert_that_ends_while_another_goes_on_calls_nobody() -> None:
    saturday = a_paged_saturday().at("14:06")
    saturday.push(requests(wedding="w1", ms=6000, number=200)).at("14:07")
    photos_, slow = sorted(saturday.alerts, key=lambda each: str(each["type"]))[::-1]
    assert photos_["incidentId"] == slow["incidentId"] is not None
    saturday.bundle.clock.set(saturday.instant("14:12"))  # tier 1 is due, and nobody saw to it
    before = len(saturday.bundle.notifications())
    path = f"/api/metrics/alerts/{photos_['alertId']}/resolve"
    assert saturday.bundle.post(path).status == 200
    assert len(saturday.bundle.notifications()) == before
    path = f"/api/monitoring/incidents/{slow['incidentId']}/resolve"
    assert saturday.bundle.post(path).status == 200
    told = saturday.bundle.notifications()[before:]
    assert {each.kind for each in told} == {"resolved"}


def test_failures_after_a_resolved_incident_open_another_one() -> None:
    saturday = a_paged_saturday().at("14:06")
    first = str(saturday.incident["incidentId"])
    saturday.bundle.post(f"/api/metrics/alerts/{saturday.alert['alertId']}/resolve")
    saturday.at("14:15").push(photo_failures("w1", rate=5.0))
    saturday.expects_only(at("14:15"), *pages(0, *WIDE[0]))
    assert saturday.incident["incidentId"] != first


def test_a_ladder_is_climbed_by_hand_to_its_end() -> None:
    saturday = a_paged_saturday().at("14:06")
    incident_id = str(saturday.incident["incidentId"])
    second = saturday.tell(incident_id, "escalate")
    assert (second.status, second.body) == (
        200,
        {"escalated": True, "escalationLevel": 2, "notificationsSent": 2},
    )
    saturday.expects_only(at("14:06"), *pages(1, *WIDE[1]))
    third = saturday.at("14:07").tell(incident_id, "escalate")
    assert third.body == {"escalated": True, "escalationLevel": 3, "notificationsSent": 1}
    saturday.expects_only(at("14:07"), *pages(2, *WIDE[2]))
    assert saturday.tell(incident_id, "escalate").status == 409
    saturday.expects_silence(between("14:07:01", "14:21"))


def test_a_tier_called_by_hand_is_not_called_by_its_timer_and_the_others_keep_their_time() -> None:
    saturday = a_paged_saturday().at("14:06")
    saturday.tell(str(saturday.incident["incidentId"]), "escalate")
    saturday.expects_only(at("14:06"), *pages(1, *WIDE[1]))
    saturday.expects_silence(between("14:06:01", "14:19:59"))
    saturday.expects_only(at("14:20"), *pages(2, *WIDE[2]))


def test_an_incident_without_a_ladder_is_climbed_from_its_first_tier() -> None:
    tuesday = Day("2026-06-16").at("14:05")
    incident_id = tuesday.report("low")
    for level, roles in enumerate(NARROW, start=1):
        answer = tuesday.tell(incident_id, "escalate")
        assert (answer["escalated"], answer["escalationLevel"]) == (True, level)
        tuesday.expects(at("14:05"), *pages(level - 1, *roles))
    assert tuesday.tell(incident_id, "escalate").status == 409


def test_nobody_can_escalate_what_does_not_exist() -> None:
    tuesday = Day("2026-06-16")
    assert tuesday.tell("inc_unknown-1", "escalate").status == 404


def test_eight_who_escalate_at_once_never_call_anybody_twice() -> None:
    saturday = a_paged_saturday().at("14:06")
    incident_id = str(saturday.incident["incidentId"])
    with ThreadPoolExecutor(8) as eight:
        answers = list(eight.map(lambda _: saturday.tell(incident_id, "escalate"), range(8)))
    assert {each.status for each in answers} <= {200, 409}
    raised = sorted(
        cast("int", each["escalationLevel"])
        for each in answers
        if each.status == 200 and each["escalated"]
    )
    assert raised == list(range(2, 2 + len(raised)))
    assert saturday.incident["escalationLevel"] == 1 + len(raised)
    called = [role for level in raised for role in WIDE[level - 1]]
    assert sorted(each.role for each in saturday.heard(at("14:06"))) == sorted(called)


def test_of_eight_who_saw_the_same_level_one_raises_it() -> None:
    saturday = a_paged_saturday().at("14:06")
    bundle, incident_id = saturday.bundle, str(saturday.incident["incidentId"])

    def raised(caller: int) -> bool:
        done = change_incident(
            bundle.services,
            bundle.tenant,
            incident_id,
            lambda incident, now: escalate(incident, by=f"{caller}", at=now, seen_level=1),
        )
        return done.step is not None

    with ThreadPoolExecutor(8) as eight:
        assert sorted(eight.map(raised, range(8))) == [*[False] * 7, True]
    assert saturday.incident["escalationLevel"] == 2
