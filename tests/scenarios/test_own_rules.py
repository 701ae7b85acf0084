"""Rules that a tenant makes, from the request that makes one to what people hear."""

from collections.abc import Mapping
from typing import cast

import pytest

from tests.harness import Json, a_wedding_request
from tests.scenarios.language import (
    Day,
    Said,
    Told,
    ago,
    between,
    notice,
    page,
    photo_failures,
    requests,
    resolved,
)

RULES = "/api/metrics/alerts/rules"
SLOW: dict[str, object] = {
    "metric": "guest_list.load",
    "stat": "p95",
    "op": ">",
    "threshold": 1000,
    "window": "1m",
}


def a_day(**options: object) -> Day:
    return Day(
        "2026-06-20",
        starts="14:00",
        weddings={"w1": a_wedding_request(), "w2": a_wedding_request(couple="Cy & Di")},
        **options,  # type: ignore[arg-type] # keywords of a day
    )


def a_weekday() -> Day:
    return Day("2026-03-03", starts="10:00", weddings={"w1": a_wedding_request(on="2026-09-12")})


def rule_of(day: Day, condition: Mapping[str, object], **members: object) -> str:
    """Make a rule, and answer its id."""
    body = {
        "name": "Slow guest lists",
        "condition": condition,
        "severity": "high",
        "weddingSpecific": True,
        **members,
    }
    answer = day.bundle.post("/api/metrics/alerts/create", body)
    assert answer.status == 201, answer
    return str(answer["ruleId"])


def guest_list(wedding: str | None, ms: float, **dims: str) -> Told:
    return (Said(name="guest_list.load", kind="timer", value=ms, wedding=wedding, dims=dims),)


def alerts_of(day: Day, rule_id: str) -> list[dict[str, Json]]:
    return [each for each in day.bundle.alerts() if each["ruleId"] == rule_id]


def states(day: Day, rule_id: str) -> list[Json]:
    return [each["state"] for each in alerts_of(day, rule_id)]


def test_the_first_batch_after_its_making_opens_an_episode() -> None:
    day = a_day()
    day.at("14:01").push(guest_list("w1", 1500))
    rule_id = rule_of(day, {**SLOW, "for": "0s"})
    day.push(guest_list("w1", 1500))
    (alert,) = alerts_of(day, rule_id)
    assert alert["state"] == "firing"
    assert alert["weddingId"] == day.wedding_id("w1")
    assert alert["severity"] == "high"
    assert alert["threshold"] == 1000.0
    assert "Ann & Bo" in str(alert["message"])
    (reason,) = cast("list[dict[str, str]]", alert["severityReasons"])
    assert reason["rule"] == rule_id
    assert reason["localTime"] == "2026-06-20T14:01:00+02:00"
    assert "p95 of guest_list.load over 1 min is 1500" in reason["reason"]
    day.expects(between("14:01", "14:02"), notice(severity="high"))


@pytest.mark.parametrize(("value", "opens"), [(1000.0, 0), (1000.01, 1)])
def test_a_comparison_is_strict(value: float, opens: int) -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s"})
    day.push(guest_list("w1", value))
    assert len(alerts_of(day, rule_id)) == opens


def test_a_breach_must_hold_for_a_minute_unless_it_is_said_otherwise() -> None:
    day = a_day()
    rule_id = rule_of(day, SLOW)
    day.at("14:01").push(guest_list("w1", 1500))
    assert states(day, rule_id) == ["pending"]
    day.at("14:01:50")
    assert states(day, rule_id) == ["pending"]
    day.at("14:02:10")
    assert states(day, rule_id) == ["firing"]


def test_what_is_critical_on_the_wedding_day_waits_for_nothing_and_pages() -> None:
    day = a_day()
    rule_id = rule_of(day, SLOW, severity="critical")
    day.at("14:01").push(guest_list("w1", 1500))
    assert states(day, rule_id) == ["firing"]
    day.expects(
        between("14:01", "14:01:30"),
        page(tier=0, to="on_call_engineer"),
        page(tier=0, to="platform_lead"),
    )


def test_months_before_the_wedding_the_same_rule_waits() -> None:
    day = a_weekday()
    rule_id = rule_of(day, SLOW, severity="critical")
    day.push(guest_list("w1", 1500))
    assert states(day, rule_id) == ["pending"]


