from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import SATURDAY, a_wedding, an_event, an_item, at_venue, utc
from tests.domain.weddings.clock_changes import EVERY_ZONE, clock_changes
from wedsync.weddings.calendar import day_exists, local_date
from wedsync.weddings.model import Status, TimelineItem, TimelineKind, Wedding
from wedsync.weddings.timeline import (
    Interval,
    OperationalWindow,
    ceremony_start,
    operational_window,
    status,
)

PARIS = "Europe/Paris"
MOMENT = timedelta(microseconds=1)
HOURS = timedelta(hours=1)
RANK = {Status.PLANNING: 0, Status.TODAY: 1, Status.COMPLETED: 2}


def paris(text: str) -> datetime:
    return at_venue(PARIS, text)


def item(kind: TimelineKind, starts: str, ends: str | None = None) -> TimelineItem:
    ends_at = None if ends is None else paris(ends)
    return an_item(paris(starts), kind=kind, ends_at=ends_at, item_id=f"{kind}-{starts}")


@pytest.mark.parametrize(
    ("timeline", "opens", "closes"),
    [
        pytest.param(
            [
                item(TimelineKind.OTHER, "2025-06-07T09:00", "2025-06-07T12:00"),
                item(TimelineKind.CEREMONY, "2025-06-07T16:00", "2025-06-07T16:30"),
                item(TimelineKind.RECEPTION, "2025-06-07T18:00", "2025-06-07T23:00"),
            ],
            "2025-06-07T14:00",
            "2025-06-08T01:00",
            id="the ceremony opens it, not the hairdresser",
        ),
        pytest.param(
            [
                item(TimelineKind.CEREMONY, "2025-06-07T16:00", "2025-06-07T16:30"),
                item(TimelineKind.CEREMONY, "2025-06-07T11:00", "2025-06-07T11:30"),
            ],
            "2025-06-07T09:00",
            "2025-06-07T18:30",
            id="of two ceremonies the earlier, whatever the order",
        ),
        pytest.param(
            [
                item(TimelineKind.RECEPTION, "2025-06-07T18:00", "2025-06-07T23:00"),
                item(TimelineKind.OTHER, "2025-06-07T15:00"),
            ],
            "2025-06-07T13:00",
            "2025-06-08T01:00",
            id="without a ceremony the first item",
        ),
        pytest.param(
            [
                item(TimelineKind.OTHER, "2025-06-07T09:00", "2025-06-07T12:00"),
                item(TimelineKind.CEREMONY, "2025-06-07T16:00"),
            ],
            "2025-06-07T14:00",
            "2025-06-07T18:00",
            id="an item without an end counts with its start",
        ),
        pytest.param(
            [], "2025-06-07T06:00", "2025-06-08T03:00", id="no timeline: 06:00 to 03:00, as it is"
        ),
    ],
)
def test_the_window_is_two_hours_either_side_of_ceremony_and_end(
    timeline: list[TimelineItem], opens: str, closes: str
) -> None:
    window = operational_window(a_wedding(zone=PARIS, timeline=timeline))
    assert window.intervals == (Interval(start=paris(opens), end=paris(closes)),)


def test_nothing_planned_has_no_ceremony() -> None:
    assert ceremony_start(a_wedding(ceremony=None)) is None


def test_both_edges_belong_to_the_window() -> None:
    window = operational_window(a_wedding())
    assert window.contains(window.start)
    assert window.contains(window.end)
    assert not window.contains(window.start - MOMENT)
    assert not window.contains(window.end + MOMENT)


def test_moving_the_ceremony_moves_the_window() -> None:
    before = operational_window(a_wedding(ceremony="16:00"))
    after = operational_window(a_wedding(ceremony="14:30"))
    assert before.start - after.start == timedelta(minutes=90)
    assert before.end == after.end


@pytest.mark.parametrize(
    ("night", "length"),
    [("2025-03-29", 20 * HOURS), ("2025-10-25", 22 * HOURS), ("2025-06-07", 21 * HOURS)],
)
def test_the_unplanned_day_ends_at_three_on_the_wall_clock_whatever_the_night_does(
    night: str, length: timedelta
) -> None:
    window = operational_window(a_wedding(on=date.fromisoformat(night), zone=PARIS, ceremony=None))
    assert window.end - window.start == length


