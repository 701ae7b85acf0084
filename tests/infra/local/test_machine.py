"""Requests find their function, and time is played in order."""

import time
from collections.abc import Mapping
from typing import cast

import pytest

from infra.local.machine import Machine
from infra.local.routing import Routes
from tests.infra.local.functions_under_test import (
    SATURDAY,
    Event,
    Scripted,
    a_cloud,
    a_consumer,
    a_job,
    a_machine,
    a_waker,
    put,
    records_of,
)
from wedsync.cloud import Cloud, Delayed
from wedsync.cloud.memory import memory_of
from wedsync.errors import Throttled
from wedsync.resources import Resource
from wedsync.runtime.declarations import AuthorizerTrigger, HttpTrigger
from wedsync.settings import Settings
from wedsync.tenancy import READERS


def a_route(route: str, *, public: bool = True, answer: object = None) -> Scripted:
    method, path = route.split(" ")
    trigger = HttpTrigger(
        method=method, path=path, summary=route, roles=frozenset() if public else READERS
    )
    return Scripted(f"x.{route}", trigger, lambda *_: answer or {"statusCode": 200})


ROUTES = [
    "GET /api/weddings",
    "POST /api/weddings",
    "GET /api/weddings/{wedding_id}",
    "GET /api/weddings/live",
    "GET /api/{kind}/live",
    "PATCH /api/weddings/{wedding_id}",
    "ANY /api/any",
    "ANY $default",
]


@pytest.mark.parametrize(
    ("request_line", "route", "key", "parameters"),
    [
        ("GET /api/weddings", "GET /api/weddings", "GET /api/weddings", {}),
        ("GET /api/weddings/w1", ROUTES[2], ROUTES[2], {"wedding_id": "w1"}),
        ("GET /api/weddings/live", ROUTES[3], ROUTES[3], {}),
        ("GET /api/alerts/live", ROUTES[4], ROUTES[4], {"kind": "alerts"}),
        ("PATCH /api/weddings/live", ROUTES[5], ROUTES[5], {"wedding_id": "live"}),
        ("DELETE /api/any", "ANY /api/any", "ANY /api/any", {}),
        ("DELETE /api/weddings", "ANY $default", "ANY /api/weddings", {}),
        ("PUT /api/weddings/w1", "ANY $default", "ANY /api/weddings/{wedding_id}", {}),
        ("GET /api/weddings/", "ANY $default", "$default", {}),
        ("GET /api/nothing", "ANY $default", "$default", {}),
        ("GET /", "ANY $default", "$default", {}),
    ],
)
def test_the_most_specific_route_answers(
    request_line: str, route: str, key: str, parameters: Mapping[str, str]
) -> None:
    functions = [a_route(one) for one in ROUTES]
    method, path = request_line.split(" ")
    found = Routes(functions).find(method, path)
    assert found.function is functions[ROUTES.index(route)]
    assert (found.key, found.parameters) == (key, parameters)


@pytest.mark.parametrize(
    ("request_line", "allowed"),
    [
        ("DELETE /api/weddings", ("GET", "POST")),
        ("PUT /api/weddings/w1", ("GET", "PATCH")),
        ("PUT /api/weddings/live", ("GET",)),
        ("GET /api/weddings", None),
        ("GET /api/nothing", None),
    ],
)
def test_a_path_that_takes_other_methods_is_found_with_them(
    request_line: str, allowed: tuple[str, ...] | None
) -> None:
    method, path = request_line.split(" ")
    assert Routes([a_route(one) for one in ROUTES]).find(method, path).allowed == allowed


def an_event(line: str) -> Event:
    method, path = line.split(" ")
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {"authorization": "Bearer t"},
        "requestContext": {"requestId": "r1", "http": {"method": method, "path": path}},
    }


def ask(machine: Machine, line: str) -> tuple[int, Event]:
    answer = machine.http(an_event(line))
    return cast("int", answer["statusCode"]), answer


