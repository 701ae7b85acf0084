"""Who may do what: every role on every route, and what others' things look like."""

import re
from collections.abc import Iterator
from typing import cast

import pytest

from tests.domain.metrics.exports import a_sum, export
from tests.functions.cases import (
    ALERT_ID,
    CONTACT_ID,
    EXECUTION_ID,
    INCIDENT_ID,
    NOW_NS,
    OWN_POLICY,
    PIPELINE,
    RULE_ID,
    RUNBOOK_ID,
    SILENCE_ID,
    a_contact,
    a_pipeline,
    a_registered_wedding,
    a_silence,
    a_stored_runbook,
    a_waiting_run,
    an_open_incident,
    sample,
)
from tests.functions.stage import FUNCTIONS, TENANT, Stage
from tests.functions.web import (
    OTHER_TENANT,
    VENDOR,
    Told,
    Web,
    contact,
    emergency,
    incident,
    opened,
    pipeline,
    point,
    policy,
    roster,
    rule,
    runbook,
    settings,
    silence,
    wedding,
)
from wedsync.runtime.declarations import HttpTrigger
from wedsync.tenancy import Role

ROUTES: dict[str, HttpTrigger] = {
    name: function.declaration.trigger
    for name, function in FUNCTIONS.items()
    if isinstance(function.declaration.trigger, HttpTrigger)
    and function.declaration.trigger.path != "$default"
}

GUARDED = [name for name, trigger in ROUTES.items() if trigger.roles]
IDS = {
    "wedding_id": "wed_sample",
    "alert_id": ALERT_ID,
    "incident_id": INCIDENT_ID,
    "contact_id": CONTACT_ID,
    "name": OWN_POLICY,
    "runbook_id": RUNBOOK_ID,
    "execution_id": EXECUTION_ID,
    "pipeline_id": PIPELINE,
    "rule_id": RULE_ID,
    "silence_id": SILENCE_ID,
}
BODIES: dict[str, object] = {
    "weddings-create": wedding(),
    "weddings-change": {"guestCount": 99},
    "weddings-timeline": {
        "timeline": [
            {
                "id": "vows",
                "kind": "ceremony",
                "title": "Vows",
                "startsAt": "2026-06-20T15:00:00",
                "endsAt": "2026-06-20T23:00:00",
            }
        ]
    },
    "metrics-ingest": point(),
    "metrics-otlp": export(a_sum("served", {"timeUnixNano": str(NOW_NS), "asInt": 1})),
    "incidents-create": incident(),
    "incidents-change": {"title": "Photo uploads fail"},
    "incidents-update": {"text": "on it"},
    "incidents-write-postmortem": {"actionItems": []},
    "runbooks-change": runbook(),
    "runbooks-execute": {"dryRun": True},
    "account-change-settings": settings(),
    "routing-create-contact": contact(),
    "routing-change-contact": contact(),
    "routing-change-policy": policy(),
    "routing-change-roster": roster(),
    "metrics-change-pipeline": pipeline(),
    "rules-create": rule(),
    "rules-silence": silence(),
    "rules-rehearse": {"from": "2026-06-20T13:00:00Z", "to": "2026-06-20T14:00:00Z"},
    "alerts-feedback": {"verdict": "true_positive", "comment": "Guests complained"},
    "rules-change": {"severity": "medium"},
    "operations-begin-emergency": emergency(),
}
QUERIES = {"metrics-series": "name=photo.upload"}
CHANGING = {Role.ADMIN, Role.OPERATOR}
LOOKING = {*CHANGING, Role.VIEWER}
EXCEPTIONS = {
    "account-change-settings": {Role.ADMIN},
    "metrics-ingest": {*CHANGING, Role.VENDOR, Role.DEVICE},
    "metrics-otlp": {*CHANGING, Role.VENDOR, Role.DEVICE},
    "weddings-listing": {*LOOKING, Role.VENDOR},
    "weddings-read": {*LOOKING, Role.VENDOR},
    "weddings-monitoring": {*LOOKING, Role.VENDOR},
    "weddings-success": {*LOOKING, Role.VENDOR},
    "weddings-vendors-health": {*LOOKING, Role.VENDOR},
    "metrics-wedding": {*LOOKING, Role.VENDOR},
}
"""Where the general rule (GET: whoever looks; else whoever changes) does not hold."""
MAKE_WHAT_THEY_NAME = {
    "routing-change-policy",
    "metrics-change-pipeline",
    "runbooks-change",
}
BY_ID = [
    name
    for name, trigger in ROUTES.items()
    if "{" in trigger.path and name not in MAKE_WHAT_THEY_NAME
]


