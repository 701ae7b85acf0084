from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_wedding, an_event, an_item, utc, vendors
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import Phase, TimelineKind, Venue, Wedding
from wedsync.weddings.phase import monitoring
from wedsync.weddings.validity import check

NOON = utc("2025-06-07T12:00")
HOUR = timedelta(hours=1)


def test_a_usual_wedding_is_valid() -> None:
    assert check(a_wedding()) == ()


def test_a_wedding_needs_no_more_than_couple_date_and_zone() -> None:
    bare = a_wedding(ceremony=None, guests=None, style=None, complexity=None)
    assert check(replace(bare, venue=Venue(time_zone="Europe/Oslo"))) == ()


@pytest.mark.parametrize(
    "wedding",
    [
        a_wedding(couple="A"),
        a_wedding(couple="x" * 200),
        a_wedding(guests=1),
        a_wedding(guests=10_000),
        a_wedding(lat=90, lon=-180),
        a_wedding(lat=-90, lon=180),
        a_wedding(vendors=vendors(*(f"v{n}" for n in range(200)))),
        a_wedding(timeline=[an_item(NOON, item_id=f"i{n}") for n in range(200)]),
        a_wedding(timeline=[an_item(NOON, ends_at=NOON)]),
        a_wedding(timeline=[an_item(NOON, item_id="b"), an_item(NOON - HOUR, item_id="a")]),
        a_wedding(events=[an_event("a", NOON, NOON + HOUR), an_event("b", NOON, NOON)]),
    ],
)
def test_what_just_keeps_to_a_rule_is_valid(wedding: Wedding) -> None:
    assert check(wedding) == ()


@pytest.mark.parametrize(
    ("wedding", "pointer", "code"),
    [
        (a_wedding(couple=""), "/coupleName", "required"),
        (a_wedding(couple="   "), "/coupleName", "required"),
        (a_wedding(couple="x" * 201), "/coupleName", "too-long"),
        (a_wedding(ceremony=None, on=date(1, 1, 1)), "/date", "out-of-range"),
        (a_wedding(ceremony=None, on=date(9999, 12, 31)), "/date", "out-of-range"),
        (
            a_wedding(ceremony=None, on=date(2011, 12, 30), zone="Pacific/Apia"),
            "/date",
            "does-not-exist",
        ),
        (a_wedding(ceremony=None, zone="Europe/Atlantis"), "/venue/timeZone", "unknown-time-zone"),
        (a_wedding(ceremony=None, zone=""), "/venue/timeZone", "unknown-time-zone"),
        (a_wedding(lat=90.01), "/venue/lat", "out-of-range"),
        (a_wedding(lat=float("nan")), "/venue/lat", "out-of-range"),
        (a_wedding(lon=-180.5), "/venue/lon", "out-of-range"),
        (a_wedding(guests=0), "/guestCount", "out-of-range"),
        (a_wedding(guests=10_001), "/guestCount", "out-of-range"),
        (a_wedding(style="x" * 201), "/style", "too-long"),
        (a_wedding(vendors=vendors("v1", "v2", "v1")), "/vendors/2/vendorId", "duplicate"),
        (a_wedding(vendors=vendors("v1", "")), "/vendors/1/vendorId", "required"),
        (a_wedding(vendors=vendors(*(f"v{n}" for n in range(201)))), "/vendors", "too-many"),
        (
            a_wedding(timeline=[an_item(NOON, ends_at=NOON - HOUR)]),
            "/timeline/0/endsAt",
            "before-start",
        ),
        (
            a_wedding(timeline=[an_item(NOON, ends_at=NOON + timedelta(days=14))]),
            "/timeline/0/endsAt",
            "too-long",
        ),
        (
            a_wedding(timeline=[an_item(datetime(9999, 12, 31, 23, 30, tzinfo=UTC))]),
            "/timeline/0/startsAt",
            "out-of-range",
        ),
        (
            a_wedding(timeline=[an_item(NOON, ends_at=datetime(9999, 12, 31, 23, tzinfo=UTC))]),
            "/timeline/0/endsAt",
            "out-of-range",
        ),
        (
            a_wedding(timeline=[an_item(NOON, item_id="a"), an_item(NOON, item_id="a")]),
            "/timeline/1/id",
            "duplicate",
        ),
        (a_wedding(timeline=[an_item(NOON, item_id=" ")]), "/timeline/0/id", "required"),
        (a_wedding(timeline=[an_item(NOON, title="x" * 201)]), "/timeline/0/title", "too-long"),
        (
            a_wedding(timeline=[an_item(NOON, item_id=f"i{n}") for n in range(201)]),
            "/timeline",
            "too-many",
        ),
        (
            a_wedding(
                timeline=[
                    an_item(NOON, kind=TimelineKind.CEREMONY),
                    an_item(NOON + 366 * 24 * HOUR),
                ]
            ),
            "/timeline/1/startsAt",
            "too-far",
        ),
        (
            a_wedding(
                timeline=[
                    an_item(NOON + 365 * 24 * HOUR),
                    an_item(NOON + 366 * 24 * HOUR, item_id="b"),
                ]
            ),
            "/timeline/0/startsAt",
            "too-far",
        ),
        (a_wedding(events=[an_event("", NOON, NOON)]), "/events/0/name", "required"),
        (
            a_wedding(events=[an_event("a", NOON, NOON - HOUR)]),
            "/events/0/endsAt",
            "before-start",
        ),
        (
            a_wedding(events=[an_event("b", NOON, NOON), an_event("a", NOON - HOUR, NOON)]),
            "/events/1/startsAt",
            "out-of-order",
        ),
    ],
)
def test_a_broken_rule_is_named_by_its_place(wedding: Wedding, pointer: str, code: str) -> None:
    assert [(error.pointer, error.code) for error in check(wedding)] == [(pointer, code)]
    assert all(error.detail for error in check(wedding))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wedding = a_wedding(couple="", guests=0, lat=91, vendors=vendors("v", "v"))
    assert [error.pointer for error in check(wedding)] == [
        "/coupleName",
        "/venue/lat",
        "/guestCount",
        "/vendors/1/vendorId",
    ]


def test_a_valid_wedding_at_the_edge_of_the_calendar_has_a_clock() -> None:
    for year in (1970, 2200):
        for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
            wedding = a_wedding(on=date(year, 12, 31), zone=zone, ceremony=None)
            assert check(wedding) == ()
            closed = year == 1970
            assert wedding_context(wedding, NOON).phase is (
                Phase.CLOSED if closed else Phase.PLANNING
            )
            assert (monitoring(wedding, NOON).next_run_at is None) is closed


@given(
    starts=st.datetimes(
        min_value=datetime(1969, 12, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2201, 2, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.just(UTC),
    ),
    hours=st.none() | st.integers(-2, 340),
    on=st.dates(),
    kind=st.sampled_from(TimelineKind),
)
@settings(max_examples=100, deadline=None)
def test_what_passes_the_check_never_breaks_the_clock(
    starts: datetime, hours: int | None, on: date, kind: TimelineKind
) -> None:
    ends = None if hours is None else starts + hours * HOUR
    wedding = a_wedding(on=on, timeline=[an_item(starts, kind=kind, ends_at=ends)])
    if not check(wedding):
        assert monitoring(wedding, NOON).phase is wedding_context(wedding, NOON).phase
