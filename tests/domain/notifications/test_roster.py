"""Who is on duty, and where nobody is."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from wedsync.notifications.roster import (
    Gap,
    Override,
    Roster,
    Rotation,
    gaps,
    next_saturday,
    on_duty,
)

ROLE = "on_call_engineer"
WEEKLY = Rotation(
    role=ROLE,
    members=("mia", "bo"),
    starts_on=date(2026, 6, 1),  # a Monday
    hand_over=time(8),
)
ROSTER = Roster(time_zone="Europe/Madrid", rotations=(WEEKLY,))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-06-01T05:59", ()),
        ("2026-06-01T06:00", ("mia",)),
        ("2026-06-06T14:05", ("mia",)),
        ("2026-06-08T05:59", ("mia",)),
        ("2026-06-08T06:00", ("bo",)),
        ("2026-06-15T06:00", ("mia",)),
        # Winter time: the same wall time is an hour later.
        ("2026-11-02T06:59", ("bo",)),
        ("2026-11-02T07:00", ("mia",)),
    ],
)
def test_shifts_change_at_the_wall_time_of_the_rosters_zone(at: str, who: tuple[str, ...]) -> None:
    assert on_duty(ROSTER, ROLE, utc(at)) == who


def test_a_role_that_the_roster_does_not_know_is_no_gap() -> None:
    assert on_duty(ROSTER, "cto", utc("2026-06-06T14:05")) is None


def test_an_override_stands_above_the_rotation_and_the_last_above_the_others() -> None:
    first = Override(
        role=ROLE,
        contact_id="ana",
        starts_at=utc("2026-06-06T10:00"),
        ends_at=utc("2026-06-06T14:00"),
    )
    second = replace(first, contact_id="cy", starts_at=utc("2026-06-06T12:00"))
    roster = replace(ROSTER, overrides=(first, second))
    heard = [
        on_duty(roster, ROLE, utc(f"2026-06-06T{hour}:00")) for hour in ("09", "10", "12", "14")
    ]
    assert heard == [("mia",), ("ana",), ("cy",), ("mia",)]


def test_two_rotations_of_a_role_are_on_duty_together() -> None:
    second = replace(WEEKLY, members=("cy",), days=(5, 6))
    roster = replace(ROSTER, rotations=(WEEKLY, second))
    assert on_duty(roster, ROLE, utc("2026-06-06T14:05")) == ("mia", "cy")
    assert on_duty(roster, ROLE, utc("2026-06-05T14:05")) == ("mia",)


def test_a_saturday_without_gaps_has_none() -> None:
    assert gaps(ROSTER, *next_saturday(ROSTER, utc("2026-06-05T10:00"))) == ()


def test_a_rotation_of_weekdays_leaves_saturday_from_its_hand_over_on() -> None:
    workdays = replace(WEEKLY, days=(0, 1, 2, 3, 4))
    roster = replace(ROSTER, rotations=(workdays,))
    saturday = next_saturday(roster, utc("2026-06-05T10:00"))
    assert gaps(roster, *saturday) == (
        Gap(role=ROLE, starts_at=utc("2026-06-06T06:00"), ends_at=utc("2026-06-06T22:00")),
    )


def test_a_gap_goes_on_over_hand_overs_and_ends_with_whoever_comes() -> None:
    roster = replace(
        ROSTER,
        rotations=(replace(WEEKLY, until=date(2026, 6, 4), shift_days=1),),
        overrides=(
            Override(
                role=ROLE,
                contact_id="ana",
                starts_at=utc("2026-06-06T12:00"),
                ends_at=utc("2026-06-06T13:00"),
            ),
        ),
    )
    found = gaps(roster, *next_saturday(roster, utc("2026-06-05T10:00")))
    assert [(each.starts_at, each.ends_at) for each in found] == [
        (utc("2026-06-05T22:00"), utc("2026-06-06T12:00")),
        (utc("2026-06-06T13:00"), utc("2026-06-06T22:00")),
    ]


def test_a_member_who_is_gone_leaves_a_gap() -> None:
    saturday = next_saturday(ROSTER, utc("2026-06-05T10:00"))
    assert gaps(ROSTER, *saturday, known=("bo",)) != ()
    assert gaps(ROSTER, *saturday, known=("mia",)) == ()


@pytest.mark.parametrize(
    ("now", "first"),
    [
        ("2026-06-05T10:00", "2026-06-05T22:00"),
        ("2026-06-05T21:59", "2026-06-05T22:00"),
        ("2026-06-06T12:00", "2026-06-05T22:00"),
        ("2026-06-06T22:00", "2026-06-12T22:00"),
    ],
)
def test_the_next_saturday_is_the_rosters_own(now: str, first: str) -> None:
    start, end = next_saturday(ROSTER, utc(now))
    assert start == utc(first)
    assert end - start == timedelta(days=1)


def test_a_saturday_on_which_clocks_change_is_whole() -> None:
    apia = replace(ROSTER, time_zone="America/Sao_Paulo")
    start, end = next_saturday(apia, utc("2018-11-02T12:00"))
    assert (start, end) == (utc("2018-11-03T03:00"), utc("2018-11-04T03:00"))
