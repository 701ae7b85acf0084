"""Conditions on points, told as a tree: ``{"not": {"field": "dims.service", "equals": "rsvp"}}``.

No text is ever parsed for it. A tree has at most :data:`MOST_NODES` nodes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wedsync.metrics.point import LARGEST_VALUE

MOST_NODES = 32
MOST_TEXTS = 100
_LONGEST_TEXT = 256
VALUE = "value"
DIMS = "dims."
_FIELDS = (VALUE, "name", "weddingId", "vendorId", "source")

Texts = Mapping[str, str]
"""What a series is named by, by field; what it does not have is left out."""


class Bound(StrEnum):
    """How a value is compared."""

    ABOVE = "above"
    BELOW = "below"
    AT_LEAST = "atLeast"
    AT_MOST = "atMost"


@dataclass(frozen=True, slots=True)
class Among:
    """The field holds one of these texts."""

    field: str
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Present:
    """The series has the field, or has it not."""

    field: str
    is_present: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """The value lies on this side of a number."""

    bound: Bound
    number: float


@dataclass(frozen=True, slots=True)
class Every:
    """All of them hold."""

    of: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """One of them holds at least."""

    of: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    of: "Condition"


Condition = Among | Present | Compared | Every | Some | Not


def is_field(name: object) -> bool:
    """Whether points have such a field."""
    return isinstance(name, str) and (
        name in _FIELDS or (name.startswith(DIMS) and len(DIMS) < len(name) <= _LONGEST_TEXT)
    )


def read_condition(value: object) -> Condition:
    """The tree that JSON told. Raises ValueError, which says what is wrong and is shown."""
    condition = _read(value, depth=0)
    if sum(1 for _ in _nodes(condition)) > MOST_NODES:
        raise ValueError(f"a condition has at most {MOST_NODES} nodes")
    return condition


def _nodes(condition: Condition) -> Iterator[Condition]:
    yield condition
    if isinstance(condition, Every | Some):
        for each in condition.of:
            yield from _nodes(each)
    if isinstance(condition, Not):
        yield from _nodes(condition.of)


def _read(value: object, *, depth: int) -> Condition:
    if depth > MOST_NODES:
        raise ValueError(f"a condition has at most {MOST_NODES} nodes")
    if not isinstance(value, dict):
        raise ValueError("a condition is an object")
    match value:
        case {"all": [_, *_] as of} if len(value) == 1:
            return Every(tuple(_read(each, depth=depth + 1) for each in of))
        case {"any": [_, *_] as of} if len(value) == 1:
            return Some(tuple(_read(each, depth=depth + 1) for each in of))
        case {"not": of} if len(value) == 1:
            return Not(_read(of, depth=depth + 1))
        case {"field": field} if len(value) == 2:
            if not is_field(field):
                raise ValueError(f"a field is one of {', '.join(_FIELDS)}, or dims.<name>")
            (op,) = value.keys() - {"field"}
            return _leaf(field, op, value[op])
    raise ValueError("a condition is {all}, {any}, {not}, or {field} with one comparison")


def _leaf(field: str, op: object, wanted: object) -> Condition:
    if field == VALUE:
        if (
            op in list(Bound)
            and isinstance(wanted, int | float)
            and not isinstance(wanted, bool)
            and -LARGEST_VALUE <= wanted <= LARGEST_VALUE
        ):
            return Compared(Bound(str(op)), float(wanted))
        raise ValueError(f"a value is compared by one of {', '.join(Bound)} with a number")
    if op == "exists" and isinstance(wanted, bool):
        return Present(field, wanted)
    texts = [wanted] if op == "equals" else wanted if op == "in" else None
    if not isinstance(texts, list) or not 1 <= len(texts) <= MOST_TEXTS:
        raise ValueError(f"{field} is compared by equals a text, in several texts, or exists")
    if not all(isinstance(each, str) and len(each) <= _LONGEST_TEXT for each in texts):
        raise ValueError(f"{field} is compared with texts of at most {_LONGEST_TEXT} characters")
    return Among(field, frozenset(texts))
