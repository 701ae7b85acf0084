from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest

from tests.builders import a_wedding, utc
from tests.domain.weddings.clock_changes import EVERY_ZONE, clock_changes
from wedsync.weddings.calendar import (
    day_exists,
    day_start,
    instant,
    local,
    local_date,
    zone,
    zone_names,
    zone_of,
)

MOMENT = timedelta(microseconds=1)


def test_every_zone_that_is_shipped_can_be_loaded_and_python_knows_it_too() -> None:
    assert zone_names() <= available_timezones()
    assert {zone(name).key for name in zone_names()} == zone_names()
    assert len(EVERY_ZONE) > 590


@pytest.mark.parametrize(
    "name", ["Europe/Atlantis", "", "europe/london", "UTC+2", "../zones", "/etc/passwd", "Europe"]
)
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not an IANA time zone") as refused:
        zone(name)
    assert repr(name) in str(refused.value)


def test_a_place_is_a_wedding_its_venue_or_a_zone_name() -> None:
    wedding = a_wedding(zone="Australia/Sydney")
    assert zone_of(wedding) is zone_of(wedding.venue) is zone_of("Australia/Sydney")


def test_local_time_carries_the_venues_offset() -> None:
    assert local("Australia/Sydney", utc("2025-06-07T23:30")).isoformat() == (
        "2025-06-08T09:30:00+10:00"
    )
    assert local_date("Pacific/Honolulu", utc("2025-06-07T23:30")) == date(2025, 6, 7)


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an offset"):
        local("Europe/London", datetime(2025, 6, 7, 12, 0))  # noqa: DTZ001 - what is refused


def test_local_time_equals_its_instant_also_in_a_repeated_hour() -> None:
    """Python calls a zone's own wall time unequal to its instant there: PEP 495's exception."""
    at = utc("2025-11-02T05:30")
    assert local("America/New_York", at) == at
    assert at.astimezone(zone("America/New_York")) != at


@pytest.mark.parametrize(
    ("name", "wall", "expected"),
    [
        ("Europe/London", "2025-06-07T16:00", "2025-06-07T15:00"),
        ("America/New_York", "2025-03-09T02:30", "2025-03-09T07:30"),  # skipped: 03:30 EDT
        ("America/New_York", "2025-11-02T01:30", "2025-11-02T05:30"),  # twice: the first, EDT
        ("Australia/Lord_Howe", "2025-10-05T02:15", "2025-10-04T15:45"),  # half an hour skipped
        ("America/Santiago", "2025-09-07T00:00", "2025-09-07T04:00"),  # no midnight: 01:00
        ("Pacific/Apia", "2011-12-30T16:00", "2011-12-31T02:00"),  # a day skipped: the 31st
    ],
)
def test_a_wall_time_without_offset_is_the_venues(name: str, wall: str, expected: str) -> None:
    assert instant(name, datetime.fromisoformat(wall)) == utc(expected)


def test_a_time_with_an_offset_keeps_its_instant() -> None:
    given = datetime.fromisoformat("2025-06-07T16:00:00+02:00")
    assert instant("Australia/Sydney", given) == utc("2025-06-07T14:00")
    assert instant("Australia/Sydney", given).tzinfo is UTC


def test_at_every_clock_change_skipped_times_move_on_and_repeated_ones_mean_the_first() -> None:
    for change in clock_changes():
        shift = change.after - change.before
        if shift > timedelta():
            skipped = change.wall_before + shift / 2
            moved = local(change.zone, instant(change.zone, skipped)).replace(tzinfo=None)
            assert moved == skipped + shift, change
        elif shift < timedelta():
            repeated = change.wall_after - shift / 2
            first = instant(change.zone, repeated)
            assert first < change.at, change
            assert local(change.zone, first).replace(tzinfo=None) == repeated, change


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [
        ("Europe/London", "2025-06-07", "2025-06-06T23:00"),
        ("Asia/Beirut", "2025-03-30", "2025-03-29T22:00"),  # 00:00 became 01:00
        ("Africa/Cairo", "2025-04-25", "2025-04-24T22:00"),  # 00:00 became 01:00
        ("America/Havana", "2025-11-02", "2025-11-02T04:00"),  # midnight came twice
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),  # never was: the next day's start
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30"),  # 23:30 became 00:30
    ],
)
def test_a_day_starts_at_its_first_instant_also_where_midnight_is_missing(
    name: str, day: str, expected: str
) -> None:
    assert day_start(name, date.fromisoformat(day)) == utc(expected)


def test_around_every_clock_change_a_day_starts_where_the_date_turns() -> None:
    for change in clock_changes():
        for day in change.days:
            start = day_start(change.zone, day)
            assert local_date(change.zone, start - MOMENT) < day, (change, day)
            assert local_date(change.zone, start) >= day, (change, day)


def test_only_apia_and_fakaofo_lost_a_date_since_2011() -> None:
    lost = {
        (change.zone, day.isoformat())
        for change in clock_changes()
        for day in change.days
        if not day_exists(change.zone, day)
    }
    assert lost == {("Pacific/Apia", "2011-12-30"), ("Pacific/Fakaofo", "2011-12-30")}
