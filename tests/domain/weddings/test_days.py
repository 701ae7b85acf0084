"""Days of a zone as instants."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from tests.builders import utc
from wedsync.weddings.days import day_at, days_between


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        ("Europe/Madrid", "2026-03-29T12:00", 23),
        ("Europe/Madrid", "2026-10-25T12:00", 25),
        ("Europe/Madrid", "2026-06-20T12:00", 24),
        ("Australia/Lord_Howe", "2026-04-04T20:00", 24.5),
        ("Asia/Kathmandu", "2026-06-20T12:00", 24),
    ],
)
def test_a_day_is_as_long_as_the_zone_makes_it(zone: str, at: str, hours: float) -> None:
    day = day_at(zone, utc(at))
    assert day.end - day.start == timedelta(hours=hours)
    assert day.end_minute - day.first_minute == hours * 60
    assert day.start <= utc(at) < day.end


def test_days_follow_each_other_without_a_gap() -> None:
    days = list(days_between("Europe/Madrid", utc("2026-10-20T00:00"), utc("2026-10-30T00:00")))
    assert [day.date.day for day in days] == list(range(20, 31))
    assert all(one.end == two.start for one, two in pairwise(days))


def test_an_end_is_exclusive() -> None:
    days = list(days_between("UTC", utc("2026-06-20T00:00"), utc("2026-06-21T00:00")))
    assert [day.date for day in days] == [date(2026, 6, 20)]


def test_a_date_that_a_zone_left_out_has_no_day() -> None:
    days = list(days_between("Pacific/Apia", utc("2011-12-29T00:00"), utc("2012-01-01T00:00")))
    assert [day.date.day for day in days] == [28, 29, 31, 1]
