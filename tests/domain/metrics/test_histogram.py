"""The guarantee: any order of merging, and quantiles within 0.79 % of the exact ones."""

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.cells import fold, join
from wedsync.metrics.histogram import (
    RELATIVE_ERROR,
    ByValue,
    bins_of,
    dense_ids,
    midpoints,
    order_by,
    order_of_runs,
    rank_of,
    stable_order,
)
from wedsync.metrics.summary import Summary

QUANTILES = (0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)

SHAPES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "log-normal": lambda rng, n: rng.lognormal(5, 1, n),
    "bimodal": lambda rng, n: np.where(rng.random(n) < 0.5, 20.0, 4000.0) * rng.normal(1, 0.02, n),
    "constant": lambda _rng, n: np.full(n, 123.456),
    "heavy-tailed": lambda rng, n: rng.pareto(1.1, n) + 0.001,
    "both signs": lambda rng, n: rng.normal(0, 50, n),
    "whole numbers": lambda rng, n: rng.integers(0, 40, n).astype(float),
}  # fmt: skip

values = st.floats(-1e15, 1e15).map(lambda value: 0.0 if abs(value) < 1e-130 else value)
weighted = st.lists(st.tuples(values, st.integers(1, 12)), min_size=1, max_size=40)


def exact_quantile(ordered: list[float], q: float) -> float:
    return ordered[rank_of(q, len(ordered)) - 1]


def within(read: float | None, exact: float) -> bool:
    return read is not None and abs(read - exact) <= RELATIVE_ERROR * abs(exact)


@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles_after_merging_10_shards_of_60_minutes_are_near_the_exact_ones(
    shape: str,
) -> None:
    draw = SHAPES[shape](np.random.default_rng(7), 30_000)
    minutes = [Summary.of(part) for part in np.array_split(draw, 600)]
    random.Random(3).shuffle(minutes)
    shards = [Summary.merge(minutes[at : at + 60]) for at in range(0, 600, 60)]
    merged = Summary.merge(shards)
    ordered = sorted(draw.tolist())
    assert merged.count == len(ordered)
    assert (merged.min, merged.max) == (ordered[0], ordered[-1])
    assert merged.sum == pytest.approx(math.fsum(ordered), rel=1e-9, abs=1e-6)
    for q in QUANTILES:
        assert within(merged.quantile(q), exact_quantile(ordered, q)), (shape, q)


def test_the_stated_error_is_what_was_promised() -> None:
    assert RELATIVE_ERROR <= 0.0079


def test_a_constant_is_read_back_exactly() -> None:
    assert Summary.of([123.456] * 1000).quantile(0.95) == 123.456


@given(values)
@settings(max_examples=300, deadline=None)
def test_the_midpoint_of_a_bin_is_near_everything_in_it(value: float) -> None:
    (middle,) = midpoints(bins_of(np.array([value])))
    assert within(float(middle), value)


@given(st.lists(values, min_size=1, max_size=8), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_up_to_eight_observations_are_exact(few: list[float], q: float) -> None:
    assert Summary.of(few).quantile(q) == exact_quantile(sorted(few), q)


def state(summary: Summary) -> tuple[object, ...]:
    cell = summary.cell
    return summary.count, summary.min, summary.max, cell.keys.tolist(), cell.weights.tolist()


@given(weighted, st.randoms(use_true_random=False), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_the_state_depends_on_the_observations_alone(
    observations: list[tuple[float, int]], chance: random.Random, cuts: int
) -> None:
    """Any order, any cut, any tree of merges: the same keys and weights."""
    value = np.array([each for each, _ in observations])
    weight = np.array([count for _, count in observations], np.int64)
    zeros = np.zeros(len(value), np.int64)
    at_once = fold(row=zeros, second=zeros - 1, value=value, weight=weight)

    parts = [Summary.of([each], count=count) for each, count in observations]
    chance.shuffle(parts)
    while len(parts) > 1:
        size = chance.randint(2, cuts + 1)
        parts = [*parts[size:], Summary.merge(parts[:size])]
    (merged,) = parts
    assert state(merged)[3:] == (at_once.keys.tolist(), at_once.weights.tolist())
    assert state(merged)[:3] == (int(weight.sum()), float(value.min()), float(value.max()))
    assert merged.sum == pytest.approx(float((value * weight).sum()), rel=1e-9, abs=1e-3)


def test_nothing_observed_has_no_figures() -> None:
    nothing = Summary.of([])
    assert (nothing.count, nothing.mean, nothing.quantile(0.5), nothing.share_above(1)) == (
        0, None, None, None,
    )  # fmt: skip
    assert Summary.merge([nothing, Summary.of([2.0])]).quantile(0.5) == 2.0


def test_a_count_weighs_as_so_many_observations() -> None:
    weighed = Summary.merge([Summary.of([10.0], count=99), Summary.of([500.0])])
    assert (weighed.count, weighed.sum, weighed.mean) == (100, 1490.0, 14.9)
    assert within(weighed.quantile(0.99), 10.0)
    assert within(weighed.quantile(1.0), 500.0)


def test_the_share_above_a_threshold_is_read_off_the_bins() -> None:
    assert Summary.of([1.0] * 75 + [100.0] * 25).share_above(50) == 0.25
    assert Summary.of([1.0, 2.0, 3.0]).share_above(2.0) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("q", "count", "rank"), [
    (0.0, 10, 1), (0.5, 1, 1), (0.5, 4, 2), (0.5, 5, 3), (0.95, 20, 19), (0.07, 100, 7),
    (0.95, 21, 20), (1.0, 10, 10), (0.999, 1000, 999), (0.29, 100, 29),
])  # fmt: skip
def test_a_rank_is_the_nearest_and_never_lost_to_rounding(q: float, count: int, rank: int) -> None:
    assert rank_of(q, count) == rank


def test_a_quantile_outside_0_and_1_is_refused() -> None:
    with pytest.raises(ValueError, match="within"):
        Summary.of([1.0]).quantile(95)


big = st.integers(-(2**40), 2**40)


@given(st.lists(st.tuples(big, big, big, big), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_rows_are_numbered_in_order_however_wide_their_columns(
    rows: list[tuple[int, int, int, int]],
) -> None:
    first, number = dense_ids(*np.array(rows, np.int64).T)
    distinct = sorted(set(rows))
    assert [rows[at] for at in first.tolist()] == distinct
    assert [distinct[at] for at in number.tolist()] == rows


@given(st.lists(st.tuples(st.integers(0, 2**60), values), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_observations_are_ordered_by_id_then_value(rows: list[tuple[int, float]]) -> None:
    ids = np.array([each for each, _ in rows], np.int64)
    value = np.array([each for _, each in rows], np.float64)
    for order in (order_by(ids, value, ByValue.of(value)), order_of_runs(ids, value)):
        assert [rows[at] for at in order.tolist()] == sorted(rows)


@given(st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 9), max_size=20))
def test_equal_numbers_keep_their_order(numbers: list[int]) -> None:
    order = stable_order(np.array(numbers, np.int64)).tolist()
    assert order == sorted(range(len(numbers)), key=numbers.__getitem__)


def test_nothing_joins_to_nothing() -> None:
    assert len(join([])) == 0
