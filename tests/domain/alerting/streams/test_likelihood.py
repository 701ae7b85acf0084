import math

import pytest

from wedsync.alerting.streams.likelihood import at_least, at_most, one_in, wilson


def test_a_binomial_tail_is_the_sum_of_its_terms() -> None:
    exact = sum(math.comb(20, k) * 0.05**k * 0.95 ** (20 - k) for k in range(4, 21))
    assert math.exp(at_least(4, 20, 0.05)) == pytest.approx(exact, rel=1e-9)


def test_a_poisson_tail_is_the_limit_of_no_spread() -> None:
    exact = sum(math.exp(-12) * 12**k / math.factorial(k) for k in range(4))
    assert math.exp(at_most(3, 12.0, 0.0)) == pytest.approx(exact, rel=1e-3)


def test_five_empty_minutes_at_three_a_minute_are_one_in_three_million() -> None:
    assert at_most(0, 15.0, 0.0) == pytest.approx(-15.0, rel=1e-3)


@pytest.mark.parametrize("spread", [0.01, 0.1, 0.5])
def test_a_count_that_varies_more_is_less_surprising(spread: float) -> None:
    assert at_most(0, 15.0, spread) > at_most(0, 15.0, 0.0)


@pytest.mark.parametrize(
    ("successes", "trials", "chance"), [(0, 10, 0.1), (1, 10, 0.5), (5, 10, 1.0)]
)
def test_what_is_no_more_than_expected_surprises_nobody(
    successes: int, trials: int, chance: float
) -> None:
    assert at_least(successes, trials, chance) == 0.0


def test_what_cannot_happen_has_no_chance() -> None:
    assert at_least(3, 2, 0.5) == -math.inf
    assert at_least(1, 2, 0.0) == -math.inf


def test_tails_of_large_counts_stay_finite() -> None:
    assert -2e5 < at_least(30_000, 90_000, 0.01) < -1e4
    assert -2e5 < at_most(10, 90_000.0, 1e-6) < -1e4
    assert one_in(-1e6).startswith("less than")


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962), (0, 0, 0.0, 1.0)],
)
def test_a_share_is_bounded_as_wilson_bounds_it(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)
