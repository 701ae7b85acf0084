"""Calendar days of a zone, as the instants between which they lie.

A day has 24 hours but where clocks change in it: then 23 or 25, or half an hour more or less on
Lord Howe Island. A date that a zone left out has no day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wedsync.weddings.calendar import day_exists, day_start, local_date

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LocalDay:
    """One date in a zone: from ``start`` up to ``end``, exclusive, both UTC."""

    date: date
    start: datetime
    end: datetime

    @property
    def first_minute(self) -> int:
        """The epoch minute that it begins with."""
        return int(self.start.timestamp()) // 60

    @property
    def end_minute(self) -> int:
        """The epoch minute that it ends before."""
        return int(self.end.timestamp()) // 60


def day_at(zone: str, at: datetime) -> LocalDay:
    """The day that holds this instant. ValueError for what is no zone."""
    return _day(zone, local_date(zone, at))


def days_between(zone: str, start: datetime, end: datetime) -> Iterator[LocalDay]:
    """The days that lie in part or whole between two instants, the second exclusive."""
    day = local_date(zone, start)
    last = local_date(zone, end - timedelta(microseconds=1))
    while day <= last:
        if day_exists(zone, day):
            yield _day(zone, day)
        day += _ONE


def _day(zone: str, day: date) -> LocalDay:
    return LocalDay(day, day_start(zone, day), day_start(zone, day + _ONE))
