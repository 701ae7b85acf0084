"""The venue's clock: the one place where an instant becomes a local day, and back.

The zone rules are those of the ``tzdata`` that ships with the code, never the host's, so a test
and a deployed function agree on every clock change. Local times carry their offset as a fixed
one: Python compares two zones' wall times inside a repeated hour as unequal even when they are
the same instant, and adds hours to a wall time without regard for the clock change in between.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from wedsync.weddings.model import Venue, Wedding

_SECOND = timedelta(seconds=1)


@cache
def zone_names() -> frozenset[str]:
    """Every IANA zone name that a venue may have, spelt as IANA spells it.

    ``Factory`` is no place: it marks a machine whose zone was never set.
    """
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(names) - {"Factory"}


@cache
def zone(name: str) -> ZoneInfo:
    """Look up the rules of an IANA zone; any other name is a ValueError."""
    if name not in zone_names():
        raise ValueError(f"{name!r} is not an IANA time zone (such as 'Europe/London')")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def zone_of(place: Wedding | Venue | str) -> ZoneInfo:
    """Zone of a wedding, of a venue, or by name."""
    match place:
        case Wedding():
            return zone(place.venue.time_zone)
        case Venue():
            return zone(place.time_zone)
        case str():
            return zone(place)


def local(place: Wedding | Venue | str, at: datetime) -> datetime:
    """Wall time at the venue at this instant, with its offset."""
    if at.tzinfo is None:
        raise ValueError(f"an instant needs an offset: {at.isoformat()}")
    wall = at.astimezone(zone_of(place))
    return wall.replace(tzinfo=timezone(wall.utcoffset() or timedelta()), fold=0)


def local_date(place: Wedding | Venue | str, at: datetime) -> date:
    """Calendar date at the venue at this instant."""
    return local(place, at).date()


def instant(place: Wedding | Venue | str, at: datetime) -> datetime:
    """Turn a time with an offset, or the venue's wall time without one, into a UTC instant.

    A wall time that a clock change skips moves forward by what was skipped (02:30 becomes 03:30
    on the usual spring night); one that occurs twice means the first. Both are what reading the
    wall time by the offset before the change gives (``fold=0``, PEP 495). OverflowError at the very
    ends of the calendar, years 1 and 9999.
    """
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    return at.replace(tzinfo=zone_of(place), fold=0).astimezone(UTC)


def day_exists(place: Wedding | Venue | str, day: date) -> bool:
    """Whether the venue's calendar has this date: Apia went from 29 to 31 December 2011."""
    return local_date(place, day_start(place, day)) == day


def day_start(place: Wedding | Venue | str, day: date) -> datetime:
    """First instant whose local date is ``day``; for a date that was skipped, the next one's.

    Midnight itself where it exists; where a clock change skips it, the instant of the change.
    """
    midnight = datetime.combine(day, time())
    start = instant(place, midnight)
    if local(place, start).replace(tzinfo=None) == midnight:
        return start
    skipped = local(place, start).replace(tzinfo=None) - midnight
    before = start - skipped - _SECOND
    while start - before > _SECOND:
        middle = before + (start - before) // (2 * _SECOND) * _SECOND
        if local_date(place, middle) < day:
            before = middle
        else:
            start = middle
    return start
