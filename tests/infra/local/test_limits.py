"""A client gets its burst and its rate, and takes nothing from others."""

import pytest

from infra.local.clock import ManualClock
from infra.local.limits import RateLimit
from tests.infra.local.functions_under_test import SATURDAY
from wedsync.errors import TooManyRequests


def admitted(limit: RateLimit, client: str, asked: int) -> int:
    count = 0
    for _ in range(asked):
        try:
            limit.admit(client)
        except TooManyRequests:
            continue
        count += 1
    return count


def test_a_burst_is_admitted_and_then_the_rate() -> None:
    clock = ManualClock(SATURDAY)
    limit = RateLimit(clock, per_second=10, burst=5)
    assert admitted(limit, "a", 20) == 5
    clock.advance(0.3)
    assert admitted(limit, "a", 20) == 3
    clock.advance(3600)
    assert admitted(limit, "a", 20) == 5


def test_nobody_pays_for_another() -> None:
    limit = RateLimit(ManualClock(SATURDAY), per_second=1, burst=2)
    admitted(limit, "a", 100)
    assert admitted(limit, "b", 2) == 2


def test_a_refusal_says_how_long_to_wait() -> None:
    limit = RateLimit(ManualClock(SATURDAY), per_second=0.1, burst=1)
    limit.admit("a")
    with pytest.raises(TooManyRequests) as refusal:
        limit.admit("a")
    assert refusal.value.retry_after_seconds in {10, 11}