def path_of(name: str, an_id: str | None = None) -> str:
    """The route's path for the sample's things, or for another id."""
    return re.sub(r"\{(\w+)\}", lambda match: an_id or IDS[match[1]], ROUTES[name].path)


def ask(web: Web, name: str, *, an_id: str | None = None, **options: object) -> Told:
    return web.ask(
        ROUTES[name].method,
        path_of(name, an_id),
        BODIES.get(name),
        query=QUERIES.get(name, ""),
        **options,  # type: ignore[arg-type] # keywords of ask
    )


@pytest.fixture
def web() -> Iterator[Web]:
    with opened() as web:
        stage = Stage(web.bundle.cloud, web.bundle.clock)
        an_open_incident(stage)
        a_contact(stage)
        a_pipeline(stage)
        a_silence(stage)
        a_stored_runbook(stage)
        a_waiting_run(stage)
        yield web


@pytest.fixture(scope="module")
def shut() -> Iterator[Web]:
    """For those who are not let in."""
    with opened() as web:
        yield web


@pytest.mark.parametrize("name", GUARDED)
def test_each_role_is_let_in_exactly_where_it_may_act(web: Web, name: str) -> None:
    expected = EXCEPTIONS.get(name, LOOKING if ROUTES[name].method == "GET" else CHANGING)
    for role in Role:
        told = ask(web, name, role=role)
        assert told.status < 500
        if role in expected:
            assert told.status not in {401, 403}, (role, told.text)
        else:
            assert told.is_a_problem(403), role


