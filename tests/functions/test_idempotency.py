"""Every POST with an Idempotency-Key: one effect and one answer, whatever is sent again."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import cast

import pytest

from tests.functions.cases import (
    a_contact,
    a_silence,
    a_stored_runbook,
    a_waiting_run,
    an_open_incident,
    sample,
)
from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.test_roles import BODIES, IDS, ROUTES, path_of
from tests.functions.web import OTHER_TENANT, Told, Web, incident, opened, point, wedding
from wedsync.incidents.lifecycle import resolve
from wedsync.stores.idempotency import KEPT, LEASE
from wedsync.tenancy import Role

POSTS = [name for name, trigger in ROUTES.items() if trigger.method == "POST"]
KEY = {"idempotency-key": "the same"}
OF_ITS_OWN = {"x-request-id", "idempotency-replayed", "server-timing"}


@pytest.fixture
def web(request: pytest.FixtureRequest) -> Iterator[Web]:
    with opened() as web:
        stage = Stage(web.bundle.cloud, web.bundle.clock)
        an_open_incident(stage)
        a_contact(stage)
        a_silence(stage)
        a_stored_runbook(stage)
        a_waiting_run(stage)
        if "incidents-close" in request.node.name:
            stored = web.services.incidents.get(TENANT, IDS["incident_id"])
            over = resolve(stored.value, by="mia", at=NOW).incident
            web.services.incidents.save(TENANT, over, expected=stored.version)
        yield web


def post(web: Web, name: str, body: object = None, *, key: str = "the same") -> Told:
    body = BODIES.get(name) if body is None else body
    return web.ask("POST", path_of(name), body, headers={"idempotency-key": key})


def effects(web: Web) -> tuple[int, ...]:
    """How much there is of everything that a POST may make."""
    cloud, services = web.bundle.cloud, web.services
    return (
        len(services.weddings.page(TENANT, on=None, limit=50, cursor=None).weddings),
        len(services.incidents.active(TENANT, limit=50, cursor=None).incidents),
        len(services.rejections.page(TENANT, limit=50, cursor=None).rejections),
        len(tuple(cloud.outbox.published(since=0))),
        len(services.routing.contacts(TENANT)),
        sum(each.version for each in services.executions.of_incident(TENANT, IDS["incident_id"])),
        services.incidents.get(TENANT, IDS["incident_id"]).version,
        services.alerts.get(TENANT, IDS["alert_id"]).version,
    )


@pytest.mark.parametrize("name", POSTS)
def test_the_same_request_again_has_one_effect_and_the_same_answer(web: Web, name: str) -> None:
    first = post(web, name)
    assert first.status < 300, first.text
    assert "idempotency-replayed" not in first.headers
    before = effects(web)
    web.bundle.clock.set(NOW + KEPT - timedelta(seconds=1))
    again = post(web, name)
    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers["idempotency-replayed"] == "true"
    assert _kept(again) == _kept(first)
    assert effects(web) == before


@pytest.mark.parametrize("name", POSTS)
def test_the_key_with_another_body_is_refused(web: Web, name: str) -> None:
    assert post(web, name).status < 300
    before = effects(web)
    other = {**BODIES[name], "more": 1} if name in BODIES else {"more": 1}  # type: ignore[dict-item] # bodies are objects
    assert post(web, name, other).is_a_problem(422)
    assert effects(web) == before


@pytest.mark.parametrize("name", POSTS)
def test_while_the_first_is_in_flight_the_second_is_refused(web: Web, name: str) -> None:
    path = path_of(name)
    body = b"" if name not in BODIES else json.dumps(BODIES[name]).encode()
    subject = web.bundle.key(Role.OPERATOR, tenant=TENANT).caller.subject
    web.services.idempotency.claim(
        TENANT,
        f"{subject}\nPOST {ROUTES[name].path}\nthe same",
        digest=hashlib.sha256(path.encode() + b"\n" + body).hexdigest(),
        arrived_at=NOW,
        now=NOW,
    )
    before = effects(web)
    assert post(web, name).is_a_problem(409)
    assert effects(web) == before
    web.bundle.clock.set(NOW + LEASE + timedelta(seconds=1))
    assert post(web, name).status < 300


@pytest.mark.parametrize("name", POSTS)
def test_a_refused_request_leaves_its_key_free(web: Web, name: str) -> None:
    for _ in range(2):
        if name in BODIES:
            assert post(web, name, b"{").is_a_problem(400)
        else:
            told = web.ask("POST", path_of(name, "no-0"), headers=KEY)
            assert told.is_a_problem(404)
    assert post(web, name).status < 300


def test_the_largest_answers_are_remembered_too(web: Web) -> None:
    smile = "\U0001f600" * 200
    largest = wedding(
        vendors=[{"vendorId": f"{n}", "name": smile, "category": smile} for n in range(110)]
    )
    points = [point(), *({"name": "x" * 200, "kind": "none", "ts": 0} for _ in range(499))]
    for name, body in (("weddings-create", largest), ("metrics-ingest", points)):
        first, again = (post(web, name, body) for _ in range(2))
        assert first.status < 300
        assert again.headers["idempotency-replayed"] == "true"
        assert again.text == first.text


def test_a_key_belongs_to_its_caller_and_its_route(web: Web) -> None:
    first = web.ask("POST", "/api/weddings", wedding(), headers=KEY)
    others = [
        web.ask("POST", "/api/weddings", wedding(), headers=KEY, role=Role.ADMIN),
        web.ask("POST", "/api/weddings", wedding(), headers=KEY, tenant=OTHER_TENANT),
        web.ask("POST", "/api/metrics/ingest", point(), headers=KEY),
    ]
    for other in others:
        assert other.status < 300
        assert "idempotency-replayed" not in other.headers
    assert first.json["weddingId"] not in {others[0].json["weddingId"], others[1].json["weddingId"]}


def test_after_a_day_the_key_is_forgotten(web: Web) -> None:
    first = web.ask("POST", "/api/weddings", wedding(), headers=KEY)
    web.bundle.clock.set(NOW + KEPT + timedelta(seconds=1))
    again = web.ask("POST", "/api/weddings", wedding(guestCount=20), headers=KEY)
    assert again.status == 201
    assert again.headers.get("idempotency-replayed") is None
    assert first.status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\x7f"], ids=ascii)
def test_a_key_that_is_no_key_is_refused(web: Web, key: str) -> None:
    told = web.ask("POST", "/api/weddings", wedding(), headers={"idempotency-key": key})
    assert told.is_a_problem(400)
    assert told.errors[0]["pointer"] == "Idempotency-Key"


def test_without_a_key_every_request_counts(web: Web) -> None:
    ids = {web.ask("POST", "/api/weddings", wedding()).json["weddingId"] for _ in range(2)}
    assert len(ids) == 2


def test_an_answer_that_cannot_be_remembered_is_given_all_the_same(web: Web) -> None:
    lost = _lost(web, "weddings-create", wedding())
    assert lost["statusCode"] == 201


@pytest.mark.parametrize("name", ["weddings-create", "incidents-create"])
def test_a_request_whose_answer_was_lost_meets_what_it_made(web: Web, name: str) -> None:
    wedding_id = web.a_wedding()
    bodies = [wedding()] if name == "weddings-create" else [incident()]
    if name == "incidents-create":
        bodies.append(incident(weddingId=wedding_id))
    for body in bodies:
        first = _lost(web, name, body)
        before = effects(web)[:2]
        web.bundle.clock.set(web.bundle.now + LEASE + timedelta(seconds=1))
        again = _told(web, name, body)
        assert (again.status, effects(web)[:2]) == (first["statusCode"], before), body
        assert again.json[_ID[name]] == json.loads(str(first["body"]))[_ID[name]]


_ID = {"weddings-create": "weddingId", "incidents-create": "incidentId"}


def _lost(web: Web, name: str, body: object) -> Mapping[str, object]:
    stage = Stage(web.bundle.cloud, web.bundle.clock)
    return stage.run(name, _event(name, body), deaf_to=frozenset({"remember"}))


def _told(web: Web, name: str, body: object) -> Told:
    answer = Stage(web.bundle.cloud, web.bundle.clock).run(name, _event(name, body))
    return Told(
        cast("int", answer["statusCode"]),
        cast("Mapping[str, str]", answer["headers"]),
        cast("str", answer["body"]),
    )


def _event(name: str, body: object) -> dict[str, object]:
    event = sample(name)
    key = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    headers = {**cast("dict[str, str]", event["headers"]), "idempotency-key": key}
    return {**event, "body": json.dumps(body), "headers": headers}


def _kept(told: Told) -> dict[str, str]:
    return {name: value for name, value in told.headers.items() if name not in OF_ITS_OWN}
