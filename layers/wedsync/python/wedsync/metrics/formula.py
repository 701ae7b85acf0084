"""Arithmetic that is told as a tree: of numbers, of what has a name, and of operators over both.

``{"op": "multiply", "of": [{"field": "value"}, 0.001]}``. No text is ever parsed for it, and a tree
has at most :data:`MOST_NODES` nodes, so that it costs what its reader can foresee.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from wedsync.metrics.point import LARGEST_VALUE

MOST_NODES = 32


class Operator(StrEnum):
    """What is done with the parts of a node, from the first to the last."""

    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    MINIMUM = "min"
    MAXIMUM = "max"


@dataclass(frozen=True, slots=True)
class Field:
    """What has this name where the tree is worked out."""

    name: str


@dataclass(frozen=True, slots=True)
class Applied:
    """An operator over two parts or more."""

    op: Operator
    of: "tuple[Formula, ...]"


Formula = float | Field | Applied


def fields_of(formula: Formula) -> frozenset[str]:
    """The names that it needs."""
    return frozenset(each.name for each in _nodes(formula) if isinstance(each, Field))


def _nodes(formula: Formula) -> Iterator[Formula]:
    yield formula
    if isinstance(formula, Applied):
        for each in formula.of:
            yield from _nodes(each)


def read_formula(value: object, names: Collection[str] | None) -> Formula:
    """The tree that JSON told. Raises ValueError, which says what is wrong and is shown.

    ``names`` are those that it may use; None: any, as its owner checks them.
    """
    formula = _read(value, names, depth=0)
    if sum(1 for _ in _nodes(formula)) > MOST_NODES:
        raise ValueError(f"a formula has at most {MOST_NODES} nodes")
    return formula


def _read(value: object, names: Collection[str] | None, *, depth: int) -> Formula:
    if depth > MOST_NODES:
        raise ValueError(f"a formula has at most {MOST_NODES} nodes")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
            raise ValueError("a number of a formula is at most 1e15 either way")
        return float(value)
    if not isinstance(value, dict):
        raise ValueError("a part of a formula is a number, a field or an operator")
    if set(value) == {"field"} and isinstance(value["field"], str):
        if names is not None and value["field"] not in names:
            raise ValueError(f"a formula's field is one of {', '.join(sorted(names))}")
        return Field(value["field"])
    if set(value) == {"op", "of"} and isinstance(value["of"], list) and len(value["of"]) >= 2:
        if value["op"] not in list(Operator):
            raise ValueError(f"a formula's op is one of {', '.join(Operator)}")
        of = tuple(_read(each, names, depth=depth + 1) for each in value["of"])
        return Applied(Operator(value["op"]), of)
    raise ValueError("a part of a formula is {field} or {op, of: two parts or more}")


def told(formula: Formula) -> object:
    """The tree as JSON tells it."""
    match formula:
        case Field(name):
            return {"field": name}
        case Applied(op, of):
            return {"op": op.value, "of": [told(each) for each in of]}
        case number:
            return number