PROVES_NOBODY: list[dict[str, str]] = [
    {},
    {"authorization": ""},
    {"authorization": "Bearer"},
    {"authorization": "Basic b3BlcmF0b3I6"},
    {"authorization": "Bearer wsk_no-such-key_00"},
    {"authorization": "Bearer a.b.c"},
    {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtaWEifQ."},
    {"x-api-key": "\xe9" * 300},
    {"x-api-key": "wsk__"},
]


@pytest.mark.parametrize("name", GUARDED)
def test_without_a_valid_token_nobody_is_let_in(shut: Web, name: str) -> None:
    for headers in PROVES_NOBODY:
        told = ask(shut, name, role=None, headers=headers)
        assert told.is_a_problem(401), headers
        assert told.headers["www-authenticate"] == "Bearer"


def test_a_key_works_as_bearer_and_as_api_key(web: Web) -> None:
    told = web.ask("GET", "/api/weddings", role=None, headers={"x-api-key": web.token(Role.VIEWER)})
    assert told.status == 200


def test_a_key_with_another_secret_proves_nobody(web: Web) -> None:
    token = web.token(Role.ADMIN)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    told = web.ask("GET", "/api/weddings", role=None, headers={"x-api-key": forged})
    assert told.is_a_problem(401)


@pytest.mark.parametrize("name", BY_ID)
def test_another_tenants_thing_answers_exactly_as_an_unknown_one(web: Web, name: str) -> None:
    own, *_ = [value for key, value in IDS.items() if "{" + key + "}" in ROUTES[name].path]
    foreign = ask(web, name, tenant=OTHER_TENANT, an_id=own)
    unknown = ask(web, name, tenant=OTHER_TENANT, an_id=own[:-3] + "0-7")
    assert foreign.is_a_problem(404)
    assert unknown.is_a_problem(404)
    assert _without_names(foreign) == _without_names(unknown)
    assert foreign.headers.keys() == unknown.headers.keys()


ODD_IDS = [
    "x",
    "wed_sample ",
    "WED_SAMPLE",
    "wed_sample#live",
    "demo#weddings",
    "..",
    "%2e%2e",
    "wed_sample\n",
    "wed_sample\x00",
    "wed%sample",
    "a" * 129,
    "a" * 5000,
    "-",
    "-1",
    "1-",
    "frontier",
    "é",
    "日本",
    "\U0001f600",
    "'; DROP TABLE weddings; --",
    '"quoted"',
    "a\\b",
    "{wedding_id}",
    "$default",
    "wed_sample;x=1",
    "0",
]


@pytest.mark.parametrize("an_id", ODD_IDS, ids=lambda an_id: ascii(an_id)[:30])
def test_whatever_is_no_id_of_ours_is_not_found(web: Web, an_id: str) -> None:
    for name in BY_ID:
        assert ask(web, name, an_id=an_id).is_a_problem(404), name


def test_a_vendor_sees_the_weddings_that_list_it_and_no_others() -> None:
    with opened() as web:
        own = web.a_wedding()
        other = web.a_wedding(vendors=[{"vendorId": "florist-1"}])
        seen = web.ask("GET", "/api/weddings", role=Role.VENDOR).items
        assert [each["weddingId"] for each in seen] == [own]
        paths = (
            "/api/weddings/{}",
            "/api/weddings/{}/monitoring",
            "/api/weddings/{}/success",
            "/api/weddings/{}/vendors/health",
            "/api/metrics/wedding/{}",
        )
        for path in paths:
            assert web.ask("GET", path.format(own), role=Role.VENDOR).status == 200
            hidden = web.ask("GET", path.format(other), role=Role.VENDOR)
            unknown = web.ask("GET", path.format("wed_0"), role=Role.VENDOR)
            assert hidden.is_a_problem(404)
            assert _without_names(hidden) == _without_names(unknown)


def test_a_vendor_may_neither_ask_for_another_vendor_nor_speak_for_it() -> None:
    with opened() as web:
        asked = web.ask("GET", "/api/weddings", role=Role.VENDOR, query="vendorId=florist-1")
        assert asked.is_a_problem(403)
        own = web.ask("GET", "/api/weddings", role=Role.VENDOR, query=f"vendorId={VENDOR}")
        assert own.status == 200
        sent = web.ask("POST", "/api/metrics/ingest", point(vendorId="florist-1"), role=Role.VENDOR)
        assert sent.is_a_problem(403)
        assert [each["pointer"] for each in sent.errors] == ["/vendorId"]
        both = [point(eventId="own"), point(vendorId="florist-1")]
        sent = web.ask("POST", "/api/metrics/ingest", both, role=Role.VENDOR)
        assert sent.is_a_problem(403)
        assert [each["pointer"] for each in sent.errors] == ["/1/vendorId"]
        assert "nothing was taken" in str(sent.json["detail"])


def test_the_tenant_comes_from_the_token_and_from_nothing_else() -> None:
    with opened() as web:
        own = web.a_wedding()
        for headers in ({"x-tenant": TENANT.id}, {"tenantid": TENANT.id}):
            told = web.ask("GET", f"/api/weddings/{own}", tenant=OTHER_TENANT, headers=headers)
            assert told.status == 404
        listed = web.ask("GET", "/api/weddings", tenant=OTHER_TENANT)
        assert listed.items == []
        asked = web.ask("GET", "/api/weddings", tenant=OTHER_TENANT, query="tenantId=demo")
        assert asked.is_a_problem(400)
        sent = web.ask("POST", "/api/metrics/ingest", point(tenantId="rival"))
        assert sent.is_a_problem(400)


def test_a_caller_whom_the_gateway_did_not_prove_is_nobody() -> None:
    event = sample("weddings-listing")
    context = cast("dict[str, object]", event["requestContext"])
    nobodies: tuple[object, ...] = (
        None,
        {},
        {"lambda": {}},
        {"lambda": {"tenant": ""}},
        {"lambda": None},
    )
    for authorizer in nobodies:
        context["authorizer"] = authorizer
        with opened() as web:
            a_registered_wedding(Stage(web.bundle.cloud, web.bundle.clock))
            answer = Stage(web.bundle.cloud, web.bundle.clock).run("weddings-listing", event)
        assert answer["statusCode"] == 401


def _without_names(told: Told) -> dict[str, object]:
    return {**told.json, "requestId": "", "instance": ""}
