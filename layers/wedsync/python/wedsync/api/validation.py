"""A validator's findings in the words of our errors."""

from collections.abc import Mapping, Sequence

from wedsync.errors import FieldError, member_pointer


def fields_of_validation(errors: Sequence[Mapping[str, object]]) -> tuple[FieldError, ...]:
    """A validator's errors as field errors: body members by JSON pointer, others by name."""
    fields = []
    for error in errors:
        location = error.get("loc", ())
        parts = [str(part) for part in location] if isinstance(location, tuple | list) else []
        fields.append(
            FieldError(
                pointer=_pointer(parts),
                code=str(error.get("type", "invalid")).replace("_", "-"),
                detail=str(error.get("msg", "not valid")).removeprefix("Value error, "),
            )
        )
    return tuple(fields)


def _pointer(location: list[str]) -> str:
    if location[:1] == ["body"]:
        return "".join(member_pointer(part) for part in location[1:])
    return "/".join(location[1:]) if len(location) > 1 else "/".join(location)
