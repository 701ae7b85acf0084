"""Playing a rule over the past, and telling it how right it was."""

from datetime import datetime, timedelta

import pytest

from tests.harness import Answer, a_wedding_request
from tests.scenarios.language import Day, between, notice, page, photo_failures
from tests.scenarios.test_own_rules import RULES, SLOW, alerts_of, guest_list, rule_of


def a_day() -> Day:
    return Day(
        "2026-06-20",
        starts="14:00",
        weddings={"w1": a_wedding_request(), "w2": a_wedding_request(couple="Cy & Di")},
    )


def played(day: Day) -> Day:
    """At w1 guest lists are slow from 14:10 to 14:14, at w2 they are quick."""
    for _ in day.every(seconds=30, until="14:40"):
        slow = day.instant("14:10") <= day.bundle.now < day.instant("14:14")
        day.push(guest_list("w1", 1500 if slow else 200), guest_list("w2", 300))
    return day


@pytest.fixture(scope="module")
def day() -> Day:
    """Such a day, which nobody changes: rules are tried on it."""
    return played(a_day())


def rehearsed(day: Day, rule_id: str, start: str, end: str, **more: str) -> Answer:
    body = {"from": day.instant(start).isoformat(), "to": day.instant(end).isoformat(), **more}
    return day.bundle.post(f"{RULES}/{rule_id}/test", body)


def test_a_rule_tells_what_it_would_have_told_without_telling_anybody(
    day: Day,
) -> None:
    rule_id = rule_of(day, SLOW)
    told = rehearsed(day, rule_id, "14:00", "14:40")
    assert told.status == 200
    (would,) = told["wouldHaveFired"]  # type: ignore[misc,str-unpack] # a list
    assert isinstance(would, dict)
    assert would["weddingId"] == day.wedding_id("w1")
    assert would["startedAt"] == "2026-06-20T12:10:59Z"
    assert would["firedAt"] == "2026-06-20T12:11:59Z"
    assert would["resolvedAt"] == "2026-06-20T12:19:59Z"
    assert would["value"] == 1500.0
    assert told["windows"] == 2 * 40
    assert alerts_of(day, rule_id) == []
    day.expects_only(between("14:00", "14:41"))


def test_it_would_have_told_what_it_does_tell() -> None:
    day = a_day()
    rule_id = rule_of(day, SLOW)
    played(day)
    (alert,) = alerts_of(day, rule_id)
    (would,) = rehearsed(day, rule_id, "14:00", "14:40")["wouldHaveFired"]  # type: ignore[misc,str-unpack] # a list
    assert isinstance(would, dict)
    for member in ("weddingId", "severity", "message", "threshold"):
        assert would[member] == alert[member]
    fired = [datetime.fromisoformat(str(each["firedAt"])) for each in (alert, would)]
    assert abs(fired[0] - fired[1]) <= timedelta(minutes=1), "it is played minute by minute"


def test_a_range_where_all_was_well_tells_nothing_and_one_wedding_may_be_asked_alone(
    day: Day,
) -> None:
    rule_id = rule_of(day, SLOW)
    assert rehearsed(day, rule_id, "14:20", "14:40")["wouldHaveFired"] == []
    of_second = rehearsed(day, rule_id, "14:00", "14:40", weddingId=day.wedding_id("w2"))
    assert (of_second["wouldHaveFired"], of_second["windows"]) == ([], 40)
    of_first = rehearsed(day, rule_id, "14:00", "14:40", weddingId=day.wedding_id("w1"))
    assert len(of_first["wouldHaveFired"]) == 1  # type: ignore[arg-type] # a list


def test_a_tenants_rule_is_played_over_its_totals(
    day: Day,
) -> None:
    condition = {**SLOW, "stat": "count", "threshold": 3, "for": "0s", "op": ">="}
    rule_id = rule_of(day, condition, weddingSpecific=False)
    told = rehearsed(day, rule_id, "14:00", "14:40")
    (would,) = told["wouldHaveFired"]  # type: ignore[misc,str-unpack] # a list
    assert isinstance(would, dict)
    assert (would["weddingId"], would["value"], would["resolvedAt"]) == (None, 4.0, None)
    assert told["windows"] == 40


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        ("14:20", "14:10", 400),
        ("2026-06-18T10:00", "2026-06-18T12:00", 400),
        ("2026-06-19T10:00", "2026-06-20T14:00", 400),
        ("2026-06-19T15:00", "2026-06-20T14:00", 200),
    ],
)
def test_only_what_is_kept_can_be_played(start: str, end: str, status: int) -> None:
    day = a_day()
    day.at("14:30")
    assert rehearsed(day, rule_of(day, SLOW), start, end).status == status


