"""Four parts of a day, each known or not, and their sum."""

from datetime import timedelta

import pytest

from tests.builders import an_item, utc
from wedsync.metrics.facts import WeddingFacts
from wedsync.metrics.success import (
    DaySuccess,
    HourRecord,
    ItemJudged,
    Part,
    hour_record,
    items_judged,
    minutes_told,
)

NOON = utc("2026-06-20T12:00")
HOUR = int(NOON.timestamp()) // 3600
VOWS = an_item(NOON, item_id="vows")


def a_day(
    *,
    known: int = 300,
    well: int = 300,
    photos: tuple[int, int] = (100, 0),
    items: tuple[ItemJudged, ...] | None = None,
    critical: int = 0,
    heard: bool = True,
) -> DaySuccess:
    return DaySuccess(
        minutes=300,
        minutes_known=known,
        minutes_well=well,
        photos_completed=photos[0],
        photos_failed=photos[1],
        items=(begun(0),) if items is None else items,
        critical_incidents=critical,
        heard=heard,
    )


def begun(late_seconds: float) -> ItemJudged:
    at = round((NOON + timedelta(seconds=late_seconds)).timestamp() * 1000)
    (judged,) = items_judged([VOWS], [HourRecord(hour=HOUR, began_ms={"vows": at})])
    return judged


def unsaid() -> ItemJudged:
    return ItemJudged(item=VOWS, began_ms=None, late_ms=None)


def test_a_day_on_which_all_went_well_has_a_hundred_points() -> None:
    assert (a_day().score, a_day().out_of, a_day().unknown()) == (100, 100, {})


@pytest.mark.parametrize(
    ("day", "part", "points"),
    [
        (a_day(known=200, well=150), Part.HEALTH, 18.75),
        (a_day(well=0), Part.HEALTH, 0),
        (a_day(photos=(99, 1)), Part.PHOTOS, 25),
        (a_day(photos=(989, 11)), Part.PHOTOS, 0),
        (a_day(items=(begun(600), begun(-600), begun(601))), Part.TIMELINE, 16.67),
        (a_day(items=(begun(0), unsaid(), begun(900))), Part.TIMELINE, 12.5),
        (a_day(critical=1), Part.INCIDENTS, 0),
        (a_day(critical=1, heard=False), Part.INCIDENTS, 0),
    ],
)
def test_each_part_gives_up_to_25_points(day: DaySuccess, part: Part, points: float) -> None:
    assert day.points()[part] == points
    assert day.score == pytest.approx(sum(each or 0 for each in day.points().values()))
    assert day.unknown() == {}


@pytest.mark.parametrize(
    ("day", "part"),
    [
        (a_day(known=0, well=0), Part.HEALTH),
        (a_day(photos=(0, 0)), Part.PHOTOS),
        (a_day(items=()), Part.TIMELINE),
        (a_day(items=(unsaid(),)), Part.TIMELINE),
        (a_day(heard=False), Part.INCIDENTS),
    ],
)
def test_a_part_that_nothing_is_known_of_is_neither_full_nor_zero(
    day: DaySuccess, part: Part
) -> None:
    assert day.points()[part] is None
    assert set(day.unknown()) == {part}
    assert (day.score, day.out_of) == (75, 75)


def test_a_day_of_which_nothing_is_known_has_no_score() -> None:
    day = a_day(known=0, well=0, photos=(0, 0), items=(), heard=False)
    assert (day.score, day.out_of, set(day.unknown())) == (None, 0, set(Part))


def test_minutes_are_counted_within_the_window_alone() -> None:
    record = hour_record(HOUR, {0: 100.0, 29: 20.0, 30: 90.0, 31: 89.9, 59: 95.0}, WeddingFacts())
    first = HOUR * 60
    assert minutes_told([record], [range(first, first + 60)]) == (60, 5, 3)
    assert minutes_told([record], [range(first + 30, first + 70)]) == (40, 3, 2)
    assert minutes_told([record], [range(first, first + 1), range(first + 59, first + 90)]) == (
        32,
        2,
        2,
    )
    assert minutes_told([], [range(first, first + 9)]) == (9, 0, 0)


def test_of_what_is_said_about_an_item_the_last_counts() -> None:
    said = [
        HourRecord(hour=HOUR, began_ms={"vows": 5_000}),
        HourRecord(hour=HOUR - 1, began_ms={"vows": 4_000, "dance": 9_000}),
    ]
    assert [each.began_ms for each in items_judged([VOWS], said)] == [5_000]


def test_items_stand_in_the_order_of_their_plan() -> None:
    later = an_item(NOON + timedelta(hours=1), item_id="a")
    assert [each.item.id for each in items_judged([later, VOWS], [])] == ["vows", "a"]


def test_an_hour_that_tells_nothing_leaves_no_record() -> None:
    assert not hour_record(HOUR, {}, WeddingFacts(uploads_started=3)).tells
    assert hour_record(HOUR, {7: 0.0}, WeddingFacts()).tells
    assert hour_record(HOUR, {}, WeddingFacts(uploads_failed=1)).tells