def test_what_flaps_is_told_once_and_ends_once() -> None:
    day = a_day()
    day.at("14:01")
    rule_of(day, {**SLOW, "stat": "last", "metric": "db.connections", "for": "0s"})
    for count in day.every(seconds=30, until="14:10:30"):
        day.push(connections(1500 if count % 2 == 0 else 200))
    for _ in day.every(seconds=30, until="14:25"):
        day.push(connections(200))
    day.expects_only(
        between("14:01", "14:25"),
        notice(severity="high"),
        resolved(to="on_call_engineer"),
    )


def test_what_flaps_faster_than_its_wait_is_never_told() -> None:
    day = a_day()
    day.at("14:01")
    rule_of(day, {**SLOW, "stat": "last", "metric": "db.connections", "for": "60s"})
    for count in day.every(seconds=30, until="14:10:30"):
        day.push(connections(1500 if count % 2 == 0 else 200))
    day.expects_only(between("14:01", "14:25"))


def connections(number: float) -> Told:
    return (Said(name="db.connections", kind="gauge", value=number, wedding="w1"),)


def test_what_vanishes_while_it_fires_is_not_over() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s"})
    day.at("14:01").push(guest_list("w1", 1500))
    day.at("15:00")
    assert states(day, rule_id) == ["firing"]
    day.expects_only(between("14:01", "15:00"), notice(severity="high"))


def test_it_recovers_at_a_fifth_below_its_threshold_and_not_before() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s"})
    day.at("14:01").push(guest_list("w1", 1500))
    day.at("14:03")
    for _ in day.every(seconds=30, until="14:12"):
        day.push(guest_list("w1", 900))
    assert states(day, rule_id) == ["firing"], "between 800 and 1000 nothing has recovered"
    for _ in day.every(seconds=30, until="14:20"):
        day.push(guest_list("w1", 700))
    assert states(day, rule_id) == ["resolved"]
    (alert,) = alerts_of(day, rule_id)
    assert alert["recoveredAutomatically"] is True
    day.expects(between("14:12", "14:20"), resolved(to="on_call_engineer"))


def test_a_rule_that_people_resolve_stays_open() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s", "keepFiringFor": "1m"}, autoResolve=False)
    day.at("14:01").push(guest_list("w1", 1500))
    for _ in day.every(seconds=30, until="14:15"):
        day.push(guest_list("w1", 200))
    assert states(day, rule_id) == ["firing"]
    (alert,) = alerts_of(day, rule_id)
    told = day.bundle.post(f"/api/metrics/alerts/{alert['alertId']}/resolve")
    assert told["state"] == "resolved"
    assert told["recoveredAutomatically"] is False


def test_silence_is_what_some_rules_are_there_for() -> None:
    day = a_day()
    condition = {"metric": "backup.run", "stat": "count", "op": "<", "threshold": 1, "window": "5m"}
    rule_id = rule_of(day, {**condition, "for": "0s", "noData": "alert"})
    day.push((Said(name="backup.run", kind="event", wedding="w1"),))
    day.at("14:04:30")
    assert {each["weddingId"] for each in alerts_of(day, rule_id)} == {day.wedding_id("w2")}
    day.at("14:12")
    assert {each["weddingId"] for each in alerts_of(day, rule_id)} == {
        day.wedding_id("w1"),
        day.wedding_id("w2"),
    }


def test_silence_about_a_wedding_that_is_months_away_is_no_news() -> None:
    day = a_weekday()
    condition = {"metric": "backup.run", "stat": "count", "op": "<", "threshold": 1, "window": "5m"}
    rule_id = rule_of(day, {**condition, "for": "0s", "noData": "alert"})
    day.at("11:00")
    assert alerts_of(day, rule_id) == []


def test_silence_may_also_mean_that_all_is_well() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s", "noData": "ok"})
    day.at("14:01").push(guest_list("w1", 1500))
    day.at("14:15")
    assert states(day, rule_id) == ["resolved"]


def test_groups_have_episodes_of_their_own() -> None:
    day = a_weekday()
    rule_id = rule_of(
        day,
        {
            "metric": "api.request",
            "stat": "p95",
            "op": ">",
            "threshold": 500,
            "window": "5m",
            "for": "0s",
            "filters": {"status": "200"},
            "groupBy": ["service", "route"],
        },
        weddingSpecific=False,
    )
    day.at("10:01").push(
        requests(service="gallery", ms=700, number=3),
        requests(service="seating", ms=300, number=3),
        requests(service="checkout", ms=900, status=500, number=3),
        requests(service="rsvp", ms=800, number=3),
    )
    assert sorted(str(each["service"]) for each in alerts_of(day, rule_id)) == ["gallery", "rsvp"]
    assert all("route /photos" in str(each["message"]) for each in alerts_of(day, rule_id))


