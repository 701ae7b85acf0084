"""An endpoint: what becomes of errors that nobody foresaw, and of clouds that are down."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

import pytest
from pydantic import BaseModel

from tests.functions.cases import CASES, Case, sample
from tests.functions.stage import FUNCTIONS, Context, Stage, on_sqlite
from tests.functions.web import PROBLEM_MEMBERS, Told
from wedsync.errors import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    Throttled,
    TooManyRequests,
    TooMuchContention,
    Unavailable,
    WedSyncError,
)
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.declarations import HttpTrigger
from wedsync.runtime.http import FromCaller, Injected, RawBody, endpoint

SECRET = "arn:aws:dynamodb:eu-west-1:123456789012:table/wedsync-prod-alerts"  # noqa: S105 - no password


class Thing(BaseModel):
    size: int


@pytest.fixture
def stage() -> Iterator[Stage]:
    with on_sqlite() as stage:
        yield stage


def answer_of(stage: Stage, error: BaseException) -> Told:
    """What an endpoint answers whose handler raises this."""

    @endpoint("GET /api/weddings", summary="Fail")
    def handler() -> Thing:
        raise error

    return told(handler.run(plain("weddings-listing"), Context(), stage.cloud, stage.settings))


def plain(name: str) -> dict[str, object]:
    """The sample of a route, asked without a query."""
    return {**sample(name), "rawQueryString": "", "queryStringParameters": None}


def told(answer: object) -> Told:
    members = cast("Mapping[str, object]", answer)
    return Told(
        cast("int", members["statusCode"]),
        cast("Mapping[str, str]", members["headers"]),
        cast("str", members["body"]),
    )


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        ValueError(SECRET),
        KeyError("pk"),
        TypeError("'NoneType' object is not subscriptable"),
        AssertionError,
        RecursionError,
        MemoryError("no room"),
        ZeroDivisionError(),
    ],
    ids=repr,
)
def test_the_unforeseen_is_a_500_with_an_id_and_nothing_internal(
    stage: Stage, error: Exception
) -> None:
    answer = answer_of(stage, error)
    assert answer.is_a_problem(500)
    assert answer.json == {
        "type": "urn:wedsync:problem:internal",
        "title": "Internal error",
        "status": 500,
        "detail": "Internal error",
        "instance": "/api/weddings",
        "requestId": "JKJaXmPLvHcESHA=",
        "error": "Internal error",
        "errors": [],
    }


@pytest.mark.parametrize("error", [Unavailable(), Throttled(), OutcomeUnknown()], ids=repr)
def test_a_dependency_that_is_down_is_a_503_that_says_when_to_try_again(
    stage: Stage, error: WedSyncError
) -> None:
    answer = answer_of(stage, error)
    assert answer.is_a_problem(503)
    assert int(answer.headers["retry-after"]) >= 1


def test_too_many_requests_says_when_to_try_again(stage: Stage) -> None:
    answer = answer_of(stage, TooManyRequests(retry_after_seconds=7))
    assert answer.is_a_problem(429)
    assert answer.headers["retry-after"] == "7"


def test_others_who_keep_writing_are_a_conflict(stage: Stage) -> None:
    assert answer_of(stage, TooMuchContention()).is_a_problem(503)


def _every_error(of: type[WedSyncError] = WedSyncError) -> Iterator[type[WedSyncError]]:
    for each in of.__subclasses__():
        if each.__module__ == "wedsync.errors":
            yield each
            yield from _every_error(each)


@pytest.mark.parametrize("kind", sorted(set(_every_error()), key=str))
def test_every_error_answers_its_own_status_code_and_title(
    stage: Stage, kind: type[WedSyncError]
) -> None:
    answer = answer_of(stage, kind())
    assert answer.is_a_problem(kind.status)
    assert set(answer.json) == PROBLEM_MEMBERS
    assert answer.json["type"] == f"urn:wedsync:problem:{kind.code}"
    assert answer.json["title"] == answer.json["detail"] == kind.title


def test_a_path_is_told_as_it_came_and_never_breaks_the_answer(stage: Stage) -> None:
    for path in ("/a\nb", '/"quoted"', "/é/\U0001f600", "/\x00", "/" + "x" * 5000):
        event = sample("fallback-unrouted") | {"rawPath": path}
        function = FUNCTIONS["fallback-unrouted"]
        answer = told(function.run(event, Context(), stage.cloud, stage.settings))
        assert answer.is_a_problem(404)
        assert answer.json["instance"] == path


HTTP_CASES = [
    case
    for case in CASES
    if case.title == "sample"
    and isinstance(FUNCTIONS[case.function].declaration.trigger, HttpTrigger)
    and FUNCTIONS[case.function].declaration.uses
]


@pytest.mark.parametrize("case", HTTP_CASES, ids=lambda case: case.function)
def test_while_any_one_thing_is_down_a_route_answers_or_says_so(case: Case) -> None:
    for resource in {grant.resource for grant in FUNCTIONS[case.function].declaration.uses}:
        with on_sqlite() as stage:
            case.arrange(stage)
            event = case.change(sample(case.function))
            answer = told(stage.run(case.function, event, down=frozenset({resource})))
            assert answer.status < 500 or answer.is_a_problem(503), resource
            if answer.status == 503:
                assert answer.headers["retry-after"]
                assert resource not in {Resource.TIER_0, Resource.TIER_1, Resource.TIER_2}


def test_a_handler_may_set_status_and_headers_of_its_own(stage: Stage) -> None:
    @endpoint("GET /api/weddings", summary="Answer")
    def handler() -> Answer[Thing]:
        return Answer(Thing(size=3), {"x-size": "3"}, status=207)

    answer = told(handler.run(plain("weddings-listing"), Context(), stage.cloud, stage.settings))
    assert (answer.status, answer.own, answer.headers["x-size"]) == (207, {"size": 3}, "3")


def test_the_caller_and_the_body_are_handed_in(stage: Stage) -> None:
    @endpoint("POST /api/weddings", summary="Echo", takes_raw_body=True, uses=())
    def handler(body: RawBody, caller: FromCaller, services: Injected) -> dict[str, str]:
        return {"body": body.decode(), "by": caller.subject, "at": services.now().isoformat()}

    event = sample("weddings-create") | {"body": "not JSON"}
    answer = told(handler.run(event, Context(), stage.cloud, stage.settings))
    assert answer.json == {
        "body": "not JSON",
        "by": "key_sample",
        "at": "2026-06-20T14:05:00+00:00",
    }


def test_a_body_of_a_model_is_read_whatever_its_wrapping(stage: Stage) -> None:
    @endpoint("POST /api/weddings", summary="Echo")
    def handler(thing: Thing) -> Thing:
        return thing

    for number, text in enumerate(('{"size":1}', ' {"size" : 1}\n')):
        event = sample("weddings-create") | {"body": text}
        event["headers"] = {"Idempotency-Key": f"{number}", "Content-Type": "text/plain"}
        answer = told(handler.run(event, Context(), stage.cloud, stage.settings))
        assert answer.json == {"size": 1}


def test_two_stages_never_see_each_others_requests() -> None:
    with on_sqlite() as one, on_sqlite() as other:
        event = sample("weddings-create")
        first = told(one.run("weddings-create", event))
        listed = told(other.run("weddings-listing", sample("weddings-listing")))
        assert first.status == 201
        assert json.loads(listed.text)["items"] == []


def test_errors_form_one_tree_with_codes_of_their_own() -> None:
    kinds = {*_every_error()}
    codes = [kind.code for kind in kinds]
    assert len(codes) == len(set(codes))
    assert {Conflict, NotFound} <= kinds
