import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from infra.demo.imagined import BUSINESSES, PLACES, guest_count, imagine, saturday_in_year
from infra.demo.traffic import Traffic, lines, members
from wedsync.metrics.decode import decode_record
from wedsync.metrics.point import Point

CEREMONY = datetime(2026, 6, 20, 14, tzinfo=UTC)
WEDDING = imagine(Random(7), on=date(2026, 6, 20), place=PLACES[0], ceremony_at=CEREMONY)


def traffic(
    *, seed: int = 1, start: datetime = CEREMONY, failing_from: datetime | None = None
) -> Traffic:
    return Traffic(
        wedding=WEDDING, wedding_id="wed_1", seed=seed, start=start, failing_from=failing_from
    )


def uploads(points: list[Point], outcome: str) -> int:
    return sum(p.name == "photo.upload" and ("outcome", outcome) in p.dims for p in points)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert list(lines(traffic(), minutes=3)) == list(lines(traffic(), minutes=3))
    assert list(lines(traffic(), minutes=3)) != list(lines(traffic(seed=2), minutes=3))


def test_the_same_seed_imagines_the_same_wedding() -> None:
    day = date(2026, 9, 12)
    assert imagine(Random(3), on=day).document() == imagine(Random(3), on=day).document()


def test_however_the_time_is_cut_the_points_are_the_same() -> None:
    whole = traffic().until(CEREMONY + timedelta(seconds=90))
    cut = traffic()
    pieces = [
        point
        for seconds in (0.2, 7, 7.9, 31, 31, 90.7)
        for point in cut.until(CEREMONY + timedelta(seconds=seconds))
    ]
    assert pieces == whole


def test_points_come_in_the_order_of_their_times_and_none_before_its_time() -> None:
    end = CEREMONY + timedelta(seconds=60)
    times = [point.ts_ms for point in traffic().until(end)]
    assert times == sorted(times)
    assert times[-1] < end.timestamp() * 1000


def test_the_failing_switch_changes_outcomes_from_its_minute_on_and_nothing_else() -> None:
    switch = CEREMONY + timedelta(minutes=2)
    well = traffic().until(CEREMONY + timedelta(minutes=4))
    ill = traffic(failing_from=switch).until(CEREMONY + timedelta(minutes=4))
    assert [p.event_id for p in well] == [p.event_id for p in ill]
    changed = [b for a, b in zip(well, ill, strict=True) if a != b]
    assert changed
    assert all(p.name == "photo.upload" and ("outcome", "failed") in p.dims for p in changed)
    assert min(p.ts_ms for p in changed) >= switch.timestamp() * 1000
    assert uploads(well, "failed") < 3 < uploads(ill, "failed")


@pytest.mark.parametrize(
    ("busy_minute", "quiet_minute"), [(10, -30), (60, 150), (300, 700)], ids=str
)
def test_photos_follow_the_rhythm_of_the_day(busy_minute: int, quiet_minute: int) -> None:
    def photos(minute: int) -> int:
        start = CEREMONY + timedelta(minutes=minute)
        return uploads(traffic(start=start).until(start + timedelta(minutes=20)), "started")

    assert photos(busy_minute) > photos(quiet_minute)


def test_a_wedding_in_planning_uploads_nothing() -> None:
    start = CEREMONY - timedelta(days=60)
    names = {point.name for point in traffic(start=start).until(start + timedelta(minutes=30))}
    assert "photo.upload" not in names
    assert "vendor.heartbeat" not in names


def test_every_line_is_a_point_that_ingest_takes_and_carries_its_own_event_id() -> None:
    sent = traffic().until(CEREMONY + timedelta(minutes=10))
    for start in range(0, len(sent), 500):
        part = sent[start : start + 500]
        decoded = decode_record(json.dumps([members(p) for p in part]).encode())
        assert decoded.rejected == ()
        assert [point for _, point in decoded.points] == part
    assert len({point.event_id for point in sent}) == len(sent)


def test_a_day_holds_everything_that_a_wedding_tells() -> None:
    names = {point.name for point in traffic().until(CEREMONY + timedelta(minutes=20))}
    assert names == {
        "photo.upload",
        "guest.activity",
        "guest_list.load",
        "api.request",
        "vendor.heartbeat",
        "vendor.activity",
        "notification.delivery",
        "timeline.sync",
        "health.check",
        "backup.run",
    }


def test_weddings_have_50_to_500_guests_and_vendors_of_several_categories() -> None:
    random = Random(1)
    counts = [guest_count(random) for _ in range(3000)]
    assert min(counts) == 50
    assert max(counts) == 500
    assert 100 < sorted(counts)[1500] < 160
    teams = [imagine(random, on=date(2026, 6, 20)).vendors for _ in range(50)]
    assert all(len({each.category for each in team}) == len(team) for team in teams)
    assert {each for team in teams for each in team} == set(BUSINESSES)


@pytest.mark.parametrize(
    ("place", "months"), [(PLACES[0], {5, 6, 7, 8, 9, 10}), (PLACES[1], {10, 11, 12, 1, 2, 3, 4})]
)
def test_most_weddings_are_on_a_saturday_of_their_place_s_season(
    place: object, months: set[int]
) -> None:
    random = Random(5)
    chosen = next(each for each in PLACES if each == place)
    days = [saturday_in_year(random, year=2027, place=chosen) for _ in range(400)]
    assert {day.weekday() for day in days} == {5}
    busy = Counter(day.month in months for day in days)[True] / len(days)
    assert 0.66 < busy < 0.80
