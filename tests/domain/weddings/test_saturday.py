from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_wedding, at_venue, utc
from tests.domain.weddings.clock_changes import EVERY_ZONE
from wedsync.weddings.calendar import day_start, zone
from wedsync.weddings.saturday import (
    is_saturday,
    is_saturday_at_venue,
    is_saturday_for_some,
    is_wedding_day,
    is_weekend,
)

MOMENT = timedelta(microseconds=1)


def test_saturday_by_utc_is_sunday_at_a_venue_in_sydney() -> None:
    sunday_wedding = a_wedding(on=date(2025, 6, 8), zone="Australia/Sydney")
    at = utc("2025-06-07T23:30")
    assert at.strftime("%A") == "Saturday"
    assert not is_saturday(sunday_wedding, at)
    assert is_weekend(sunday_wedding, at)
    assert is_wedding_day(sunday_wedding, at)


@pytest.mark.parametrize(
    ("zone_name", "on", "at", "expected", "utc_weekday_would_say"),
    [
        # Friday by UTC, Saturday morning at the venue.
        ("Pacific/Auckland", "2025-06-07", "2025-06-06T20:00", True, False),
        ("Pacific/Kiritimati", "2025-06-07", "2025-06-06T10:00", True, False),
        # Sunday by UTC, Saturday evening at the venue.
        ("Pacific/Honolulu", "2025-06-07", "2025-06-08T04:00", True, False),
        ("America/Los_Angeles", "2025-06-07", "2025-06-08T06:59", True, False),
        # Saturday by UTC, still Friday, or already Sunday, at the venue of another weekday.
        ("America/New_York", "2025-06-06", "2025-06-07T02:00", False, True),
        ("Australia/Sydney", "2025-06-08", "2025-06-07T14:00", False, True),
        # The same weekday on both clocks.
        ("Europe/London", "2025-06-07", "2025-06-07T12:00", True, True),
        ("Europe/London", "2025-06-03", "2025-06-03T12:00", False, False),
    ],
)
def test_the_venues_weekday_decides_and_utc_would_be_wrong(
    zone_name: str, on: str, at: str, *, expected: bool, utc_weekday_would_say: bool
) -> None:
    wedding = a_wedding(on=date.fromisoformat(on), zone=zone_name)
    assert is_saturday(wedding, utc(at)) is expected
    assert (utc(at).strftime("%A") == "Saturday") is utc_weekday_would_say


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("2025-06-07T00:00", True),
        ("2025-06-07T23:59", True),
        ("2025-06-08T00:30", True),  # the party of a Saturday wedding, in its window
        ("2025-06-08T01:00", True),  # two hours after the end at 23:00, to the moment
        ("2025-06-08T01:01", False),
        ("2025-06-06T23:59", False),
    ],
)
def test_a_saturday_weddings_party_past_midnight_is_still_its_saturday(
    wall: str, *, expected: bool
) -> None:
    wedding = a_wedding(on=date(2025, 6, 7), zone="Europe/Paris", until="23:00")
    assert is_saturday(wedding, at_venue("Europe/Paris", wall)) is expected


def test_a_friday_weddings_party_past_midnight_is_on_a_saturday_by_the_venues_clock() -> None:
    wedding = a_wedding(on=date(2025, 6, 6), zone="Europe/Paris", until="02:00")
    assert is_saturday(wedding, at_venue("Europe/Paris", "2025-06-07T01:00"))
    assert not is_saturday(wedding, at_venue("Europe/Paris", "2025-06-06T23:00"))


@pytest.mark.parametrize(("on", "expected"), [("2025-06-07", True), ("2025-06-08", False)])
def test_what_has_no_time_of_its_own_is_judged_by_the_weddings_date(
    on: str, *, expected: bool
) -> None:
    assert is_saturday(a_wedding(on=date.fromisoformat(on)), None) is expected


def test_saturday_begins_and_ends_exactly_with_the_local_day_in_every_zone() -> None:
    first = date(2024, 1, 6)
    for name in EVERY_ZONE:
        wedding = a_wedding(on=date(2020, 1, 1), zone=name, ceremony=None)
        for week in range(0, 104, 2 if name.startswith("Etc/") else 1):
            saturday = first + timedelta(weeks=week)
            begins = day_start(name, saturday)
            ends = day_start(name, saturday + timedelta(days=1))
            assert not is_saturday_at_venue(wedding, begins - MOMENT), (name, saturday)
            assert is_saturday_at_venue(wedding, begins), (name, saturday)
            assert is_saturday_at_venue(wedding, ends - MOMENT), (name, saturday)
            assert not is_saturday_at_venue(wedding, ends), (name, saturday)


def test_apia_had_no_friday_before_the_last_saturday_of_2011() -> None:
    wedding = a_wedding(on=date(2011, 12, 31), zone="Pacific/Apia")
    assert not is_weekend(wedding, utc("2011-12-30T09:59"))  # Thursday the 29th
    assert is_saturday(wedding, utc("2011-12-30T10:00"))  # Saturday the 31st
    assert is_saturday(wedding, utc("2011-12-31T09:59"))
    assert not is_saturday_at_venue(wedding, utc("2011-12-31T10:00"))


def test_it_is_saturday_somewhere_for_50_hours_of_which_a_utc_test_misses_26() -> None:
    weddings = [a_wedding(on=date(2025, 6, 7), zone=name, ceremony="00:00") for name in EVERY_ZONE]
    half_hours = [utc("2025-06-05T00:00") + n * timedelta(minutes=30) for n in range(2 * 24 * 6)]
    somewhere = [at for at in half_hours if is_saturday_for_some(weddings, at)]
    assert somewhere[0] == utc("2025-06-06T10:00")
    assert somewhere[-1] + timedelta(minutes=30) == utc("2025-06-08T12:00")
    assert all(later - at == timedelta(minutes=30) for at, later in pairwise(somewhere))
    assert len(somewhere) == 2 * 50
    assert sum(at.strftime("%A") != "Saturday" for at in somewhere) == 2 * 26


def test_a_platform_wide_alert_needs_a_wedding_of_today_on_its_own_local_saturday() -> None:
    saturday, sunday, next_week = (
        a_wedding(on=date(2025, 6, day), zone="Australia/Sydney") for day in (7, 8, 14)
    )
    noon_saturday = at_venue("Australia/Sydney", "2025-06-07T12:00")
    noon_sunday = at_venue("Australia/Sydney", "2025-06-08T12:00")
    assert is_saturday_for_some([sunday, saturday], noon_saturday)
    assert not is_saturday_for_some([next_week], noon_saturday)  # Saturday, but nobody's day
    assert not is_saturday_for_some([sunday, saturday], noon_sunday)
    assert not is_saturday_for_some([], noon_saturday)


@given(
    name=st.sampled_from(EVERY_ZONE),
    at=st.datetimes(
        min_value=datetime(2012, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2060, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.just(UTC),
    ),
)
@settings(max_examples=200, deadline=None)
def test_the_weekend_is_what_a_wall_clock_at_the_venue_calls_saturday_or_sunday(
    name: str, at: datetime
) -> None:
    wedding = a_wedding(on=date(2000, 1, 1), zone=name)
    assert is_weekend(wedding, at) is (
        at.astimezone(zone(name)).strftime("%A") in {"Saturday", "Sunday"}
    )
