"""A validator's findings in the words of our errors."""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from wedsync.errors import FieldError, Invalid, member_pointer
from wedsync.spelling import did_you_mean, one_of

_Context = Mapping[str, object]
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")
_SOMETHING = r"\S"


def refused(errors: Sequence[Mapping[str, object]], *, example: object | None = None) -> Invalid:
    """The refusal of a request for these errors; its detail is the first one, with its place.

    Members of a body are named by JSON pointer, parameters by their names. ``example``: a body,
    for who sent none.
    """
    if any(each.get("type") == "missing" and _location(each) == ["body"] for each in errors):
        such = "" if example is None else f", such as {json.dumps(example)}"
        return Invalid.field("", "missing", f"a body is required{such}")
    return Invalid.fields(_fields(errors))


def _fields(errors: Sequence[Mapping[str, object]]) -> tuple[FieldError, ...]:
    lacking = [_location(error) for error in errors if error.get("type") == "missing"]
    fields = []
    for error in errors:
        location = _location(error)
        beside = [each[-1] for each in lacking if each[:-1] == location[:-1]]
        fields.append(
            FieldError(
                pointer=_pointer(location),
                code=str(error.get("type", "invalid")).replace("_", "-"),
                detail=_detail(error, location, beside),
            )
        )
    return tuple(fields)


def _location(error: Mapping[str, object]) -> list[str]:
    location = error.get("loc", ())
    return [str(part) for part in location] if isinstance(location, tuple | list) else []


def _pointer(location: list[str]) -> str:
    if location[:1] == ["body"]:
        return "".join(member_pointer(part) for part in location[1:])
    return "/".join(location[1:]) if len(location) > 1 else "/".join(location)


def _detail(error: Mapping[str, object], location: list[str], lacking: Sequence[str]) -> str:
    """What is wrong, short and uniform, whatever the validator calls it."""
    kind = str(error.get("type", ""))
    context = error.get("ctx")
    told: _Context = context if isinstance(context, dict) else {}
    if kind == "value_error":  # our own words
        return str(error.get("msg", "")).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        name = location[-1] if location else ""
        return f"no such member{did_you_mean(name, lacking)}"
    if kind in ("enum", "literal_error"):
        return one_of(error.get("input"), _QUOTED.findall(str(told.get("expected", ""))))
    says = _SAYS.get(kind)
    return "is not valid" if says is None else says(told)


def _plain(text: str) -> Callable[[_Context], str]:
    return lambda _: text


def _most_length(context: _Context) -> str:
    return f"must be a string of at most {context.get('max_length')} characters"


def _least_length(context: _Context) -> str:
    least = context.get("min_length")
    return "must not be empty" if least == 1 else f"must have at least {least} characters"


def _pattern(context: _Context) -> str:
    pattern = context.get("pattern")
    return "must not be empty" if pattern == _SOMETHING else f"must match {pattern}"


def _most_items(context: _Context) -> str:
    return f"must have at most {context.get('max_length')} items"


def _least_items(context: _Context) -> str:
    least = context.get("min_length")
    return "must have at least one item" if least == 1 else f"must have at least {least} items"


_STRING = _plain("must be a string")
_WHOLE = _plain("must be a whole number")
_NUMBER = _plain("must be a number")
_SWITCH = _plain("must be true or false")
_ARRAY = _plain("must be an array")
_OBJECT = _plain("must be an object")
_SAYS: Mapping[str, Callable[[_Context], str]] = {
    "missing": _plain("is required"),
    "none_required": _plain("must be null"),
    "string_type": _STRING,
    "string_unicode": _plain("must be a string of Unicode characters"),
    "string_too_long": _most_length,
    "string_too_short": _least_length,
    "string_pattern_mismatch": _pattern,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": _plain("must be a whole number of fewer digits"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _plain("must be a finite number"),
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "list_type": _ARRAY,
    "tuple_type": _ARRAY,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "too_long": _most_items,
    "too_short": _least_items,
    "greater_than_equal": lambda context: f"must be at least {context.get('ge')}",
    "greater_than": lambda context: f"must be more than {context.get('gt')}",
    "less_than_equal": lambda context: f"must be at most {context.get('le')}",
    "less_than": lambda context: f"must be less than {context.get('lt')}",
    "json_invalid": _plain("must be JSON"),
    "invalid_key": _plain("must be a string"),
}