def test_two_hours_after_the_end_are_two_hours_also_across_a_clock_change() -> None:
    wedding = a_wedding(on=date(2025, 3, 29), zone=PARIS, until="01:30")
    assert operational_window(wedding).end == paris("2025-03-30T01:30") + 2 * HOURS
    assert operational_window(wedding).end == paris("2025-03-30T04:30")


def test_a_date_that_the_calendar_skipped_still_has_a_window_that_opens_before_it_closes() -> None:
    wedding = a_wedding(on=date(2011, 12, 30), zone="Pacific/Apia", ceremony=None)
    window = operational_window(wedding)
    assert window.end - window.start == 21 * HOURS


def of_three_days() -> Wedding:
    """Dinner on Thursday evening, the wedding on Saturday, brunch on Sunday morning."""
    return a_wedding(
        zone=PARIS,
        events=[
            an_event("Dinner", paris("2025-06-05T19:00"), paris("2025-06-05T22:00")),
            an_event("Brunch", paris("2025-06-08T10:00"), paris("2025-06-08T12:00")),
        ],
    )


def test_a_wedding_of_several_days_is_open_during_each_part_and_closed_between() -> None:
    window = operational_window(of_three_days())
    assert [(p.start, p.end) for p in window.intervals] == [
        (paris("2025-06-05T17:00"), paris("2025-06-06T00:00")),
        (paris("2025-06-07T14:00"), paris("2025-06-08T01:00")),
        (paris("2025-06-08T08:00"), paris("2025-06-08T14:00")),
    ]
    assert window.start == paris("2025-06-05T17:00")
    assert window.end == paris("2025-06-08T14:00")
    assert not window.contains(paris("2025-06-06T12:00"))
    assert window.opens_next(paris("2025-06-06T12:00")) == paris("2025-06-07T14:00")
    assert window.opens_next(window.end) is None


def test_parts_that_touch_are_one() -> None:
    toast = an_event("Toast", paris("2025-06-08T03:00"), paris("2025-06-08T04:00"))
    window = operational_window(a_wedding(zone=PARIS, events=[toast]))
    assert window.intervals == (
        Interval(start=paris("2025-06-07T14:00"), end=paris("2025-06-08T06:00")),
    )


def test_a_part_inside_another_changes_nothing() -> None:
    photos = an_event("Photos", paris("2025-06-07T17:00"), paris("2025-06-07T17:30"))
    assert operational_window(a_wedding(zone=PARIS, events=[photos])) == operational_window(
        a_wedding(zone=PARIS)
    )


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2025-06-06T00:00", "2025-06-06T09:00", True),
        ("2025-06-06T01:00", "2025-06-06T09:00", False),
        ("2025-06-06T01:00", "2025-06-07T14:00", True),
        ("2025-06-01T00:00", "2025-06-30T00:00", True),
    ],
)
def test_a_window_overlaps_what_shares_an_instant_with_it(
    start: str, end: str, *, expected: bool
) -> None:
    window = operational_window(of_three_days())
    assert window.overlaps(paris(start), paris(end)) is expected


def test_a_window_without_an_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        OperationalWindow(intervals=())


@pytest.mark.parametrize(
    ("zone", "on", "at", "expected"),
    [
        ("Australia/Sydney", "2025-06-08", "2025-06-07T23:30", Status.TODAY),
        ("Pacific/Honolulu", "2025-06-08", "2025-06-07T23:30", Status.PLANNING),
        ("Pacific/Honolulu", "2025-06-07", "2025-06-07T23:30", Status.TODAY),
        ("Pacific/Kiritimati", "2025-06-07", "2025-06-07T23:30", Status.COMPLETED),
    ],
)
def test_the_same_instant_finds_each_wedding_on_its_own_day(
    zone: str, on: str, at: str, expected: Status
) -> None:
    assert status(a_wedding(on=date.fromisoformat(on), zone=zone, until="20:00"), utc(at)) is (
        expected
    )


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("2025-06-04T12:00", Status.PLANNING),
        ("2025-06-05T20:00", Status.TODAY),  # the dinner
        ("2025-06-06T12:00", Status.PLANNING),  # between: more is to come
        ("2025-06-07T00:00", Status.TODAY),
        ("2025-06-08T03:00", Status.PLANNING),  # before the brunch
        ("2025-06-08T14:00", Status.TODAY),
        ("2025-06-08T14:01", Status.COMPLETED),
    ],
)
def test_between_the_parts_of_several_days_a_wedding_is_not_completed(
    wall: str, expected: Status
) -> None:
    assert status(of_three_days(), paris(wall)) is expected


