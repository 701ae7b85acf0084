from importlib.resources import files

import pytest
from pydantic import TypeAdapter

from tests.builders import at_venue, utc
from tests.domain.weddings.clock_changes import EVERY_ZONE
from wedsync.weddings.model import Venue
from wedsync.weddings.season import (
    Climate,
    SeasonMonths,
    climate,
    in_season,
    is_southern_zone,
)

SYDNEY = Venue(time_zone="Australia/Sydney")
LONDON = Venue(time_zone="Europe/London", lat=51.5)


@pytest.mark.parametrize(
    ("venue", "months"),
    [
        (LONDON, {5, 6, 7, 8, 9, 10}),
        (SYDNEY, {10, 11, 12, 1, 2, 3, 4}),  # December is high summer, July is not
        (Venue(time_zone="Europe/London", lat=-33.9), {10, 11, 12, 1, 2, 3, 4}),
        (Venue(time_zone="Etc/GMT-10"), {5, 6, 7, 8, 9, 10}),  # nothing known: north
        (Venue(time_zone="Asia/Singapore", lat=1.35), set()),  # near the equator, no history
    ],
)
def test_the_months_in_season_where_the_venue_stands(venue: Venue, months: set[int]) -> None:
    in_months = {
        month
        for month in range(1, 13)
        if in_season(venue, at_venue(venue.time_zone, f"2025-{month:02}-15T12:00"))
    }
    assert in_months == months


def test_the_venues_own_month_counts_not_utcs() -> None:
    at = utc("2025-09-30T20:00")
    assert in_season(SYDNEY, at)  # already October there
    assert not in_season(Venue(time_zone="America/Sao_Paulo"), at)


@pytest.mark.parametrize(
    ("venue", "expected"),
    [
        (Venue(time_zone="Europe/Rome", lat=41.9), Climate.NORTH),
        (Venue(time_zone="Europe/Rome", lat=15.0), Climate.NORTH),
        (Venue(time_zone="Europe/Rome", lat=14.99), Climate.TROPICS),
        (Venue(time_zone="Europe/Rome", lat=0.0), Climate.TROPICS),
        (Venue(time_zone="Europe/Rome", lat=-14.99), Climate.TROPICS),
        (Venue(time_zone="Europe/Rome", lat=-15.0), Climate.SOUTH),
        (Venue(time_zone="NZ"), Climate.SOUTH),
        (Venue(time_zone="America/Argentina/Salta"), Climate.SOUTH),
        (Venue(time_zone="Asia/Singapore"), Climate.NORTH),  # a zone alone never says tropics
    ],
)
def test_latitude_decides_else_the_zones_hemisphere_else_north(
    venue: Venue, expected: Climate
) -> None:
    assert climate(venue) is expected


def test_the_southern_zones_are_those_whose_city_lies_south_by_the_zone_database() -> None:
    zoneinfo = files("tzdata").joinpath("zoneinfo")
    rows = [
        line.split("\t")
        for line in zoneinfo.joinpath("zone.tab").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    south = {row[2]: row[1].startswith("-") for row in rows}
    links = {
        line.split()[2]: line.split()[1]
        for line in zoneinfo.joinpath("tzdata.zi").read_text(encoding="utf-8").splitlines()
        if line.startswith("L ")
    }
    # Old names of northern cities that later shared a southern neighbour's clock.
    northern = {"Africa/Asmera", "Pacific/Ponape", "Pacific/Truk", "Pacific/Yap"}
    expected = {
        name
        for name in EVERY_ZONE
        if south.get(name, south.get(links.get(name, ""), False)) and name not in northern
    }
    assert {name for name in EVERY_ZONE if is_southern_zone(name)} == expected
    assert len(expected) > 140


def test_a_tenant_may_edit_its_months() -> None:
    own = SeasonMonths(north=(12,), tropics=(2, 3))
    christmas = utc("2025-12-20T12:00")
    assert in_season(LONDON, christmas, own)
    assert not in_season(LONDON, christmas)
    singapore = Venue(time_zone="Asia/Singapore", lat=1.35)
    assert in_season(singapore, utc("2025-02-14T12:00"), own)
    assert not in_season(singapore, utc("2025-06-14T12:00"), own)


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_month_is_one_of_twelve(month: int) -> None:
    with pytest.raises(ValueError, match="is not a month"):
        SeasonMonths(south=(month,))


def test_season_months_are_kept_as_they_are() -> None:
    kept = TypeAdapter(SeasonMonths)
    own = SeasonMonths(tropics=(2, 3))
    assert kept.validate_json(kept.dump_json(own)) == own
