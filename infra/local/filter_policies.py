"""SNS filter policies on message attributes: which subscriber wants which message.

Attributes are joined by *and*, the conditions of one attribute by *or*. A condition is an exact
text or number, ``prefix``, ``suffix``, ``equals-ignore-case``, ``anything-but`` (values or a
prefix or suffix), ``numeric`` (comparisons, or a range of two) or ``exists``; ``$or`` holds
alternative policies. Text and numbers never equal each other.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

Attributes: TypeAlias = Mapping[str, str | int]
_Test: TypeAlias = Callable[[str | int | None], bool]

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class FilterPolicy:
    """A policy that was read once, to be asked often."""

    def __init__(self, policy: object) -> None:
        """Raises ValueError where SNS would refuse the policy."""
        if not isinstance(policy, Mapping):
            raise ValueError("a filter policy is an object")
        self._alternatives: list[list[FilterPolicy]] = []
        self._tests: dict[str, list[_Test]] = {}
        for name, conditions in policy.items():
            if not isinstance(conditions, list) or not conditions:
                raise ValueError(f"{name} needs a list of conditions")
            if name == "$or":
                self._alternatives.append([FilterPolicy(one) for one in conditions])
            else:
                self._tests[str(name)] = [_test(condition) for condition in conditions]

    def accepts(self, attributes: Attributes) -> bool:
        """Whether a message with these attributes is delivered."""
        wanted = all(
            any(test(attributes.get(name)) for test in tests) for name, tests in self._tests.items()
        )
        return wanted and all(
            any(policy.accepts(attributes) for policy in policies)
            for policies in self._alternatives
        )


def _test(condition: object) -> _Test:
    if isinstance(condition, str | int | float) and not isinstance(condition, bool):
        return lambda value: _same(value, condition)
    if not isinstance(condition, Mapping) or len(condition) != 1:
        raise ValueError(f"{condition!r} is no condition")
    ((operation, operand),) = condition.items()
    match operation, operand:
        case "exists", bool():
            return lambda value: (value is not None) == operand
        case "anything-but", _:
            refused = _refused(operand)
            return lambda value: value is not None and not any(test(value) for test in refused)
        case "numeric", list():
            return _numeric(operand)
        case _, str() if operand:
            return _textual(str(operation), operand)
        case _:
            raise ValueError(f"{condition!r} is no condition")


def _refused(operand: object) -> list[_Test]:
    match operand:
        case {"prefix": str(text)} if text:
            return [_textual("prefix", text)]
        case {"suffix": str(text)} if text:
            return [_textual("suffix", text)]
        case list() if operand and all(_is_plain(value) for value in operand):
            return [_test(value) for value in operand]
        case _ if _is_plain(operand):
            return [_test(operand)]
        case _:
            raise ValueError("anything-but takes values, or one prefix or suffix")


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _textual(operation: str, text: str) -> _Test:
    match operation:
        case "prefix":
            return lambda value: isinstance(value, str) and value.startswith(text)
        case "suffix":
            return lambda value: isinstance(value, str) and value.endswith(text)
        case "equals-ignore-case":
            return lambda value: isinstance(value, str) and value.casefold() == text.casefold()
        case _:
            raise ValueError(f"{operation} is no condition")


def _numeric(operand: Sequence[object]) -> _Test:
    pairs = list(zip(operand[::2], operand[1::2], strict=False))
    operators = [name for name, _ in pairs]
    range_of_two = len(pairs) == 2 and operators[0] in (">", ">=") and operators[1] in ("<", "<=")
    if len(operand) % 2 or not (len(pairs) == 1 or range_of_two):
        raise ValueError("numeric takes one comparison, or a lower bound and an upper one")
    limits: list[tuple[Callable[[float, float], bool], float]] = []
    for name, number in pairs:
        holds = _COMPARISONS.get(str(name))
        if holds is None or isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(f"{name!r} {number!r} is no comparison")
        limits.append((holds, number))
    return lambda value: (
        isinstance(value, int) and all(holds(value, number) for holds, number in limits)
    )


def _same(value: str | int | None, wanted: str | float) -> bool:
    if value is None or isinstance(value, str) != isinstance(wanted, str):
        return False
    return value == wanted
