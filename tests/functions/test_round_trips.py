"""What a GET answered can be sent back as it is: it changes nothing and is refused nowhere."""

from collections.abc import Iterator
from typing import cast

import pytest

from tests.functions.cases import (
    CONTACT_ID,
    INCIDENT_ID,
    RULE_ID,
    a_contact,
    a_registered_wedding,
    a_stored_runbook,
    an_open_incident,
    an_own_rule,
)
from tests.functions.stage import Stage
from tests.functions.test_roles import path_of
from tests.functions.web import Web, contact, opened, pipeline, policy, roster
from wedsync.tenancy import Role

POLICY = "/api/monitoring/escalation-policies/mine"
THINGS = {
    "a wedding": ("PATCH", "weddings-read", "version updatedAt"),
    "a rule": ("PATCH", "rules-read", "version updatedAt"),
    "an incident": ("PATCH", "incidents-read", "updates escalationLevel"),
    "a contact": ("PUT", "routing-read-contact", "version updatedAt"),
    "a policy": ("PUT", "routing-read-policy", "version"),
    "the roster": ("PUT", "routing-read-roster", "version updatedAt"),
    "a runbook": ("PUT", "runbooks-read", "version"),
    "a pipeline": ("PUT", "metrics-read-pipeline", "version updatedAt"),
    "settings": ("PUT", "account-read-settings", "version updatedAt"),
    "a post-mortem": (
        "PUT",
        "incidents-read-postmortem",
        "version writtenBy writtenAt timeline actionItems",
    ),
}
BESIDE = {"asOf", "cacheHit", "executionTime", "dataQuality"}


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with opened() as web:
        stage = Stage(web.bundle.cloud, web.bundle.clock)
        an_open_incident(stage)
        if web.services.weddings.find(web.bundle.tenant, "wed_sample") is None:
            a_registered_wedding(stage)
        a_contact(stage)
        a_stored_runbook(stage)
        if web.services.rules.find(web.bundle.tenant, RULE_ID) is None:
            web.services.rules.add(web.bundle.tenant, an_own_rule())
        for name, body in (
            ("routing-read-policy", policy()),
            ("routing-read-roster", roster()),
            ("metrics-read-pipeline", pipeline()),
        ):
            assert web.ask("PUT", path_of(name), body).status == 200
        yield web


@pytest.mark.parametrize("what", THINGS)
def test_a_thing_that_was_read_can_be_sent_back(web: Web, what: str) -> None:
    method, name, moving = THINGS[what]
    before = web.ask("GET", path_of(name), role=Role.ADMIN)
    assert before.status == 200
    assert set(before.json) >= BESIDE
    told = web.ask(method, path_of(name), before.json, role=Role.ADMIN)
    assert told.status == 200, told.text
    after = web.ask("GET", path_of(name), role=Role.ADMIN)
    kept = {*before.json} - {*moving.split(), *BESIDE}
    assert {each: after.json[each] for each in kept} == {each: before.json[each] for each in kept}
    wrong = web.ask(method, path_of(name), {**after.json, "vresion": 1}, role=Role.ADMIN)
    assert wrong.is_a_problem(400)
    assert [error["pointer"] for error in wrong.errors] == ["/vresion"]


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("weddings-read", "timeZone"),
        ("weddings-read", "weddingId"),
        ("rules-read", "ruleId"),
        ("incidents-read", "status"),
        ("incidents-read", "acknowledgedBy"),
    ],
)
def test_a_patch_that_means_to_change_what_cannot_be_is_refused(
    web: Web, name: str, member: str
) -> None:
    told = web.ask("PATCH", path_of(name), {member: "another"})
    assert told.is_a_problem(400)
    assert [(each["pointer"], each["detail"]) for each in told.errors] == [
        (f"/{member}", "cannot be changed")
    ]


def test_an_address_that_was_read_is_kept_and_one_that_was_changed_there_is_refused(
    web: Web,
) -> None:
    path = f"/api/monitoring/contacts/{CONTACT_ID}"
    mail = {"kind": "email", "address": "mia@example.com"}
    channels = [*cast("list[object]", contact()["channels"]), mail]
    assert web.ask("PUT", path, contact(channels=channels)).status == 200
    read = web.ask("GET", path).json
    assert web.ask("PUT", path, read).status == 200
    assert web.ask("GET", path).json["channels"] == read["channels"]
    place = len(channels) - 1
    cast("list[dict[str, object]]", read["channels"])[place]["target"] = "bo@example.com"
    told = web.ask("PUT", path, read)
    assert told.is_a_problem(400)
    assert [each["pointer"] for each in told.errors] == [f"/channels/{place}/target"]


A_ROTATION = {
    "role": "on_call_enginer",
    "members": [CONTACT_ID],
    "startsOn": "2026-06-01",
    "handOver": "08:00",
}
A_TIER = {"afterSeconds": 0, "roles": ["on_call_engeneer"]}
ROLES = {
    "a contact": (
        f"/api/monitoring/contacts/{CONTACT_ID}",
        contact(roles=["cto", "team_laed"]),
        "/roles/1",
    ),
    "a policy": (POLICY, {"tiers": [A_TIER]}, "/tiers/0/roles/0"),
    "the roster": (
        "/api/monitoring/oncall",
        {"timeZone": "UTC", "rotations": [A_ROTATION]},
        "/rotations/0/role",
    ),
}


@pytest.mark.parametrize("what", ROLES)
def test_a_role_that_is_a_slip_of_a_built_in_one_is_refused(web: Web, what: str) -> None:
    path, body, pointer = ROLES[what]
    told = web.ask("PUT", path, body)
    assert told.is_a_problem(400)
    assert [each["pointer"] for each in told.errors] == [pointer]
    assert told.errors[0]["detail"].startswith("did you mean ")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"title": 7}, "must be a string"),
        ({"title": ""}, "must not be empty"),
        ({"title": " "}, "must not be empty"),
        ({"title": "x" * 201}, "must be a string of at most 200 characters"),
        ({"title": None}, "must be a string"),
        (
            {"severity": "hihg"},
            "must be one of low, medium, high, critical; did you mean high?",
        ),
        ({"user_impact_estimate": -1}, "must be at least 0"),
        ({"user_impact_estimate": 1.5}, "must be a whole number"),
        ({"affected_services": "api"}, "must be an array"),
        ({"affected_services": ["a"] * 101}, "must have at most 100 items"),
        ({"more": 1}, "no such member"),
    ],
)
def test_what_is_wrong_is_said_in_our_own_words(
    web: Web, change: dict[str, object], detail: str
) -> None:
    body = {"title": "Slow", "severity": "low", **change}
    told = web.ask("POST", "/api/monitoring/incidents", body)
    assert told.is_a_problem(400)
    assert [each["detail"] for each in told.errors] == [detail]
    (error,) = told.errors
    assert told.json["detail"] == f"{error['pointer']}: {detail}"


def test_a_member_that_is_a_slip_of_a_missing_one_is_asked_for(web: Web) -> None:
    told = web.ask("POST", "/api/monitoring/incidents", {"titel": "Slow", "severity": "low"})
    details = {each["pointer"]: each["detail"] for each in told.errors}
    assert details == {
        "/title": "is required",
        "/titel": "no such member; did you mean title?",
    }


def test_an_incident_is_patched_by_its_id(web: Web) -> None:
    told = web.ask("PATCH", f"/api/monitoring/incidents/{INCIDENT_ID}", {"title": "Anew"})
    assert (told.status, told.json["title"]) == (200, "Anew")
