"""The rate that is kept is exactly that of the algorithm, in whole microseconds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.rates import Allowance, Rate

A_HUNDRED = Rate(per_minute=100, burst=100)
NOW = 1_781_964_300_000_000

rates = st.builds(Rate, per_minute=st.integers(1, 1000), burst=st.integers(1, 20))


def test_a_request_moves_the_arrival_time_by_its_share_of_a_minute() -> None:
    assert A_HUNDRED.interval_us == 600_000
    assert A_HUNDRED.latest_us(1, now_us=0) == 99 * 600_000


@given(rate=rates)
def test_the_interval_is_never_shorter_than_the_rate_and_less_than_a_microsecond_longer(
    rate: Rate,
) -> None:
    exact = Fraction(60_000_000, rate.per_minute)
    assert exact <= rate.interval_us < exact + 1


@pytest.mark.parametrize(
    ("ahead_us", "remaining", "reset"),
    [(600_000, 99, 1), (600_001, 98, 1), (30_000_000, 50, 30), (60_000_000, 0, 60)],
)
def test_a_caller_learns_what_is_left(ahead_us: int, remaining: int, reset: int) -> None:
    told = A_HUNDRED.admitted(NOW + ahead_us, now_us=NOW)
    assert told == Allowance(limit=100, remaining=remaining, reset_seconds=reset)


@pytest.mark.parametrize(
    ("ahead_us", "later"), [(59_400_001, 1), (60_000_000, 1), (61_400_001, 3), (120_000_000, 61)]
)
def test_a_refusal_says_when_one_more_is_taken(ahead_us: int, later: int) -> None:
    told = A_HUNDRED.refused(NOW + ahead_us, now_us=NOW)
    assert (told.remaining, told.retry_after_seconds) == (0, later)
    assert A_HUNDRED.latest_us(1, now_us=NOW + later * 1_000_000) >= NOW + ahead_us


@given(
    allowance=st.builds(
        Allowance,
        limit=st.integers(1, 9),
        remaining=st.integers(0, 9),
        reset_seconds=st.integers(0, 9),
        retry_after_seconds=st.none() | st.integers(1, 9),
    )
)
def test_what_the_authorizer_hands_on_arrives_as_it_was(allowance: Allowance) -> None:
    assert Allowance.of_context(allowance.context()) == allowance
    assert all(isinstance(each, str) for each in allowance.context().values())


def test_where_nothing_was_handed_on_nothing_is_limited() -> None:
    assert Allowance.of_context({"tenant": "demo"}) is None


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (1, 0), (-1, 1), (10**9, 1)])
def test_a_rate_that_admits_nobody_is_refused(per_minute: int, burst: int) -> None:
    with pytest.raises(ValueError, match="a rate"):
        Rate(per_minute=per_minute, burst=burst)
