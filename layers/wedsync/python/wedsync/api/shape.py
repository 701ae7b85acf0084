"""What all bodies share: camelCase members, unknown ones refused, times as RFC 3339."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

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
