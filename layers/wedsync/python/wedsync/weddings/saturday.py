"""Which kind of day it is for a wedding: Saturday, weekend, or its own."""

from collections.abc import Iterable
from datetime import date, datetime

from wedsync.weddings.calendar import local_date
from wedsync.weddings.model import Status, Wedding
from wedsync.weddings.timeline import operational_window, status

SATURDAY = 5
SUNDAY = 6


def is_saturday(wedding: Wedding, at: datetime | None) -> bool:
    """Whether something about this wedding, sampled at this instant, happened on a Saturday.

    Either the venue's own weekday was Saturday, or the wedding is dated on a Saturday and the
    sample lies in its window (a party past midnight). What has no time of its own, ``None``, is
    judged by the wedding's date alone.
    """
    dated_saturday = _weekday(wedding.date) == SATURDAY
    if at is None:
        return dated_saturday
    if is_saturday_at_venue(wedding, at):
        return True
    return dated_saturday and operational_window(wedding).contains(at)


def is_saturday_at_venue(wedding: Wedding, at: datetime) -> bool:
    """Whether the venue's own weekday is Saturday."""
    return _weekday(local_date(wedding, at)) == SATURDAY


def is_weekend(wedding: Wedding, at: datetime) -> bool:
    """Whether the venue's own weekday is Saturday or Sunday."""
    return _weekday(local_date(wedding, at)) in {SATURDAY, SUNDAY}


def is_wedding_day(wedding: Wedding, at: datetime) -> bool:
    """Whether it is the wedding's own day, on any weekday."""
    return status(wedding, at) is Status.TODAY


def is_saturday_for_some(weddings: Iterable[Wedding], at: datetime) -> bool:
    """Whether a platform-wide alert falls on a Saturday: of a wedding that is under way today."""
    return any(is_saturday_at_venue(w, at) and is_wedding_day(w, at) for w in weddings)


def _weekday(day: date) -> int:
    return day.weekday()
