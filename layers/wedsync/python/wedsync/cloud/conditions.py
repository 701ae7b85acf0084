"""What must be true of the stored item for a write to happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from wedsync.cloud.values import Attribute


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing (that has not expired) is stored under this key."""


@dataclass(frozen=True, slots=True)
class Equals:
    """The stored attribute has exactly this value."""

    name: str
    value: Attribute


@dataclass(frozen=True, slots=True)
class LessThan:
    """The stored attribute is of the same type and smaller; also true where nothing is stored."""

    name: str
    value: Attribute


Condition: TypeAlias = Absent | Equals | LessThan


def holds(condition: Condition | None, stored: Mapping[str, Attribute] | None) -> bool:
    """Whether a write on this condition happens; ``stored`` is None where nothing is stored."""
    match condition:
        case None:
            return True
        case Absent():
            return stored is None
        case Equals(name, value):
            return stored is not None and _same(stored.get(name), value)
        case LessThan(name, value):
            return stored is None or _smaller(stored.get(name), value)
        case _:
            assert_never(condition)


def _same(stored: Attribute | None, value: Attribute) -> bool:
    match stored, value:
        case (str(), str()) | (int(), int()) | (bytes(), bytes()):
            return stored == value
        case _:
            return False


def _smaller(stored: Attribute | None, value: Attribute) -> bool:
    match stored, value:
        case str(), str():
            return stored.encode() < value.encode()
        case int(), int():
            return stored < value
        case bytes(), bytes():
            return stored < value
        case _:
            return False
