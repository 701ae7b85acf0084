from datetime import date

import pytest
from pydantic import TypeAdapter

from tests.builders import a_wedding, an_event, at_venue, utc, vendors
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import Phase, Status, Wedding, WeddingContext
from wedsync.weddings.season import SeasonMonths


def test_the_context_says_what_the_day_is_by_the_venues_clock() -> None:
    wedding = a_wedding(on=date(2025, 12, 6), zone="Australia/Sydney")
    context = wedding_context(wedding, utc("2025-12-06T06:30"))
    assert context == WeddingContext(
        wedding_id="w1",
        couple_name="Emma & James",
        status=Status.TODAY,
        phase=Phase.LIVE,
        is_weekend=True,
        is_saturday_local=True,
        is_wedding_day=True,
        is_season=True,
        in_window=True,
        days_to_wedding=0,
        local=utc("2025-12-06T06:30"),
        time_zone="Australia/Sydney",
    )
    assert context.local.isoformat() == "2025-12-06T17:30:00+11:00"


@pytest.mark.parametrize(
    ("wall", "days"),
    [
        ("2025-06-06T23:59", 1),
        ("2025-06-07T00:00", 0),
        ("2025-06-08T00:30", -1),  # the party past midnight, still in the window
        ("2025-05-08T12:00", 30),
    ],
)
def test_days_to_the_wedding_are_local_calendar_days(wall: str, days: int) -> None:
    wedding = a_wedding(zone="Pacific/Auckland")
    assert wedding_context(wedding, at_venue("Pacific/Auckland", wall)).days_to_wedding == days


def test_the_day_before_a_wednesday_wedding_is_nothing_special() -> None:
    wedding = a_wedding(on=date(2025, 7, 9), zone="Australia/Sydney")
    context = wedding_context(wedding, at_venue("Australia/Sydney", "2025-07-08T12:00"))
    assert context.phase is Phase.EVE
    assert context.status is Status.PLANNING
    assert not any(
        (
            context.is_weekend,
            context.is_saturday_local,
            context.is_wedding_day,
            context.is_season,  # July in Sydney
            context.in_window,
        )
    )


def test_a_tenants_own_season_counts() -> None:
    wedding = a_wedding(zone="Europe/London")
    christmas = utc("2025-12-24T12:00")
    assert not wedding_context(wedding, christmas).is_season
    assert wedding_context(wedding, christmas, SeasonMonths(north=(12,))).is_season


@pytest.mark.parametrize("at", ["2025-11-02T05:30", "2025-11-02T06:30", "2025-03-09T07:00"])
def test_a_context_is_kept_as_it_is_also_in_a_repeated_hour(at: str) -> None:
    kept = TypeAdapter(WeddingContext)
    context = wedding_context(a_wedding(zone="America/New_York"), utc(at))
    read = kept.validate_json(kept.dump_json(context))
    assert read == context
    assert read.local.isoformat() == context.local.isoformat()


def test_a_wedding_is_kept_as_it_is() -> None:
    kept = TypeAdapter(Wedding)
    wedding = a_wedding(
        lat=40.7,
        lon=-74.0,
        vendors=vendors("v1", "v2"),
        events=[an_event("Brunch", utc("2025-06-08T14:00"), utc("2025-06-08T16:00"))],
    )
    assert kept.validate_json(kept.dump_json(wedding)) == wedding
