"""Who may carry a request out, who is told its answer, and for how long."""

from datetime import timedelta

from tests.functions.stage import NOW, TENANT, Stage
from tests.functions.web import OTHER_TENANT
from wedsync.stores.idempotency import (
    KEPT,
    LEASE,
    Claimed,
    InProgress,
    Outcome,
    Replay,
    Reused,
)
from wedsync.tenancy import Tenant

SECOND = timedelta(seconds=1)


def claim(stage: Stage, scope: str = "a", *, digest: str = "x", tenant: Tenant = TENANT) -> Outcome:
    now = stage.clock.now()
    return stage.services.idempotency.claim(tenant, scope, digest=digest, arrived_at=now, now=now)


def claimed(stage: Stage, scope: str = "a") -> Claimed:
    outcome = claim(stage, scope)
    assert isinstance(outcome, Claimed)
    return outcome


def test_the_first_carries_it_out_and_the_others_wait(stage: Stage) -> None:
    claimed(stage)
    assert claim(stage) == InProgress()


def test_once_answered_everybody_is_told_the_answer(stage: Stage) -> None:
    stage.services.idempotency.remember(claimed(stage), "done", now=NOW)
    assert claim(stage) == Replay("done")
    stage.clock.set(NOW + KEPT - SECOND)
    assert claim(stage) == Replay("done")


def test_another_request_under_the_key_is_refused_answered_or_not(stage: Stage) -> None:
    first = claimed(stage)
    assert claim(stage, digest="y") == Reused()
    stage.services.idempotency.remember(first, "done", now=NOW)
    assert claim(stage, digest="y") == Reused()


def test_a_lease_that_ran_out_is_taken_over_by_one(stage: Stage) -> None:
    claimed(stage)
    stage.clock.set(NOW + LEASE - SECOND)
    assert claim(stage) == InProgress()
    stage.clock.set(NOW + LEASE + SECOND)
    claimed(stage)
    assert claim(stage) == InProgress()


def test_who_lost_the_lease_cannot_speak_for_the_one_that_took_over(stage: Stage) -> None:
    first = claimed(stage)
    stage.clock.set(NOW + LEASE + SECOND)
    second = claimed(stage)
    store = stage.services.idempotency
    store.remember(first, "of the first", now=stage.clock.now())
    store.release(first)
    assert claim(stage) == InProgress()
    store.remember(second, "of the second", now=stage.clock.now())
    assert claim(stage) == Replay("of the second")


def test_what_was_given_back_is_free(stage: Stage) -> None:
    stage.services.idempotency.release(claimed(stage))
    claimed(stage)


def test_an_answer_is_not_taken_away_again(stage: Stage) -> None:
    first = claimed(stage)
    stage.services.idempotency.remember(first, "done", now=NOW)
    stage.clock.set(NOW + LEASE + SECOND)
    assert claim(stage) == Replay("done")


def test_after_a_day_the_key_is_free_whether_it_was_swept_or_not(stage: Stage) -> None:
    stage.services.idempotency.remember(claimed(stage), "done", now=NOW)
    stage.clock.set(NOW + KEPT + SECOND)
    claimed(stage)


def test_tenants_and_scopes_do_not_meet(stage: Stage) -> None:
    claimed(stage)
    claimed(stage, "b")
    assert isinstance(claim(stage, tenant=OTHER_TENANT), Claimed)