def test_the_platforms_rules_are_not_played() -> None:
    day = a_day().at("14:30")
    platform = "platform.photo_upload_failures"
    assert rehearsed(day, platform, "14:00", "14:20").status == 404


def feedback(day: Day, alert_id: object, verdict: str, comment: str = "") -> Answer:
    body = {"verdict": verdict, "comment": comment}
    return day.bundle.post(f"/api/metrics/alerts/{alert_id}/feedback", body)


def five_false_alarms(day: Day, rule_id: str, value: float) -> None:
    """Five weddings' alerts, each marked as false."""
    for number in range(5):
        name = f"f{number}"
        day.register(name, a_wedding_request(couple=f"Eve {number} & Flo"))
        day.push(guest_list(name, value))
    for alert in alerts_of(day, rule_id):
        assert feedback(day, alert["alertId"], "false_positive").status == 200


def test_five_false_alarms_raise_the_threshold_of_a_rule_that_is_not_critical() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s"})
    five_false_alarms(day, rule_id, 1050)
    shown = day.bundle.get(f"{RULES}/{rule_id}")
    assert shown["precision"] == {"truePositives": 0, "falsePositives": 5, "precision": 0.0}
    assert shown["adaptation"] == {
        "adaptive": True,
        "steps": 1,
        "mostSteps": 3,
        "leniency": pytest.approx(0.1),
    }
    day.push(guest_list("w1", 1090))
    assert len(alerts_of(day, rule_id)) == 5, "1090 lies below 1100 now"
    day.push(guest_list("w2", 1110))
    thresholds = {each["weddingId"]: each["threshold"] for each in alerts_of(day, rule_id)}
    assert thresholds[day.wedding_id("w2")] == 1100.0


def test_no_number_of_false_alarms_quiets_a_critical_rule_of_weddings() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s"}, severity="critical")
    five_false_alarms(day, rule_id, 1050)
    shown = day.bundle.get(f"{RULES}/{rule_id}")
    assert shown["adaptation"] == {
        "adaptive": False,
        "steps": 0,
        "mostSteps": 3,
        "leniency": 0.0,
    }
    day.at("14:02").push(guest_list("w1", 1001))
    day.expects(
        between("14:02", "14:03"),
        page(tier=0, to="on_call_engineer"),
        page(tier=0, to="platform_lead"),
    )


def test_feedback_on_a_platform_rule_is_shown_as_its_precision_and_moves_nothing() -> None:
    day = a_day()
    day.push(photo_failures("w1", rate=2.0))
    (alert,) = day.bundle.alerts()
    told = feedback(day, alert["alertId"], "true_positive", "guests complained")
    assert told.status == 200
    assert told.members | {"alertId": None} == {
        "alertId": None,
        "ruleId": "platform.photo_upload_failures",
        "verdict": "true_positive",
        "comment": "guests complained",
        "truePositives": 1,
        "falsePositives": 0,
        "precision": 1.0,
    }
    listed = {each["ruleId"]: each for each in day.bundle.get(RULES).items}
    assert listed["platform.photo_upload_failures"]["precision"] == {
        "truePositives": 1,
        "falsePositives": 0,
        "precision": 1.0,
    }


def test_what_nobody_was_told_of_yet_cannot_have_been_wrong() -> None:
    day = a_day()
    rule_id = rule_of(day, SLOW)
    day.push(guest_list("w1", 1500))
    (alert,) = alerts_of(day, rule_id)
    assert feedback(day, alert["alertId"], "false_positive").status == 409
    day.at("14:01:10").expects(between("14:00", "14:02"), notice(severity="high"))
    assert feedback(day, alert["alertId"], "maybe").status == 400
    assert feedback(day, "0123456789abcdef-1", "false_positive").status == 404
