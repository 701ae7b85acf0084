"""When a wedding is operational, from its timeline, and where it stands against that."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from wedsync.weddings.calendar import instant, local_date
from wedsync.weddings.model import Status, TimelineItem, TimelineKind, Wedding

MARGIN = timedelta(hours=2)
DAY_OPENS = time(6)
DAY_CLOSES = time(3)  # on the next day
_WHOLE_DAY = timedelta(hours=21)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A span of time; both ends belong to it."""

    start: datetime
    end: datetime

    def contains(self, at: datetime) -> bool:
        """Whether the instant lies in it."""
        return self.start <= at <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationalWindow:
    """When a wedding is under way: disjoint intervals in order, at least one."""

    intervals: tuple[Interval, ...]

    def __post_init__(self) -> None:
        if not self.intervals:
            raise ValueError("an operational window has at least one interval")

    @property
    def start(self) -> datetime:
        """When it opens for the first time."""
        return self.intervals[0].start

    @property
    def end(self) -> datetime:
        """When it closes for good."""
        return self.intervals[-1].end

    def contains(self, at: datetime) -> bool:
        """Whether it is open at this instant; a gap between two parts is not open."""
        return any(interval.contains(at) for interval in self.intervals)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether it is open at any instant from ``start`` to ``end``."""
        return any(part.start <= end and start <= part.end for part in self.intervals)

    def opens_next(self, at: datetime) -> datetime | None:
        """Next opening after this instant, if there is one."""
        return next((part.start for part in self.intervals if part.start > at), None)


def ceremony_start(wedding: Wedding) -> datetime | None:
    """Earliest item of kind ceremony, else the earliest item, else nothing is planned."""
    ceremonies = [i.starts_at for i in wedding.timeline if i.kind is TimelineKind.CEREMONY]
    return min(ceremonies or [item.starts_at for item in wedding.timeline], default=None)


def operational_window(wedding: Wedding) -> OperationalWindow:
    """From two hours before the ceremony to two hours after the latest end, plus every event.

    Without a timeline the venue's day from 06:00 to 03:00 stands in, as it is. The events of a
    wedding of several days are each widened by the same two hours and joined to it.
    """
    parts = [_main_part(wedding)]
    parts += [_widened(event.starts_at, event.ends_at) for event in wedding.events]
    return OperationalWindow(intervals=_joined(parts))


def status(wedding: Wedding, now: datetime) -> Status:
    """``today`` on the venue's own date or while the window is open; then ``completed``.

    Between two parts of a wedding of several days, on a date that is not the wedding's, more is
    to come: that is ``planning``. Once completed it stays completed.
    """
    window = operational_window(wedding)
    today = local_date(wedding, now)
    if today == wedding.date or window.contains(now):
        return Status.TODAY
    if now > window.end and today > wedding.date:
        return Status.COMPLETED
    return Status.PLANNING


def _main_part(wedding: Wedding) -> Interval:
    ceremony = ceremony_start(wedding)
    if ceremony is not None:
        return _widened(ceremony, max(_end_of(item) for item in wedding.timeline))
    opens = instant(wedding, datetime.combine(wedding.date, DAY_OPENS))
    next_day = wedding.date + timedelta(days=1)
    closes = instant(wedding, datetime.combine(next_day, DAY_CLOSES))
    # Only where the calendar skipped the date itself does its 06:00 fall after the next 03:00.
    return Interval(start=opens, end=closes if closes > opens else opens + _WHOLE_DAY)


def _widened(start: datetime, end: datetime) -> Interval:
    # In UTC, because two hours are two hours also across a clock change.
    opens, closes = start.astimezone(UTC), max(start, end).astimezone(UTC)
    return Interval(start=opens - MARGIN, end=closes + MARGIN)


def _end_of(item: TimelineItem) -> datetime:
    return item.starts_at if item.ends_at is None else item.ends_at


def _joined(parts: list[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for part in sorted(parts, key=lambda part: part.start):
        if joined and part.start <= joined[-1].end:
            last = joined.pop()
            joined.append(Interval(start=last.start, end=max(last.end, part.end)))
        else:
            joined.append(part)
    return tuple(joined)