def test_a_tenants_rule_counts_all_of_its_weddings_together() -> None:
    day = a_day()
    condition = {"metric": "check_in", "stat": "count", "op": ">=", "threshold": 3, "window": "5m"}
    rule_id = rule_of(day, {**condition, "for": "0s"}, weddingSpecific=False)
    day.push((Said(name="check_in", kind="event", wedding="w1"),))
    day.push((Said(name="check_in", kind="event", wedding="w2"),))
    assert alerts_of(day, rule_id) == []
    day.push((Said(name="check_in", kind="event"),))
    (alert,) = alerts_of(day, rule_id)
    assert (alert["weddingId"], alert["service"], alert["value"]) == (None, None, 3.0)


def test_all_and_any_join_comparisons() -> None:
    day = a_day()
    many = {"metric": "rsvp", "stat": "count", "op": ">", "threshold": 2, "window": "5m"}
    few = {"metric": "check_in", "stat": "count", "op": ">", "threshold": 0, "window": "5m"}
    both = rule_of(day, {"all": [{**SLOW, "for": "0s"}, {**many, "for": "0s"}]})
    either = rule_of(day, {"any": [{**SLOW, "for": "0s"}, {**few, "for": "0s"}]})
    day.at("14:01").push(guest_list("w1", 1500))
    assert states(day, both) == []
    assert states(day, either) == ["firing"]
    day.push((Said(name="rsvp", kind="event", wedding="w1", times=3),))
    assert states(day, both) == ["firing"]
    day.push((Said(name="check_in", kind="event", wedding="w2"),))
    assert len(states(day, either)) == 2


def test_a_share_at_a_wedding_needs_as_many_cases_as_its_guests_suggest() -> None:
    day = Day("2026-06-20", starts="14:00", weddings={"w1": a_wedding_request(guests=300)})
    rule_id = rule_of(
        day,
        {
            "metric": "rsvp",
            "stat": "share",
            "op": ">",
            "threshold": 10,
            "window": "5m",
            "for": "0s",
            "filters": {"outcome": ["failed", "lost"]},
        },
    )

    def rsvp(outcome: str, times: int) -> Told:
        dims = {"outcome": outcome}
        return (Said(name="rsvp", kind="event", wedding="w1", dims=dims, times=times),)

    day.push(rsvp("ok", 5), rsvp("failed", 1), rsvp("lost", 1))
    assert alerts_of(day, rule_id) == []
    day.push(rsvp("failed", 1))
    (alert,) = alerts_of(day, rule_id)
    assert alert["value"] == pytest.approx(37.5)


def test_the_passing_of_time_alone_may_break_a_rule() -> None:
    day = a_weekday()
    condition = {"metric": "rsvp", "stat": "avg", "op": ">", "threshold": 50, "window": "2m"}
    rule_id = rule_of(day, {**condition, "for": "0s"}, weddingSpecific=False)
    day.at("10:01").push((Said(name="rsvp", kind="gauge", value=10.0),))
    day.at("10:02").push((Said(name="rsvp", kind="gauge", value=80.0),))
    assert alerts_of(day, rule_id) == [], "10 and 80 are 45 on average"
    day.at("10:03:20")
    assert states(day, rule_id) == ["firing"], "the 10 has left the window"


def test_a_rule_names_who_is_told_and_which_ladder_is_climbed() -> None:
    day = a_weekday()
    rule_of(day, {**SLOW, "for": "0s"}, notifications=[{"role": "photo_crew"}])
    day.at("10:01").push(guest_list("w1", 1500))
    day.expects_only(between("10:01", "10:05"), notice(severity="high", to="photo_crew"))
    ladder = {
        "tiers": [
            {"afterSeconds": 0, "roles": ["kitchen"]},
            {"afterSeconds": 120, "roles": ["team_lead"]},
        ]
    }
    day.bundle.put_document("/api/monitoring/escalation-policies/kitchen", ladder)
    rule_of(
        day,
        {**SLOW, "metric": "seating", "for": "0s"},
        severity="medium",
        notifications=[{"policy": "kitchen"}, {"role": "florist"}],
    )
    day.at("10:10").push((Said(name="seating", kind="timer", value=1500.0, wedding="w1"),))
    day.expects(between("10:10", "10:11"), page(tier=0, to="kitchen"), page(tier=0, to="florist"))
    day.expects(between("10:11:30", "10:13"), page(tier=1, to="team_lead"))


