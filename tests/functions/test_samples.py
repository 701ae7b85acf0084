"""Every function runs its sample event, on SQLite and on boto3, with exactly its grants."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.functions.cases import CASES, EVENTS, Case, sample_path
from tests.functions.stage import FUNCTIONS, Stage, on_moto, on_sqlite
from wedsync.resources import Access, Resource
from wedsync.runtime.declarations import HttpTrigger

STAGES = {"sqlite": on_sqlite, "moto": on_moto}


@contextmanager
def _played(case: Case, stage: str) -> Iterator[tuple[Stage, object]]:
    with STAGES[stage]() as opened:
        yield opened, case.play(opened)


def test_every_function_has_a_sample_and_a_case_and_no_sample_is_left_over() -> None:
    samples = {sample_path(name) for name in FUNCTIONS}
    assert samples == set(EVENTS.rglob("*.json"))
    assert {case.function for case in CASES if case.title == "sample"} == set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_does_alike_on_both_clouds_and_reaches_all_that_it_may_and_no_more(
    name: str,
) -> None:
    """Its grants on either cloud, and of its tenant's keys alone where it has a caller.

    The sample is played on both; what else a function can meet, on SQLite.
    """
    used = {
        use
        for case in CASES
        if case.function == name
        for use in _uses(case, tuple(STAGES) if case.title == "sample" else ("sqlite",))
    }
    idle = {f"{access} on {resource.name}" for resource, access in _declared(name) - used}
    assert idle == set()


def _uses(case: Case, stages: Sequence[str]) -> set[tuple[Resource, Access]]:
    """What the function uses of the first cloud, where it does alike on all of them."""
    is_route = isinstance(FUNCTIONS[case.function].declaration.trigger, HttpTrigger)
    answers = []
    uses = []
    for stage in stages:
        with _played(case, stage) as (opened, answer):
            assert isinstance(answer, dict)
            if case.status is not None:
                assert answer["statusCode"] == case.status, answer["body"]
            assert not answer.get("batchItemFailures")
            uses.append(opened.used.get(case.function, set()))
            if is_route:
                # How far every tenant is rolled up, how far the consumer is behind, and, for the
                # health that anybody may ask for, whether any tenant is in emergency mode.
                assert _foreign(opened) <= {"frontiers", "pressure", "emergencies"}
                if case.function != "operations-health":
                    assert "emergencies" not in _foreign(opened)
            answers.append(answer)
    assert set.union(*uses) <= _declared(case.function), case.title
    if is_route and case.moto_answers_alike:
        assert all(answer == answers[0] for answer in answers), case.title
    return uses[0]


def _foreign(stage: Stage) -> set[str]:
    """The partitions that a function touched and that do not name its caller's tenant."""
    own = ("demo#", "open demo#")
    return {key for key in stage.touched if not key.startswith(own)}


def _declared(name: str) -> set[tuple[Resource, Access]]:
    uses = FUNCTIONS[name].declaration.uses
    return {(grant.resource, access) for grant in uses for access in grant.access}