def an_authorizer(answer: object) -> Scripted:
    def script(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Scripted("account.authorizer", AuthorizerTrigger(), script)


def test_the_authorizers_context_reaches_the_function() -> None:
    proved = {"isAuthorized": True, "context": {"tenant": "t1"}}
    authorizer, route = an_authorizer(proved), a_route("GET /api/{id}", public=False)
    cloud, _ = a_cloud()
    assert ask(a_machine(cloud, authorizer, route), "GET /api/x")[0] == 200
    (question,) = authorizer.events
    assert (question["type"], question["routeKey"]) == ("REQUEST", "GET /api/{id}")
    (event,) = route.events
    context = cast("Mapping[str, object]", event["requestContext"])
    assert context["authorizer"] == {"lambda": {"tenant": "t1"}}
    assert context["routeKey"] == event["routeKey"] == "GET /api/{id}"
    assert event["pathParameters"] == {"id": "x"}


def test_a_public_route_asks_nobody() -> None:
    authorizer, route = an_authorizer({"isAuthorized": False}), a_route("GET /api/health")
    cloud, _ = a_cloud()
    assert ask(a_machine(cloud, authorizer, route), "GET /api/health")[0] == 200
    assert authorizer.events == []


@pytest.mark.parametrize(
    ("authorized", "status"),
    [({"isAuthorized": False}, 403), (Throttled(), 503), (ValueError("x"), 500)],
)
def test_without_an_authorizers_word_nothing_runs(authorized: object, status: int) -> None:
    route = a_route("GET /api/x", public=False)
    cloud, _ = a_cloud()
    answered, answer = ask(a_machine(cloud, an_authorizer(authorized), route), "GET /api/x")
    headers = cast("Mapping[str, str]", answer["headers"])
    assert (answered, route.events) == (status, [])
    assert headers["content-type"] == "application/problem+json"


def test_an_unknown_path_without_a_default_function_is_not_found() -> None:
    cloud, _ = a_cloud()
    assert ask(a_machine(cloud), "GET /nothing")[0] == 404


def test_every_due_instant_is_played_in_order() -> None:
    cloud, clock = a_cloud()
    story: list[tuple[float, str]] = []

    def tell(what: str) -> None:
        story.append(((clock.now() - SATURDAY).total_seconds(), what))

    def consume(_: Event, cloud: Cloud) -> None:
        tell("record")
        cloud.queue(Resource.WAKE).send(Delayed("later", 75))

    def tick(_: Event, cloud: Cloud) -> None:
        tell("tick")
        if len(story) == 1:
            put(cloud, "a")

    machine = a_machine(cloud, a_consumer(consume), a_job(tick), a_waker(lambda *_: tell("wake")))
    assert machine.advance(120) == {"schedules-tick": 2, "streams-ingest": 1, "streams-wake": 1}
    assert story == [(30, "tick"), (30, "record"), (90, "tick"), (105, "wake")]
    assert (clock.now() - SATURDAY).total_seconds() == 120
    assert machine.ran == {"schedules-tick": 2, "streams-ingest": 1, "streams-wake": 1}


def test_a_clock_call_forgets_what_functions_remember() -> None:
    cloud, clock = a_cloud()
    made: list[int] = []

    def look(_: Event, seen: Cloud) -> None:
        memory_of(seen).recall("t", lambda: made.append(1), now=clock.now(), for_seconds=60)

    machine = a_machine(cloud, Scripted("x.look", a_route("GET /x").declaration.trigger, look))
    machine.http(an_event("GET /x"))
    machine.http(an_event("GET /x"))
    assert len(made) == 1
    machine.advance(0)
    machine.http(an_event("GET /x"))
    assert len(made) == 2


def test_only_a_manual_clock_can_be_advanced() -> None:
    from infra.local.clock import RandomIds, RealClock
    from infra.local.engine import LocalCloud

    clock = RealClock()
    with LocalCloud(None, clock=clock, ids=RandomIds(clock)) as cloud:
        machine = Machine(cloud, (), Settings())
        with pytest.raises(TypeError, match="manual clock"):
            machine.advance(1)


def test_a_simulated_day_of_forty_services_costs_seconds() -> None:
    cloud, _ = a_cloud(shards=4)
    consumed = 0

    def consume(event: Event, _: Cloud) -> None:
        nonlocal consumed
        consumed += len(records_of(event))

    def tick(_: Event, cloud: Cloud) -> None:
        for service in range(40):
            put(cloud, "x", key=f"service-{service}")
        cloud.queue(Resource.WAKE).send(Delayed("later", 75))

    jobs = [a_job(name=f"schedules.job{number}") for number in range(5)]
    machine = a_machine(cloud, a_consumer(consume), a_job(tick), a_waker(), *jobs)
    began = time.process_time()
    for _ in range(1440):
        machine.advance(60)
    assert consumed == 40 * 1440
    assert time.process_time() - began < 30
