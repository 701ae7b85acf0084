"""What is too old to be sent is added once, however often, and wherever its job was killed."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import cast

import pytest

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from wedsync.flows.backfill import (
    CHUNKS_A_DAY_IS_MADE_AFTER,
    LINES_A_CHUNK,
    backfill_hours,
    backfill_points,
    hours_between,
)
from wedsync.flows.history import copy_history
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.resources import Resource
from wedsync.settings import History
from wedsync.stores.backfills import Cursor
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rollups import WHOLE

NOW = utc("2026-06-20T12:00")
NOW_MS = round(NOW.timestamp() * 1000)
OLD = utc("2026-05-01T10:00")
NAME = "photo.upload"


class KilledError(Exception):
    """The process is gone."""


def nobody(_: Cursor) -> None:
    return


def a_line(at: datetime, number: int | None = None, **members: object) -> bytes:
    point = a_point(NAME, at, value=500, dims={"outcome": "completed"})
    if number is not None:
        point["eventId"] = f"old-{number}"
    return json.dumps({**point, **members}).encode()


def count(bundle: Bundle, **query: str) -> float:
    bundle.clock.advance(2)
    found = bundle.request(
        "GET",
        "/api/metrics/series",
        query={"name": NAME, "stat": "count", "timeRange": "60d", "window": "1d", **query},
    )
    assert found.status == 200, found
    lines = cast("list[dict[str, list[tuple[int, float]]]]", found["series"])
    return sum(value for line in lines for _, value in line["points"])


def test_old_points_are_found_by_whoever_asks_for_them() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding_request(zone="Asia/Kolkata"))
        roll_up_hours(bundle.services, bundle.now)
        lines = [
            a_line(OLD + timedelta(hours=hour), weddingId=wedding_id, vendorId="photo-1")
            for hour in range(30)
        ]
        done = backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        assert done == Cursor(position=30, taken=30, began_ms=NOW_MS)
        for later in (0, 1):
            bundle.clock.advance(later * 3600)
            roll_up_hours(bundle.services, bundle.now)
            roll_up_days(bundle.services, bundle.now)
            for scope in (
                {},
                {"weddingId": wedding_id},
                {"vendorId": "photo-1"},
                {"zone": "Asia/Kolkata"},
                {"weddingId": wedding_id, "vendorId": "photo-1"},
            ):
                assert count(bundle, **scope) == 30, scope
            hours = {
                "window": "1h",
                "timeRange": "",
                "from": "2026-05-01T00:00:00Z",
                "to": "2026-05-03T00:00:00Z",
            }
            del hours["timeRange"]
            found = bundle.request(
                "GET", "/api/metrics/series", query={"name": NAME, "stat": "count", **hours}
            )
            (line,) = cast("list[dict[str, list[object]]]", found["series"])
            assert len(line["points"]) == 30


@pytest.mark.parametrize("window", ["1h", "1d"])
def test_old_points_are_found_before_an_hour_was_ever_rolled_up(window: str) -> None:
    with Bundle(at=NOW - timedelta(minutes=5), shards=1) as bundle:
        wedding_id = bundle.register(a_wedding_request(zone="Asia/Kolkata"))
        bundle.clock.advance(300)
        ages = (timedelta(hours=30), timedelta(days=3), timedelta(days=5))
        lines = [a_line(NOW - age, weddingId=wedding_id, vendorId="photo-1") for age in ages]
        done = backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        assert done.taken == 3
        for rolled in (False, True):
            if rolled:
                roll_up_hours(bundle.services, bundle.now)
                roll_up_days(bundle.services, bundle.now)
            for scope in ({}, {"weddingId": wedding_id}, {"vendorId": "photo-1"}):
                found = bundle.request(
                    "GET",
                    "/api/metrics/series",
                    query={
                        "name": NAME,
                        "stat": "count",
                        "timeRange": "6d",
                        "window": window,
                        **scope,
                    },
                )
                (line,) = cast("list[dict[str, list[tuple[int, float]]]]", found["series"])
                assert [value for _, value in line["points"]] == [1, 1, 1], (scope, rolled)
                bundle.clock.advance(2)


def test_the_rows_say_that_they_were_backfilled() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        line = a_line(OLD)
        backfill_points(bundle.services, bundle.tenant, [line], job="j", told=nobody)
        (row,) = bundle.cloud.table(Resource.WINDOWS).query("demo#backfilled#tenant").items
        assert row.number("backfilled") == 1
        assert row.text("backfilled_by") == "j"
        assert row.text("backfilled_at") == NOW.isoformat()


def test_what_ingest_takes_is_left_to_it_and_what_is_wrong_is_counted() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        lines = [
            a_line(NOW - timedelta(hours=23)),
            a_line(NOW - timedelta(hours=25)),
            a_line(NOW - timedelta(days=400)),
            a_line(OLD, tenantId="rival"),
            a_line(OLD, tenantId="demo"),
            b"no json",
            b"",
            json.dumps([json.loads(a_line(OLD)), {"name": "x"}]).encode(),
        ]
        done = backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        assert done == Cursor(position=8, taken=3, young=1, refused=4, began_ms=NOW_MS)


def test_a_point_that_stands_twice_in_a_file_is_added_once_and_a_file_twice_too() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        roll_up_hours(bundle.services, bundle.now)
        lines = [
            a_line(OLD, 1),
            a_line(OLD, 1),
            a_line(OLD, 2),
            a_line(OLD + timedelta(hours=1), 1),
        ]
        for _ in range(2):
            done = backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
            assert done == Cursor(position=4, taken=3, repeated=1, began_ms=NOW_MS)
            assert count(bundle) == 3


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_a_job_that_was_killed_goes_on_and_adds_nothing_twice(killed_after: int) -> None:
    chance = random.Random(killed_after)
    with Bundle(at=NOW, shards=1) as bundle:
        roll_up_hours(bundle.services, bundle.now)
        total = 2 * LINES_A_CHUNK + 10
        numbers = [chance.randrange(total // 2) for _ in range(total)]
        lines = [a_line(OLD + timedelta(minutes=number % 90), number) for number in numbers]
        steps = 0

        def dying(_: Cursor) -> None:
            nonlocal steps
            steps += 1
            if steps > killed_after:
                raise KilledError

        if killed_after < 3:
            with pytest.raises(KilledError):
                backfill_points(bundle.services, bundle.tenant, lines, job="j", told=dying)
        seen: list[Cursor] = []
        done = backfill_points(bundle.services, bundle.tenant, lines, job="j", told=seen.append)
        assert len(seen) == 2 - killed_after, "what was done is not done again"
        assert done.position == total
        assert (done.taken, done.repeated) == (len(set(numbers)), total - len(set(numbers)))
        assert count(bundle) == len(set(numbers))


def test_days_are_made_now_and_then_and_those_that_a_killed_job_left_when_it_goes_on() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        roll_up_hours(bundle.services, bundle.now)
        made_at = CHUNKS_A_DAY_IS_MADE_AFTER * LINES_A_CHUNK
        lines = [b""] * (made_at + 1)
        lines[0] = a_line(OLD)
        lines[-1] = a_line(OLD + timedelta(days=1))

        def dying_at(position: int) -> Callable[[Cursor], None]:
            def dying(cursor: Cursor) -> None:
                if cursor.position == position:
                    raise KilledError

            return dying

        for position, days in ((LINES_A_CHUNK, 0), (made_at, 1), (made_at + 1, 2)):
            with pytest.raises(KilledError):
                backfill_points(
                    bundle.services, bundle.tenant, lines, job="j", told=dying_at(position)
                )
            made = bundle.services.rollups.days(
                bundle.tenant, WHOLE, "UTC", first=OLD.date(), last=NOW.date()
            )
            assert len(made) == days
        done = backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        assert (done.position, done.taken) == (made_at + 1, 2)


def test_a_chunk_whose_cursor_was_lost_changes_nothing_when_it_is_repeated() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        roll_up_hours(bundle.services, bundle.now)
        lines = [a_line(OLD, number) for number in range(5)]
        backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        bundle.services.backfills.move("j", Cursor(), now=bundle.now)
        backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        assert count(bundle) == 5


def test_what_was_young_when_a_job_began_is_left_alone_when_it_goes_on() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        lines = [a_line(OLD)] * LINES_A_CHUNK + [a_line(NOW - timedelta(hours=23))]

        def dying(_: Cursor) -> None:
            raise KilledError

        with pytest.raises(KilledError):
            backfill_points(bundle.services, bundle.tenant, lines, job="j", told=dying)
        bundle.clock.advance(3 * 3600)
        done = backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        assert (done.taken, done.repeated, done.young) == (1, LINES_A_CHUNK - 1, 1)


def test_old_points_stand_beside_those_that_were_counted_then() -> None:
    with Bundle(at=OLD, shards=1) as bundle:
        for _ in range(3):
            bundle.put(json.loads(a_line(bundle.now)))
            bundle.machine.streams.run_due()
        for hours in (2, 40, 40):
            bundle.clock.advance(hours * 3600)
            roll_up_hours(bundle.services, bundle.now)
            roll_up_days(bundle.services, bundle.now)
        assert count(bundle, timeRange="9d") == 3
        line = a_line(OLD + timedelta(minutes=5))
        backfill_points(bundle.services, bundle.tenant, [line], job="j", told=nobody)
        for window in ("1d", "1h"):
            assert count(bundle, timeRange="9d", window=window) == 4


def test_the_long_range_store_has_old_points_too() -> None:
    with Bundle(at=NOW, shards=1, history=History.TIMESTREAM) as bundle:
        roll_up_hours(bundle.services, bundle.now)
        copy_history(bundle.services, bundle.now)
        backfill_points(bundle.services, bundle.tenant, [a_line(OLD)], job="j", told=nobody)
        found = bundle.get(
            "/api/metrics/series", name=NAME, stat="count", window="1d", timeRange="60d"
        )
        assert found["source"] == "history"
        assert count(bundle) == 1


def lost_rollups(bundle: Bundle) -> None:
    """Points were counted, and the rows of their hours went missing."""
    bundle.put(json.loads(a_line(bundle.now)))
    bundle.drain()
    bundle.clock.advance(3 * 3600)
    roll_up_hours(bundle.services, bundle.now)
    table = bundle.cloud.table(Resource.WINDOWS)
    for partition in ("demo#hour#tenant", f"demo#part#{int(NOW.timestamp()) // 3600}"):
        for item in table.query(partition).items:
            table.delete(item.key)
    assert bundle.services.rollups.hours(bundle.tenant, WHOLE, first=0, last=10**9) == ()


def test_hours_are_made_again_of_their_minutes_and_a_killed_job_goes_on() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        lost_rollups(bundle)
        hours = hours_between(NOW - timedelta(hours=2), NOW + timedelta(hours=1))
        assert len(hours) == 3

        def dying(cursor: Cursor) -> None:
            if cursor.position == 2:
                raise KilledError

        with pytest.raises(KilledError):
            backfill_hours(bundle.services, hours, only=None, job="h", told=dying)
        seen: list[Cursor] = []
        backfill_hours(bundle.services, hours, only=None, job="h", told=seen.append)
        assert [each.position for each in seen] == [3]
        (rolled,) = bundle.services.rollups.hours(bundle.tenant, WHOLE, first=0, last=10**9)
        assert rolled.block.totals(NAME).summary().count == 1
        assert count(bundle, timeRange="5h", window="1h") == 1


def test_hours_that_are_over_are_made_though_the_hourly_job_never_ran() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        bundle.put(json.loads(a_line(bundle.now)))
        bundle.drain()
        hours = hours_between(NOW, NOW + timedelta(hours=1))
        early = backfill_hours(bundle.services, hours, only=None, job="h", told=nobody)
        assert early == Cursor()
        bundle.clock.advance(3600 + 300)
        done = backfill_hours(bundle.services, hours, only=None, job="h", told=nobody)
        assert done == Cursor(position=1, taken=1)
        (rolled,) = bundle.services.rollups.hours(bundle.tenant, WHOLE, first=0, last=10**9)
        assert rolled.block.totals(NAME).summary().count == 1
        for _ in range(2):
            assert count(bundle, timeRange="5h", window="1h") == 1
            roll_up_hours(bundle.services, bundle.now)


def test_what_is_refused_is_parked_with_the_member_that_is_at_fault() -> None:
    with Bundle(at=NOW, shards=1) as bundle:
        odd = json.loads(a_line(OLD, dims={"outcome": "complete"}))
        lines = [
            json.dumps(odd).encode(),
            json.dumps([json.loads(a_line(OLD)), odd]).encode(),
            a_line(OLD, tenantId="rival"),
            a_line(NOW - timedelta(days=400)),
            a_line(NOW - timedelta(hours=23)),
        ]
        backfill_points(bundle.services, bundle.tenant, lines, job="j", told=nobody)
        page = bundle.services.rejections.page(bundle.tenant, limit=9, cursor=None)
        assert {(each.place[-1], each.code, each.pointer) for each in page.rejections} == {
            ("1", "unknown-outcome", "/dims/outcome"),
            ("2", "unknown-outcome", "/1/dims/outcome"),
            ("3", "other-tenant", "/tenantId"),
            ("4", "too-old", "/ts"),
            ("5", "too-young", "/ts"),
        }


def test_hours_of_another_tenant_are_left_alone() -> None:
    from wedsync.tenancy import Tenant

    with Bundle(at=NOW, shards=1) as bundle:
        lost_rollups(bundle)
        hours = hours_between(NOW, NOW + timedelta(hours=1))
        for only in (Tenant("rival"), bundle.tenant):
            backfill_hours(bundle.services, hours, only=only, job=only.id, told=nobody)
            found = bundle.services.rollups.hours(bundle.tenant, WHOLE, first=0, last=10**9)
            assert len(found) == (only == bundle.tenant)


def test_hours_that_a_store_missed_are_copied_again() -> None:
    with Bundle(at=NOW, shards=1, history=History.TIMESTREAM) as bundle:
        bundle.put(json.loads(a_line(bundle.now)))
        bundle.drain()
        bundle.clock.advance(3 * 3600)
        roll_up_hours(bundle.services, bundle.now)
        for frontier in (Frontier.HISTORY_MINUTES, Frontier.HISTORY_HOURS):
            bundle.services.frontiers.advance(frontier, int(bundle.now.timestamp()) // 60 - 60)
        assert copy_history(bundle.services, bundle.now) == 0
        hours = hours_between(NOW, NOW + timedelta(hours=1))
        backfill_hours(bundle.services, hours, only=None, job="h", told=nobody)
        assert set(widths(bundle)) == {"1m", "1h"}


def widths(bundle: Bundle) -> Iterator[str]:
    from wedsync.cloud import Span

    store = bundle.cloud.time_series(Resource.HISTORY)
    span = Span(dimensions={"tenant": "demo"}, start_ms=0, end_ms=10**14)
    for each in store.read(span):
        yield each.dimensions["width"]
