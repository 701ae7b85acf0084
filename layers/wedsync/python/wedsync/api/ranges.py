"""Ranges of time in queries: ``timeRange=24h``, or ``from`` and ``to``."""

import re
from datetime import datetime, timedelta

from wedsync.errors import Invalid

_RANGE = re.compile(r"([1-9]\d{0,4})([mhdw])\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def time_range(
    *, text: str | None, start: datetime | None, end: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """Start and end. Raises Invalid where they contradict each other or make no sense."""
    if text is not None:
        if start is not None or end is not None:
            raise Invalid.field("timeRange", "contradiction", "either timeRange or from and to")
        match = _RANGE.match(text)
        if match is None:
            raise Invalid.field("timeRange", "not-a-range", "such as 30m, 24h, 7d or 4w")
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])}), now
    if start is None:
        raise Invalid.field("from", "missing", "timeRange, or from with or without to")
    until = end or now
    if until <= start:
        raise Invalid.field("to", "before-start", "to lies after from")
    return start, until
