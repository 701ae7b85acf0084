"""Making, changing and removing alert rules over HTTP."""

from collections.abc import Iterator
from typing import cast

import pytest

from tests.functions.cases import OWN_POLICY, a_policy
from tests.functions.stage import Stage
from tests.functions.web import OTHER_TENANT, Web, opened, rule
from wedsync.alerting.catalog import PLATFORM_RULES
from wedsync.flows.rulebook import MOST_RULES
from wedsync.tenancy import Role

RULES = "/api/metrics/alerts/rules"
COMPARISON: dict[str, object] = {
    "metric": "api.request",
    "stat": "p95",
    "op": ">",
    "threshold": 500,
    "window": "5m",
}


@pytest.fixture
def web() -> Iterator[Web]:
    with opened() as web:
        yield web


def made(web: Web, **members: object) -> dict[str, object]:
    told = web.ask("POST", "/api/metrics/alerts/create", rule(**members))
    assert told.status == 201, told.text
    return told.json


def test_a_rule_is_answered_as_it_was_written_and_found_at_its_location(web: Web) -> None:
    told = web.ask("POST", "/api/metrics/alerts/create", rule())
    assert told.status == 201
    reply = told.json
    wanted = rule()
    for member in wanted.keys() - {"condition"}:
        assert reply[member] == wanted[member], member
    (photos, either) = cast("dict[str, list[dict[str, object]]]", reply["condition"])["all"]
    assert photos == {
        "metric": "photo.upload",
        "stat": "share",
        "op": ">",
        "threshold": 2.0,
        "window": "5m",
        "filters": {"outcome": ["failed"]},
        "groupBy": ["device"],
        "noData": "keepLast",
    }
    (slow, cold) = cast("list[dict[str, object]]", either["any"])
    assert (slow["for"], slow["keepFiringFor"], slow["noData"]) == ("2m", "10m", "alert")
    assert cold["predictWithin"] == "30m"
    assert told.headers["location"] == f"{RULES}/{reply['ruleId']}"
    assert told.headers["etag"] == '"1"'
    assert web.ask("GET", told.headers["location"]).json == reply


def test_only_a_name_a_condition_and_a_severity_are_needed(web: Web) -> None:
    told = web.ask(
        "POST",
        "/api/metrics/alerts/create",
        {"name": "Slow", "condition": COMPARISON, "severity": "low"},
    )
    assert told.status == 201
    assert told.json["weddingSpecific"] is False
    assert told.json["autoResolve"] is True
    assert told.json["notifications"] == []


@pytest.mark.parametrize(
    ("condition", "pointer"),
    [
        ("api.request.p95 > 500", "/condition"),
        ({}, "/condition"),
        ({"all": []}, "/condition/all"),
        ({"all": [COMPARISON], "any": [COMPARISON]}, "/condition"),
        ({"all": [COMPARISON], "metric": "api.request"}, "/condition"),
        ({**COMPARISON, "metric": "a b"}, "/condition/metric"),
        ({**COMPARISON, "stat": "p42"}, "/condition/stat"),
        ({**COMPARISON, "op": "=="}, "/condition/op"),
        ({**COMPARISON, "threshold": "500"}, "/condition/threshold"),
        ({**COMPARISON, "window": "90s"}, "/condition"),
        ({**COMPARISON, "window": 300}, "/condition/window"),
        ({**COMPARISON, "for": "2d"}, "/condition/for"),
        ({**COMPARISON, "filters": {"outcome": []}}, "/condition/filters/outcome"),
        ({**COMPARISON, "expression": "1"}, "/condition/expression"),
        ({"any": [{"all": [COMPARISON, {**COMPARISON, "op": "~"}]}]}, "/condition/any/0/all/1/op"),
    ],
)
def test_what_is_no_condition_is_refused_where_it_is_wrong(
    web: Web, condition: object, pointer: str
) -> None:
    told = web.ask("POST", "/api/metrics/alerts/create", rule(condition=condition))
    assert told.is_a_problem(400)
    assert pointer in {error["pointer"] for error in told.errors}, told.errors


def test_a_ladder_that_does_not_exist_is_told_of_at_once(web: Web) -> None:
    body = rule(notifications=[{"policy": OWN_POLICY}])
    told = web.ask("POST", "/api/metrics/alerts/create", body)
    assert told.is_a_problem(404)
    assert told.errors[0]["pointer"] == "/notifications"
    a_policy(Stage(web.bundle.cloud, web.bundle.clock))
    assert web.ask("POST", "/api/metrics/alerts/create", body).status == 201


def test_an_alert_climbs_one_ladder(web: Web) -> None:
    body = rule(notifications=[{"policy": "normal"}, {"policy": "wedding_day"}])
    assert web.ask("POST", "/api/metrics/alerts/create", body).is_a_problem(400)


def test_a_rule_is_changed_member_by_member_and_its_condition_as_a_whole(web: Web) -> None:
    first = made(web)
    path = f"{RULES}/{first['ruleId']}"
    told = web.ask(
        "PATCH", path, {"severity": "critical", "condition": COMPARISON, "isActive": False}
    )
    assert told.status == 200
    assert told.headers["etag"] == '"2"'
    changed = told.json
    assert changed["severity"] == "critical"
    assert changed["condition"] == {**COMPARISON, "threshold": 500.0, "noData": "keepLast"}
    assert changed["isActive"] is False
    assert changed["name"] == first["name"]
    assert web.ask("GET", path).json == changed


@pytest.mark.parametrize(
    "patch", [{"ruleId": "x"}, {"severity": None}, {"condition": {"any": []}}, {"version": 3}]
)
def test_a_patch_that_leaves_no_rule_is_refused(web: Web, patch: dict[str, object]) -> None:
    path = f"{RULES}/{made(web)['ruleId']}"
    assert web.ask("PATCH", path, patch).is_a_problem(400)


def test_two_operators_do_not_overwrite_each_other(web: Web) -> None:
    path = f"{RULES}/{made(web)['ruleId']}"
    assert web.ask("PATCH", path, {"name": "A"}, headers={"if-match": '"1"'}).status == 200
    for method, body in (("PATCH", {"name": "B"}), ("DELETE", None)):
        told = web.ask(method, path, body, headers={"if-match": '"1"'})
        assert told.is_a_problem(412)
    assert web.ask("DELETE", path, headers={"if-match": '"2"'}).status == 204
    assert web.ask("GET", path).is_a_problem(404)


def test_the_platforms_rules_are_listed_and_cannot_be_changed(web: Web) -> None:
    own = made(web)
    items = web.ask("GET", RULES, role=Role.VIEWER).items
    assert items[0] == own
    assert [each["ruleId"] for each in items[1:]] == [each.rule_id for each in PLATFORM_RULES]
    assert all(each["readOnly"] for each in items[1:])
    path = f"{RULES}/{items[1]['ruleId']}"
    assert web.ask("GET", path).json == items[1]
    assert web.ask("PATCH", path, {"name": "Mine"}).is_a_problem(404)
    assert web.ask("DELETE", path).is_a_problem(404)


def test_a_tenant_keeps_a_bounded_number_of_rules_and_sees_its_own_alone(web: Web) -> None:
    for _ in range(MOST_RULES):
        made(web)
    told = web.ask("POST", "/api/metrics/alerts/create", rule())
    assert told.is_a_problem(409)
    others = web.ask("GET", RULES, tenant=OTHER_TENANT).items
    assert all(each["readOnly"] for each in others)