def test_alerts_end_with_their_rule() -> None:
    day = a_day()
    gone = rule_of(day, {**SLOW, "for": "0s"})
    idle = rule_of(day, {**SLOW, "for": "0s"})
    regrouped = rule_of(day, {**SLOW, "for": "0s"})
    milder = rule_of(day, {**SLOW, "for": "0s"})
    day.at("14:01").push(guest_list("w1", 1500))
    assert day.bundle.delete(f"{RULES}/{gone}").status == 204
    assert day.bundle.patch(f"{RULES}/{idle}", {"isActive": False}).status == 200
    grouped = {**SLOW, "groupBy": ["device"]}
    assert day.bundle.patch(f"{RULES}/{regrouped}", {"condition": grouped}).status == 200
    assert day.bundle.patch(f"{RULES}/{milder}", {"condition": SLOW}).status == 200
    assert [states(day, each)[0] for each in (gone, idle, regrouped, milder)] == [
        "resolved",
        "resolved",
        "resolved",
        "firing",
    ]
    day.push(guest_list("w1", 1500))
    assert len(alerts_of(day, gone) + alerts_of(day, idle)) == 2, "nothing opens anew"


def test_points_that_come_late_are_judged_by_the_window_they_lie_in() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s"})
    day.at("14:12").push(ago(guest_list("w1", 1500), minutes=10))
    (alert,) = alerts_of(day, rule_id)
    assert alert["value"] == 1500.0


def test_every_trigger_twice_tells_nobody_twice() -> None:
    day = a_day(twice=True)
    rule_of(day, {**SLOW, "for": "0s"})
    day.at("14:01").push(guest_list("w1", 1500))
    for _ in day.every(seconds=30, until="14:12"):
        day.push(guest_list("w1", 200))
    day.expects_only(
        between("14:01", "14:15"), notice(severity="high"), resolved(to="on_call_engineer")
    )


def last_triggered(day: Day, rule_id: str) -> Json:
    """What one rule says of itself, which is what the list says of it."""
    told = day.bundle.get(f"{RULES}/{rule_id}")["lastTriggered"]
    listed = cast("list[dict[str, Json]]", day.bundle.get(RULES)["items"])
    assert [each["lastTriggered"] for each in listed if each["ruleId"] == rule_id] == [told]
    return told


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every trigger twice"])
def test_a_rule_tells_when_its_newest_alert_fired(*, twice: bool) -> None:
    day = a_day(twice=twice)
    rule_id = rule_of(day, SLOW)
    day.at("14:01").push(guest_list("w1", 1500))
    assert states(day, rule_id) == ["pending"]
    assert last_triggered(day, rule_id) is None, "nobody was told of anything yet"
    day.at("14:03")
    (first,) = alerts_of(day, rule_id)
    assert first["state"] == "firing"
    assert last_triggered(day, rule_id) == first["firedAt"]
    day.push(guest_list("w1", 1700)).at("14:04").push(guest_list("w2", 1500)).at("14:06")
    fired = {str(each["firedAt"]) for each in alerts_of(day, rule_id)}
    assert len(fired) == 2
    assert last_triggered(day, rule_id) == max(fired)
    changed = day.bundle.request("PATCH", f"{RULES}/{rule_id}", {"severity": "medium"})
    assert changed["lastTriggered"] == max(fired)


def test_an_alert_that_is_silenced_has_triggered_its_rule_all_the_same() -> None:
    day = a_day()
    rule_id = rule_of(day, {**SLOW, "for": "0s"})
    silence = {
        "matchers": {"ruleId": rule_id},
        "endsAt": "2026-06-20T18:00:00Z",
        "comment": "The venue changes its network",
    }
    assert day.bundle.post("/api/metrics/alerts/silences", silence).status == 201
    day.at("14:01").push(guest_list("w1", 1500))
    (alert,) = alerts_of(day, rule_id)
    assert alert["state"] == "suppressed"
    assert last_triggered(day, rule_id) == alert["firedAt"]
    day.at("14:05")
    day.expects_silence(between("14:01", "14:05"))


def test_a_rule_of_the_platform_tells_it_too() -> None:
    day = a_day()
    assert last_triggered(day, "platform.photo_upload_failures") is None
    day.at("14:01").push(photo_failures("w1", rate=5.0))
    assert last_triggered(day, "platform.photo_upload_failures") == day.alert["firedAt"]
