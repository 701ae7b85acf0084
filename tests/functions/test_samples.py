"""Every function runs its sample event, on SQLite and on boto3, with exactly its grants."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.functions.cases import CASES, EVENTS, Case, sample_path
from tests.functions.stage import FUNCTIONS, Stage, on_moto, on_sqlite
from wedsync.resources import Access, Resource
from wedsync.runtime.declarations import HttpTrigger

STAGES = {"sqlite": on_sqlite, "moto": on_moto}
_NAMED = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.function}, {case.title}" for case in CASES]
)


@contextmanager
def _played(case: Case, stage: str) -> Iterator[tuple[Stage, object]]:
    with STAGES[stage]() as opened:
        yield opened, case.play(opened)


def test_every_function_has_a_sample_and_a_case_and_no_sample_is_left_over() -> None:
    samples = {sample_path(name) for name in FUNCTIONS}
    assert samples == set(EVENTS.rglob("*.json"))
    assert {case.function for case in CASES if case.title == "sample"} == set(FUNCTIONS)


@_NAMED
def test_a_function_does_alike_on_both_clouds_and_reaches_only_what_it_may(case: Case) -> None:
    """Its grants on either cloud, and of its tenant's keys alone where it has a caller."""
    is_route = isinstance(FUNCTIONS[case.function].declaration.trigger, HttpTrigger)
    answers = []
    for stage in STAGES:
        with _played(case, stage) as (opened, answer):
            assert isinstance(answer, dict)
            if case.status is not None:
                assert answer["statusCode"] == case.status, answer["body"]
            assert not answer.get("batchItemFailures")
            assert opened.used.get(case.function, set()) <= _declared(case.function)
            if is_route:
                # How far every tenant is rolled up, and how far the consumer is behind.
                assert _foreign(opened) <= {"frontiers", "pressure"}
            answers.append(answer)
    if is_route and case.moto_answers_alike:
        assert answers[0] == answers[1]


def test_no_function_declares_a_grant_that_it_never_uses() -> None:
    used: defaultdict[str, set[tuple[Resource, Access]]] = defaultdict(set)
    for case in CASES:
        with _played(case, "sqlite") as (opened, _):
            used[case.function] |= opened.used.get(case.function, set())
    idle = {
        f"{name}: {access} on {resource.name}"
        for name in FUNCTIONS
        for resource, access in _declared(name) - used[name]
    }
    assert idle == set()


def _foreign(stage: Stage) -> set[str]:
    """The partitions that a function touched and that do not name its caller's tenant."""
    own = ("demo#", "open demo#")
    return {key for key in stage.touched if not key.startswith(own)}


def _declared(name: str) -> set[tuple[Resource, Access]]:
    uses = FUNCTIONS[name].declaration.uses
    return {(grant.resource, access) for grant in uses for access in grant.access}