def test_a_morning_wedding_stays_today_until_midnight_at_the_venue() -> None:
    wedding = a_wedding(zone=PARIS, ceremony="09:00", reception="10:00", until="12:00")
    assert status(wedding, paris("2025-06-07T00:00")) is Status.TODAY
    assert status(wedding, paris("2025-06-08T00:00") - MOMENT) is Status.TODAY
    assert status(wedding, paris("2025-06-08T00:00")) is Status.COMPLETED


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("2025-06-07T17:00", Status.TODAY),
        ("2025-06-10T12:00", Status.PLANNING),  # not completed: its date is still to come
        ("2025-06-14T12:00", Status.TODAY),
        ("2025-06-15T00:00", Status.COMPLETED),
    ],
)
def test_a_wedding_whose_date_moved_on_without_its_timeline_waits_for_its_date(
    wall: str, expected: Status
) -> None:
    wedding = replace(a_wedding(zone=PARIS), date=date(2025, 6, 14))
    assert status(wedding, paris(wall)) is expected


def a_wedding_per_zone() -> list[Wedding]:
    """One in every zone, on its last clock change where it has any; planned and unplanned."""
    last_change = {change.zone: change.days[1] for change in clock_changes()}
    return [
        a_wedding(
            on=last_change.get(name, SATURDAY),
            zone=name,
            ceremony=None if index % 2 else "16:00",
            until="02:30",
        )
        for index, name in enumerate(EVERY_ZONE)
    ]


def test_in_every_zone_a_wedding_is_planned_then_today_then_completed() -> None:
    for wedding in a_wedding_per_zone():
        window = operational_window(wedding)
        trace = [status(wedding, window.start + n * HOURS) for n in range(-40, 72)]
        assert trace == sorted(trace, key=RANK.__getitem__), wedding
        assert set(trace) == set(Status), wedding


def test_in_every_zone_today_is_the_local_date_or_the_window() -> None:
    for wedding in a_wedding_per_zone():
        window = operational_window(wedding)
        edges = [window.start, window.end, window.start - MOMENT, window.end + MOMENT]
        for at in [*edges, *(window.start + n * HOURS for n in range(-30, 60, 3))]:
            today = local_date(wedding, at) == wedding.date or window.contains(at)
            assert (status(wedding, at) is Status.TODAY) is today, (wedding, at)


def test_the_window_contains_the_ceremony_and_every_item_after_it_on_every_change_night() -> None:
    for change in clock_changes():
        if not day_exists(change.zone, change.days[1]):
            continue
        wedding = a_wedding(on=change.days[1], zone=change.zone, ceremony="23:30", until="04:00")
        window = operational_window(wedding)
        ceremony = ceremony_start(wedding)
        assert ceremony is not None
        assert window.start == ceremony - 2 * HOURS, change
        for planned in wedding.timeline:
            assert window.contains(planned.starts_at), change
            assert planned.ends_at is not None
            assert window.contains(planned.ends_at), change


@given(
    name=st.sampled_from(EVERY_ZONE),
    on=st.dates(min_value=date(2012, 1, 1), max_value=date(2060, 1, 1)),
    parts=st.lists(st.tuples(st.integers(-100, 100), st.integers(0, 30)), max_size=6),
    hours=st.lists(st.integers(-150, 200), min_size=2, max_size=20),
)
@settings(max_examples=150, deadline=None)
def test_windows_are_disjoint_and_completed_is_final_for_any_events(
    name: str, on: date, parts: list[tuple[int, int]], hours: list[int]
) -> None:
    plain = a_wedding(on=on, zone=name, ceremony=None)
    base = operational_window(plain).start
    wedding = replace(
        plain,
        events=tuple(
            an_event("part", base + start * HOURS, base + (start + length) * HOURS)
            for start, length in parts
        ),
    )
    window = operational_window(wedding)
    for earlier, later in zip(window.intervals, window.intervals[1:], strict=False):
        assert earlier.end < later.start
    for event in wedding.events:
        assert window.contains(event.starts_at)
        assert window.contains(event.ends_at)
    seen = [status(wedding, base + hour * HOURS) for hour in sorted(hours)]
    assert Status.COMPLETED not in seen or set(seen[seen.index(Status.COMPLETED) :]) == {
        Status.COMPLETED
    }
