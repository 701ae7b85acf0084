"""Every zone there is, and every change of its clock from 2011 to 2027."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from wedsync.weddings.calendar import zone, zone_names

EVERY_ZONE = sorted(available_timezones() & zone_names())


@dataclass(frozen=True, kw_only=True)
class ClockChange:
    """``at`` is the first instant of the new offset."""

    zone: str
    at: datetime
    before: timedelta
    after: timedelta

    @property
    def wall_before(self) -> datetime:
        """What the clock would have shown at ``at``."""
        return (self.at + self.before).replace(tzinfo=None)

    @property
    def wall_after(self) -> datetime:
        """What it shows instead."""
        return (self.at + self.after).replace(tzinfo=None)

    @property
    def days(self) -> tuple[date, ...]:
        """The local dates around it."""
        first = min(self.wall_before, self.wall_after).date() - timedelta(days=1)
        return tuple(first + timedelta(days=n) for n in range(4))


@cache
def clock_changes() -> tuple[ClockChange, ...]:
    """All of them, found by looking every ten days and then to the second."""
    return tuple(change for name in EVERY_ZONE for change in _changes_of(name))


def _changes_of(name: str) -> list[ClockChange]:
    rules = zone(name)

    def offset(at: datetime) -> timedelta:
        return at.astimezone(rules).utcoffset() or timedelta()

    found = []
    low, low_offset = datetime(2011, 1, 1, tzinfo=UTC), offset(datetime(2011, 1, 1, tzinfo=UTC))
    while low.year < 2028:
        high = low + timedelta(days=10)
        high_offset = offset(high)
        if high_offset != low_offset:
            left, right = 0, 10 * 86_400
            while right - left > 1:
                middle = (left + right) // 2
                same = offset(low + timedelta(seconds=middle)) == low_offset
                left, right = (middle, right) if same else (left, middle)
            at = low + timedelta(seconds=right)
            found.append(ClockChange(zone=name, at=at, before=low_offset, after=offset(at)))
        low, low_offset = high, high_offset
    return found
