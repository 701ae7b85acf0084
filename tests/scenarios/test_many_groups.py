"""A dimension with very many values: the worst have alerts, and one speaks for the rest."""

import re

from tests.harness import Json, a_wedding_request
from tests.scenarios.language import Day, Said, Told
from tests.scenarios.test_own_rules import rule_of
from wedsync.alerting.own.groups import MOST_GROUPS, MOST_NEW

MANY = MOST_GROUPS + 40
BY_GUEST: dict[str, object] = {
    "metric": "rsvp",
    "stat": "p95",
    "op": ">",
    "threshold": 500,
    "window": "1m",
    "for": "0s",
    "keepFiringFor": "0s",
    "groupBy": ["guest"],
}


def a_weekday() -> Day:
    return Day("2026-03-03", starts="14:00", weddings={"w1": a_wedding_request(on="2026-09-12")})


def slow(number: int, *, ms: float = 900.0, wedding: str | None = None) -> Told:
    return tuple(
        Said(name="rsvp", kind="timer", value=ms + at, wedding=wedding, dims={"guest": f"g{at:04}"})
        for at in range(number)
    )


def guests(alerts: list[dict[str, Json]]) -> list[str]:
    """Of which guests they tell."""
    found = [re.search(r"\(guest (\w+)\)", str(each["message"])) for each in alerts]
    return sorted(each[1] for each in found if each is not None)


def of_the_rest(alerts: list[dict[str, Json]]) -> list[dict[str, Json]]:
    return [each for each in alerts if "too many groups" in str(each["message"])]


def firing(day: Day, rule_id: str) -> list[dict[str, Json]]:
    return [each for each in everything(day, rule_id) if each["state"] == "firing"]


def everything(day: Day, rule_id: str) -> list[dict[str, Json]]:
    """All pages of the rule's alerts."""
    bundle = day.bundle
    found: list[dict[str, Json]] = []
    query = {"limit": "200"}
    while True:
        page = bundle.request("GET", "/api/metrics/alerts", query=query)
        found += [each for each in page.items if each["ruleId"] == rule_id]
        if page["nextCursor"] is None:
            return found
        query["cursor"] = str(page["nextCursor"])


def test_the_worst_groups_have_alerts_and_one_alert_tells_how_many_others_there_are() -> None:
    day = a_weekday()
    rule = rule_of(day, BY_GUEST, weddingSpecific=False)
    day.push(slow(MANY))
    alerts = firing(day, rule)
    assert guests(alerts) == [f"g{at:04}" for at in range(MANY - MOST_GROUPS, MANY)]
    (rest,) = of_the_rest(alerts)
    assert (rest["severity"], rest["value"]) == ("high", MANY)
    assert "40 more are in breach" in str(rest["message"])
    assert len(alerts) == MOST_GROUPS + 1


def test_what_stands_for_the_rest_is_as_critical_as_the_rule_and_pages() -> None:
    day = a_weekday()
    rule = rule_of(day, BY_GUEST, weddingSpecific=False, severity="critical")
    day.push(slow(MANY))
    (rest,) = of_the_rest(firing(day, rule))
    assert rest["severity"] == "critical"
    assert rest["incidentId"] is not None
    assert rest["incidentId"] in {each["incidentId"] for each in day.bundle.active_incidents()}
    assert day.bundle.notifications()


def test_groups_that_come_later_open_no_more_and_those_that_are_open_go_on() -> None:
    day = a_weekday()
    rule = rule_of(day, BY_GUEST, weddingSpecific=False)
    day.push(slow(MANY))
    before = guests(firing(day, rule))
    day.at("14:00:20").push(slow(3 * MANY, ms=9000.0))
    assert guests(firing(day, rule)) == before
    (rest,) = of_the_rest(firing(day, rule))
    assert rest["state"] == "firing"
    day.at("14:00:40")
    assert len(firing(day, rule)) == MOST_GROUPS + 1


def test_the_alert_of_the_rest_ends_once_there_is_no_rest() -> None:
    day = a_weekday()
    rule = rule_of(day, BY_GUEST, weddingSpecific=False)
    day.push(slow(MANY))
    for time in ("14:01:10", "14:02:10", "14:03:10"):
        day.at(time).push(slow(MANY, ms=1.0))
    assert firing(day, rule) == []
    (rest,) = of_the_rest(everything(day, rule))
    assert rest["state"] == "resolved"


def test_it_is_told_of_a_wedding_by_itself() -> None:
    day = Day("2026-06-20", starts="14:00", weddings={"w1": a_wedding_request()})
    rule = rule_of(day, BY_GUEST)
    day.push(slow(MANY, wedding="w1"))
    (rest,) = of_the_rest(firing(day, rule))
    assert rest["weddingId"] == day.wedding_id("w1")
    day.at("14:00:30")
    assert [each["state"] for each in of_the_rest(everything(day, rule))] == ["firing"]


def test_several_rules_together_open_so_many_alerts_in_one_look_and_every_one_tells() -> None:
    day = a_weekday()
    rules = [rule_of(day, BY_GUEST, weddingSpecific=False) for _ in range(4)]
    day.bundle.put(*day.points(slow(MANY)))
    day.bundle.machine.streams.run_due()
    alerts = [firing(day, rule) for rule in rules]
    assert [len(of_the_rest(each)) for each in alerts] == [1, 1, 1, 1]
    assert sum(len(guests(each)) for each in alerts) == MOST_NEW + 2
    assert all(guests(each) for each in alerts)
    day.bundle.drain()
    assert all(len(firing(day, rule)) <= MOST_GROUPS + 1 for rule in rules)


def test_many_groups_that_are_well_hide_none_that_is_not() -> None:
    day = a_weekday()
    rule = rule_of(day, BY_GUEST, weddingSpecific=False)
    day.push(slow(MANY, ms=1.0))
    assert everything(day, rule) == []
    day.push((*slow(MANY, ms=1.0), *(slow(8, ms=900.0)[7:] * 30)))
    assert guests(firing(day, rule)) == ["g0007"]
    assert of_the_rest(everything(day, rule)) == []
