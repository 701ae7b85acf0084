"""A value is what its updates amount to in their order, whatever order they come in."""

import itertools
import json
import random

import pytest

from wedsync.metrics.body import Poison
from wedsync.metrics.envelope import read_point
from wedsync.metrics.formula import read_formula
from wedsync.metrics.updates import (
    KEPT_MS,
    Operation,
    RunningValue,
    Update,
    ValueName,
    updated,
)

NOW_MS = 1_781_964_300_000
NOTHING = RunningValue(name=ValueName(metric="guests.present"))


def change(number: int, operation: Operation, value: float = 0.0, formula: str = "") -> Update:
    return Update(
        ts_ms=NOW_MS + number,
        update_id=number,
        operation=operation,
        value=value,
        formula=formula,
    )


DOUBLED = json.dumps({"op": "multiply", "of": [{"field": "current"}, 2]})
BY_NOTHING = json.dumps({"op": "divide", "of": [{"field": "current"}, {"field": "value"}]})
TEN_FIVE_THREE = (
    change(1, Operation.SET, 10),
    change(2, Operation.INCREMENT, 5),
    change(3, Operation.DECREMENT, 3),
)


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ((), 0),
        (TEN_FIVE_THREE, 12),
        ((*TEN_FIVE_THREE, change(4, Operation.SET, 7)), 7),
        ((*TEN_FIVE_THREE, change(4, Operation.CALCULATE, formula=DOUBLED)), 24),
        ((*TEN_FIVE_THREE, change(4, Operation.CALCULATE, formula=BY_NOTHING)), 12),
        ((*TEN_FIVE_THREE, change(4, Operation.CALCULATE, 4, BY_NOTHING)), 3),
    ],
)
def test_every_order_and_every_copy_amounts_to_the_same(
    changes: tuple[Update, ...], value: float
) -> None:
    for order in itertools.permutations(changes):
        running = NOTHING
        for each in order:
            running = updated(running, [each, each], now_ms=NOW_MS).running
        again = updated(running, order, now_ms=NOW_MS)
        assert (running.value, again.running, again.applied) == (value, running, 0)
        assert again.repeated == len(order)


def test_what_is_older_than_anything_that_can_come_is_kept_as_a_sum() -> None:
    running = updated(NOTHING, TEN_FIVE_THREE, now_ms=NOW_MS).running
    later = updated(
        running, [change(KEPT_MS + 9, Operation.INCREMENT, 1)], now_ms=NOW_MS + KEPT_MS + 9
    )
    assert (later.running.value, len(later.running.updates)) == (13, 1)
    late = updated(later.running, TEN_FIVE_THREE, now_ms=NOW_MS)
    assert late.running.value == 13
    assert [each.place for each in late.too_late] == [each.place for each in TEN_FIVE_THREE[:2]]
    assert late.repeated == 1


def test_a_value_that_is_changed_all_day_fits_its_item_and_is_exact() -> None:
    rng = random.Random(1)
    changes = [change(number, Operation.INCREMENT, rng.randint(1, 9)) for number in range(5000)]
    running = NOTHING
    for at in range(0, 5000, 500):
        running = updated(running, changes[at : at + 500], now_ms=NOW_MS).running
    assert running.value == sum(each.value for each in changes)
    assert len(running.updates) < 2100


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"operation": "double"}, "/operation"),
        ({"operation": "calculate"}, "/calculate"),
        ({"operation": "calculate", "calculate": {"field": "other"}}, "/calculate"),
        ({"operation": "calculate", "calculate": {"op": "power", "of": [1, 2]}}, "/calculate"),
        ({"operation": "calculate", "calculate": "current * 2"}, "/calculate"),
        ({"operation": "set", "value": None, "values": [1, 2]}, "/values"),
        ({"operation": "increment", "value": None}, "/value"),
    ],
)
def test_an_update_that_says_nothing_is_refused_by_its_member(
    members: dict[str, object], pointer: str
) -> None:
    with pytest.raises(Poison) as refused:
        read_point({"name": "a", "ts": NOW_MS, "value": 1, **members})
    assert refused.value.errors[0].pointer == pointer


def test_a_formula_has_a_bounded_size() -> None:
    deep: object = 1
    for _ in range(40):
        deep = {"op": "add", "of": [deep, 1]}
    with pytest.raises(ValueError, match="at most 32 nodes"):
        read_formula(deep, ())
    with pytest.raises(ValueError, match="at most 32 nodes"):
        read_formula({"op": "add", "of": [1] * 40}, ())
