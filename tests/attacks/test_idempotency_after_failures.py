"""After a failure of ours nobody knows what was done: only the same request may try again."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.functions.stage import NOW, TENANT, Stage, on_moto, on_sqlite
from wedsync.stores.idempotency import KEPT, Claimed, Outcome, Reused


@pytest.fixture(params=["sqlite", "moto"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with {"sqlite": on_sqlite, "moto": on_moto}[request.param]() as stage:
        yield stage


def claim(stage: Stage, digest: str = "x") -> Outcome:
    now = stage.clock.now()
    return stage.services.idempotency.claim(TENANT, "a", digest=digest, arrived_at=now, now=now)


def claimed(stage: Stage) -> Claimed:
    outcome = claim(stage)
    assert isinstance(outcome, Claimed)
    return outcome


def test_a_failed_request_is_tried_again_as_itself_and_by_no_other(stage: Stage) -> None:
    first = claimed(stage)
    stage.services.idempotency.suspend(first)
    stage.clock.set(NOW + timedelta(seconds=5))
    assert claim(stage, "y") == Reused()
    assert claimed(stage).begun_ms == first.begun_ms


def test_whoever_lost_the_lease_cannot_suspend_the_one_that_took_over(stage: Stage) -> None:
    first = claimed(stage)
    stage.clock.set(NOW + timedelta(seconds=61))
    claimed(stage)
    stage.services.idempotency.suspend(first)
    assert not isinstance(claim(stage), Claimed)


def test_after_its_day_a_key_begins_anew(stage: Stage) -> None:
    first = claimed(stage)
    stage.services.idempotency.suspend(first)
    stage.clock.set(NOW + KEPT + timedelta(seconds=1))
    assert claimed(stage).begun_ms > first.begun_ms
