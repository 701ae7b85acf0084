"""Conditions: their bounds, where a value has recovered, and what can raise it."""

from dataclasses import replace

import pytest

from wedsync.alerting.own.condition import (
    MOST_COMPARISONS,
    MOST_LEVELS,
    READING_ERROR,
    Combination,
    Comparison,
    Condition,
    Join,
    Operator,
    Statistic,
    comparisons,
    flaw,
    grouping,
    levels,
)
from wedsync.metrics.histogram import RELATIVE_ERROR

SLOW = Comparison(
    metric="api.request", stat=Statistic.P95, op=Operator.ABOVE, threshold=100, window_seconds=300
)


def every(*parts: Condition) -> Combination:
    return Combination(join=Join.ALL, parts=parts)


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        (Operator.ABOVE, 100.0, False),
        (Operator.ABOVE, 100.001, True),
        (Operator.AT_LEAST, 100.0, True),
        (Operator.AT_LEAST, 99.999, False),
        (Operator.BELOW, 100.0, False),
        (Operator.BELOW, 99.999, True),
        (Operator.AT_MOST, 100.0, True),
        (Operator.AT_MOST, 100.001, False),
    ],
)
def test_operators_mean_what_they_say_at_the_threshold(
    op: Operator, value: float, *, holds: bool
) -> None:
    assert op.holds(value, 100.0) is holds


@pytest.mark.parametrize(
    ("op", "threshold", "percent", "recovery"),
    [
        (Operator.ABOVE, 100.0, False, 80.0),
        (Operator.ABOVE, 2.0, True, 1.6),
        (Operator.ABOVE, -10.0, False, -12.0),
        (Operator.ABOVE, 0.0, False, 0.0),
        (Operator.BELOW, 95.0, True, 96.0),
        (Operator.BELOW, 60.0, True, 68.0),
        (Operator.BELOW, 2.0, False, 2.5),
        (Operator.BELOW, -10.0, False, -7.5),
    ],
)
def test_a_value_recovers_a_fifth_inside_the_threshold(
    op: Operator, threshold: float, *, percent: bool, recovery: float
) -> None:
    one = replace(SLOW, op=op, threshold=threshold, percent=percent)
    assert one.recovery(threshold) == pytest.approx(recovery)
    assert one.has_recovered(recovery, threshold)
    worse = -0.01 if op.lower_is_worse else 0.01
    assert not one.has_recovered(recovery + worse, threshold)


def test_what_stays_inside_of_the_threshold_cannot_raise_a_pointwise_figure() -> None:
    assert not SLOW.may_be_raised_by(1.0, 90.0)
    assert SLOW.may_be_raised_by(1.0, 100.5)
    assert SLOW.may_be_raised_by(1.0, 99.5), "a histogram may read it as more"
    low = replace(SLOW, op=Operator.BELOW)
    assert low.may_be_raised_by(90.0, 500.0)
    assert not low.may_be_raised_by(110.0, 500.0)


def test_no_percentile_is_read_further_off_than_conditions_allow_for() -> None:
    assert READING_ERROR >= RELATIVE_ERROR


@pytest.mark.parametrize("stat", [Statistic.COUNT, Statistic.RATE, Statistic.SUM, Statistic.SHARE])
def test_what_adds_up_may_be_raised_by_anything(stat: Statistic) -> None:
    assert replace(SLOW, stat=stat).may_be_raised_by(0.0, 0.0)


def test_a_tree_has_bounded_levels_and_comparisons() -> None:
    deep: Condition = SLOW
    for _ in range(MOST_LEVELS - 1):
        deep = every(deep)
    assert levels(deep) == MOST_LEVELS
    assert flaw(deep) is None
    assert "levels" in str(flaw(every(deep)))
    wide = every(*[SLOW] * MOST_COMPARISONS)
    assert flaw(wide) is None
    assert len(list(comparisons(wide))) == MOST_COMPARISONS
    assert "comparisons" in str(flaw(every(wide, SLOW)))


def test_grouped_comparisons_agree_and_the_others_hold_for_every_group() -> None:
    grouped = replace(SLOW, group_by=("service", "route"))
    turned = replace(SLOW, group_by=("route", "service"))
    assert flaw(every(SLOW, grouped, turned)) is None
    assert grouping(every(SLOW, grouped)) == ("service", "route")
    assert grouping(SLOW) == ()
    assert "grouped" in str(flaw(every(grouped, replace(SLOW, group_by=("device",)))))


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"window_seconds": 90}, "minutes"),
        ({"window_seconds": 0}, "minutes"),
        ({"window_seconds": 5400}, "hours"),
        ({"window_seconds": 32 * 86400}, "31 days"),
        ({"stat": Statistic.SHARE}, "filters"),
        ({"stat": Statistic.LAST, "window_seconds": 7200}, "last"),
        ({"predict_seconds": 1800, "window_seconds": 7200}, "predicted"),
        ({"window_seconds": 86400, "group_by": ("service",)}, "vendorId"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(
    members: dict[str, object], word: str
) -> None:
    assert word in str(flaw(replace(SLOW, **members)))  # type: ignore[arg-type] # its members


def test_over_days_a_vendors_points_may_be_told_apart() -> None:
    weekly = replace(
        SLOW,
        window_seconds=7 * 86400,
        filters=(("vendorId", ("photo-1",)), ("outcome", ("booked",))),
        group_by=("style",),
    )
    assert flaw(weekly) is None
    assert weekly.vendor_id == "photo-1"
