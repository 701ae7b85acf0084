"""What all bodies share: camelCase members, unknown ones refused, times as RFC 3339."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from wedsync.errors import FieldError, Invalid, member_pointer
from wedsync.spelling import did_you_mean

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?\Z"
)
_SPACE_FOR_PLUS = re.compile(r" (?=[0-9]{2}:[0-9]{2}\Z)")
_YEARS = range(1970, 2201)


class Request(BaseModel):
    """A body that a caller sends."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=False, extra="forbid", strict=True
    )

    example: ClassVar[Mapping[str, object] | None] = None
    """A small body, told to whoever sends none."""


FRESHNESS = frozenset({"asOf", "cacheHit", "executionTime", "dataQuality"})
"""What every answer to a GET has beside the thing itself."""


def _with_read_only(schema: JsonDict, model: type[BaseModel]) -> None:
    """Name what a body's reader ignores, as members that are only read."""
    if issubclass(model, ReadBack):
        properties = cast("JsonDict", schema.setdefault("properties", {}))
        properties |= {name: {"readOnly": True} for name in sorted(model.ignored())}


class ReadBack(Request):
    """A body that may be what a GET of the same thing answered.

    What only the server makes (``server_made``, by the names on the wire, and how fresh and good
    the answer was) is left out of it before it is looked at. Other members are refused as ever.
    """

    model_config = ConfigDict(json_schema_extra=_with_read_only)

    server_made: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _without_what_the_server_makes(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        ignored = cls.ignored()
        return {name: each for name, each in given.items() if name not in ignored}

    @classmethod
    def ignored(cls) -> frozenset[str]:
        """The members that are left out."""
        return FRESHNESS | cls.server_made


class PartReadBack(ReadBack):
    """A part of such a body: how fresh the answer was stands outside of it."""

    @classmethod
    def ignored(cls) -> frozenset[str]:
        """The members that are left out."""
        return cls.server_made


def require_unchanged(
    given: Mapping[str, object],
    current: Mapping[str, object],
    *,
    moving: Collection[str] = (),
    settable: Collection[str],
) -> None:
    """Refuse members that cannot be set, unless they are what a GET tells of them.

    ``moving`` are those that change by themselves, and are ignored whatever they say;
    ``settable`` those that may be meant where a name is misspelt. Raises Invalid.
    """
    wrong = [
        FieldError(
            pointer=member_pointer(name),
            code="extra-forbidden",
            detail=(
                "cannot be changed"
                if name in current
                else f"no such member{did_you_mean(name, settable)}"
            ),
        )
        for name, value in sorted(given.items())
        if name not in FRESHNESS
        and name not in moving
        and (name not in current or value != current[name])
    ]
    if wrong:
        raise Invalid.fields(wrong)


class Reply(BaseModel):
    """A body that a caller is given."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


def _only_date(value: object) -> object:
    if isinstance(value, str) and _DATE.match(value):
        return date.fromisoformat(value)
    raise ValueError("a calendar date such as 2026-06-20")


def _only_time(value: object) -> object:
    if isinstance(value, str) and _TIME.match(value):
        return datetime.fromisoformat(value)
    raise ValueError("a time such as 2026-06-20T16:00:00+02:00")


def _only_instant(value: object) -> object:
    if isinstance(value, str):
        # A plus sign that nobody encoded arrives as a space, where no other may stand.
        value = _SPACE_FOR_PLUS.sub("+", value)
    at = _only_time(value)
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("a time with its offset, such as 2026-06-20T16:00:00Z")
    if at.year not in _YEARS:
        raise ValueError(f"the year lies from {_YEARS[0]} to {_YEARS[-1]}")
    return at.astimezone(UTC)


LocalDate = Annotated[date, BeforeValidator(_only_date)]
"""A calendar date, without a time."""

Time = Annotated[datetime, BeforeValidator(_only_time)]
"""RFC 3339, or the venue's wall time where there is no offset."""

Instant = Annotated[datetime, BeforeValidator(_only_instant)]
"""RFC 3339 with an offset; becomes UTC."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A short text."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
"""A short text that says something: not white space alone."""

Text = Annotated[str, StringConstraints(max_length=4000)]
"""A longer text."""
