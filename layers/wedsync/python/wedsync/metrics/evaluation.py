"""Trees that callers told, worked out over columns: conditions and formulas.

The trees stand apart from this (:mod:`wedsync.metrics.condition`, :mod:`wedsync.metrics.formula`):
whoever only takes them in needs no columns.
"""

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np

from wedsync.metrics.condition import (
    Among,
    Bound,
    Compared,
    Condition,
    Every,
    Not,
    Present,
    Some,
    Texts,
)
from wedsync.metrics.formula import Applied, Field, Formula, Operator
from wedsync.metrics.histogram import Bools, Floats

_COMPARED: Mapping[Bound, Callable[[Floats, float], Bools]] = {
    Bound.ABOVE: np.greater,
    Bound.BELOW: np.less,
    Bound.AT_LEAST: np.greater_equal,
    Bound.AT_MOST: np.less_equal,
}
_NUMERIC: Mapping[Operator, Callable[[Floats, Floats], Floats]] = {
    Operator.ADD: np.add,
    Operator.SUBTRACT: np.subtract,
    Operator.MULTIPLY: np.multiply,
    Operator.DIVIDE: np.divide,
    Operator.MINIMUM: np.minimum,
    Operator.MAXIMUM: np.maximum,
}


def holds(condition: Condition, texts: Texts, value: Floats) -> Bools:
    """For which of a series' values the condition holds."""
    match condition:
        case Among(field, wanted):
            return np.full(len(value), texts.get(field) in wanted)
        case Present(field, is_present):
            return np.full(len(value), (field in texts) == is_present)
        case Compared(bound, number):
            return _COMPARED[bound](value, number)
        case Every(of):
            return reduce(np.logical_and, (holds(each, texts, value) for each in of))
        case Some(of):
            return reduce(np.logical_or, (holds(each, texts, value) for each in of))
        case Not(of):
            return ~holds(of, texts, value)


def evaluate(formula: Formula, names: Mapping[str, Floats], *, length: int) -> Floats:
    """The column that the tree amounts to; NaN or infinite where it amounts to nothing."""
    match formula:
        case Field(name):
            return names[name]
        case Applied(op, of):
            parts = [evaluate(each, names, length=length) for each in of]
            with np.errstate(all="ignore"):
                return reduce(_NUMERIC[op], parts)
        case number:
            return np.full(length, number, np.float64)
