"""Hours and days agree with the points that were sent, and are written once."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import cast

import pytest

from tests.builders import utc
from tests.functions.cases import sample
from tests.functions.stage import FUNCTIONS, Context
from tests.harness import Answer, Bundle, a_point, a_wedding_request
from wedsync.cloud import Arrived, Key
from wedsync.flows.ingest import ingest
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.resources import Resource
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rollups import WHOLE, Again
from wedsync.weddings.calendar import day_start

NOON = utc("2026-06-20T12:00")
NAME = "photo.upload"
WHOSE = ("tenant", "vendor#photo-1")


def asked(bundle: Bundle, **query: str) -> Answer:
    wanted = {"name": NAME, "stat": "count", **query}
    found = bundle.request("GET", "/api/metrics/series", query=wanted)
    assert found.status == 200, found
    return found


def points(found: Answer) -> dict[datetime, float]:
    lines = cast("list[dict[str, list[tuple[int, float]]]]", found["series"])
    return {utc_of(ms): value for line in lines for ms, value in line["points"]}


def utc_of(ms: int) -> datetime:
    return utc("1970-01-01T00:00") + timedelta(milliseconds=ms)


def count(bundle: Bundle, **query: str) -> float:
    return sum(points(asked(bundle, **query)).values())


def later(bundle: Bundle, *, days: float = 0, hours: float = 0) -> None:
    """Let time pass in which nothing happens, and run what is due at its end."""
    bundle.clock.advance(timedelta(days=days, hours=hours).total_seconds())
    roll_up_hours(bundle.services, bundle.now)
    roll_up_days(bundle.services, bundle.now)
    bundle.drain()


def put(
    bundle: Bundle, at: datetime, *, wedding_id: str | None = None, vendor_id: str | None = None
) -> None:
    whose = {"weddingId": wedding_id, "vendorId": vendor_id}
    named = {name: each for name, each in whose.items() if each is not None}
    point = a_point(NAME, at, value=500, dims={"outcome": "completed"})
    bundle.put({**point, **named})


def rows(bundle: Bundle, wedding_id: str) -> dict[Key, Mapping[str, object]]:
    """Everything that is rolled up, by key."""
    hour = int(NOON.timestamp()) // 3600
    partitions = [
        f"demo#part#{hour}",
        f"demo#wedding#{wedding_id}",
        f"demo#day#wedding#{wedding_id}#Europe/Madrid",
        *(f"demo#{kind}#{who}" for kind in ("hour", "quarters") for who in WHOSE),
        *(f"demo#day#{who}#UTC" for who in WHOSE),
        "frontiers",
        "again#days",
    ]
    table = bundle.cloud.table(Resource.WINDOWS)
    return {
        item.key: dict(item.attributes)
        for partition in partitions
        for item in table.query(partition).items
    }


@pytest.mark.parametrize("seed", range(2))
def test_every_window_sums_to_what_was_sent_for_it(seed: int) -> None:
    chance = random.Random(seed)
    with Bundle(at=NOON, seed=seed, shards=1, packs=3) as bundle:
        weddings = [bundle.register(a_wedding_request(couple=f"{n}")) for n in "ab"]
        on_time = accepted = 0
        for _ in range(10):
            for _ in range(chance.randint(1, 4)):
                late = timedelta(minutes=chance.choice([0, 0, 1, 7, 40, 90]))
                vendor = chance.choice(["photo-1", "photo-2"])
                wedding = chance.choice([*weddings, None])
                put(bundle, bundle.now - late, wedding_id=wedding, vendor_id=vendor)
                accepted += 1
                on_time += late <= timedelta(minutes=15)
            bundle.advance(60)
        assert count(bundle, window="1s", timeRange="15m") <= on_time
        for window in ("1m", "5m"):
            assert count(bundle, window=window, timeRange="3h") == on_time
        for hours in (0, 3, 72):
            later(bundle, hours=hours)
            for window in ("1h", "1d"):
                assert count(bundle, window=window, timeRange="5d") == accepted, (window, hours)
                by_vendor = [
                    count(bundle, window=window, timeRange="5d", vendorId=each)
                    for each in ("photo-1", "photo-2")
                ]
                assert sum(by_vendor) == accepted, (window, hours)
                assert 0 < by_vendor[0] < accepted


def test_one_second_one_minute_and_five_minutes_sum_alike() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        for _ in range(5):
            put(bundle, bundle.now)
            put(bundle, bundle.now - timedelta(minutes=2))
            put(bundle, bundle.now - timedelta(minutes=20))
            bundle.advance(60)
        sums = {w: count(bundle, window=w, timeRange="15m") for w in ("1s", "1m", "5m")}
        assert sums == {"1s": 10, "1m": 10, "5m": 10}
        assert count(bundle, window="1h", timeRange="2h") == 15
        assert count(bundle, window="1d", timeRange="2d") == 15


@pytest.mark.parametrize("job", ["schedules-hourly", "schedules-daily"])
def test_the_event_of_an_hour_or_a_day_fired_twice_writes_the_same_rows(job: str) -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding_request())
        put(bundle, bundle.now, wedding_id=wedding_id, vendor_id="photo-1")
        bundle.drain()
        later(bundle, hours=20)
        later(bundle, hours=50)
        before = rows(bundle, wedding_id)
        kinds = Counter(key.pk.split("#")[1] for key in before if key.pk.startswith("demo"))
        assert kinds == {"part": 1, "wedding": 1, "hour": 2, "quarters": 2, "day": 3}
        for _ in range(2):
            bundle.clock.advance(5)
            FUNCTIONS[job].run(sample(job), Context(), bundle.cloud, bundle.settings)
            assert rows(bundle, wedding_id) == before


def test_a_late_point_changes_its_hour_at_once_and_its_day() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        put(bundle, bundle.now)
        later(bundle, hours=5)
        put(bundle, NOON)
        bundle.drain()
        assert points(asked(bundle, window="1h", timeRange="6h")) == {NOON: 2}
        (stored,) = bundle.services.rollups.hours(bundle.tenant, WHOLE, first=0, last=10**9)
        assert stored.version == 2
        assert points(asked(bundle, window="1d", timeRange="1d")) == {utc("2026-06-20T00:00"): 2}


def test_a_day_is_made_again_when_one_of_its_hours_changes_after_it() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        put(bundle, bundle.now)
        bundle.drain()
        later(bundle, hours=36)
        assert stored_days(bundle) == {}
        later(bundle, hours=1)
        assert stored_days(bundle) == {date(2026, 6, 20): 1}
        # A record that waited on the stream arrived in time, and is counted two days later.
        redrive(bundle, NOON + timedelta(minutes=1), arrived=NOON + timedelta(minutes=2))
        assert bundle.services.rollups.changed(Again.DAYS)[0].hour == int(NOON.timestamp()) // 3600
        later(bundle, hours=1)
        assert stored_days(bundle)[date(2026, 6, 20)] == 2
        assert bundle.services.rollups.changed(Again.DAYS) == ()


def redrive(bundle: Bundle, at: datetime, *, arrived: datetime) -> None:
    """Deliver a record late that arrived in its time, as whoever redrives a failed batch does."""
    record = Arrived(
        stream="wedsync-metrics",
        shard="shardId-000000000000",
        sequence="1",
        data=json.dumps(a_point(NAME, at, dims={"outcome": "completed"})).encode(),
        arrived_at_ms=round(arrived.timestamp() * 1000),
    )
    ingest([record], bundle.services)


def stored_days(bundle: Bundle) -> dict[date, int]:
    return {
        each.date: each.block.totals(NAME).summary().count
        for each in bundle.services.rollups.days(
            bundle.tenant, WHOLE, "UTC", first=date(2026, 1, 1), last=date(2027, 1, 1)
        )
    }


def test_missed_runs_are_caught_up() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        later(bundle)
        for _ in range(30):
            put(bundle, bundle.now)
            bundle.machine.streams.run_due()
            bundle.clock.advance(3600)  # the clock's jobs do not run
        bundle.clock.advance(180)
        assert roll_up_hours(bundle.services, bundle.now) == 30
        assert len(bundle.services.rollups.hours(bundle.tenant, WHOLE, first=0, last=10**9)) == 30
        bundle.clock.advance(46 * 3600)
        roll_up_hours(bundle.services, bundle.now)
        assert roll_up_days(bundle.services, bundle.now) == 2
        assert sum(stored_days(bundle).values()) == 30
        reached = bundle.services.frontiers.get(Frontier.DAYS)
        assert reached == (int(bundle.now.timestamp()) // 60 - 25 * 60)


def test_stored_hours_and_days_answer_when_minutes_are_gone() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding_request())
        for _ in range(3):
            put(bundle, bundle.now, wedding_id=wedding_id, vendor_id="photo-1")
            bundle.machine.streams.run_due()
            bundle.clock.advance(3600)
        later(bundle, hours=20)
        later(bundle, days=4)
        bundle.cloud.sweep()
        scopes: tuple[dict[str, str], ...] = (
            {},
            {"weddingId": wedding_id},
            {"vendorId": "photo-1"},
        )
        for scope in scopes:
            hours = points(asked(bundle, window="1h", timeRange="6d", **scope))
            assert hours == {NOON + timedelta(hours=n): 1 for n in range(3)}, scope
            days = points(asked(bundle, window="1d", timeRange="6d", **scope))
            assert list(days.values()) == [3], scope
        then = {"from": "2026-06-20T12:00:00Z", "to": "2026-06-20T13:00:00Z"}
        query = {"name": NAME, "window": "1m", **then}
        refused = bundle.request("GET", "/api/metrics/series", query=query)
        assert refused.status == 400
        assert str(refused["type"]).endswith("resolution-not-kept")


CHANGES = [
    # zone, a point every hour from, the local day, its start, its hours
    ("Europe/Madrid", "2026-03-29", "2026-03-28T23:00", 23),
    ("Europe/Madrid", "2026-10-25", "2026-10-24T22:00", 25),
    ("America/New_York", "2026-03-08", "2026-03-08T05:00", 23),
    ("Australia/Sydney", "2026-10-04", "2026-10-03T14:00", 23),
    ("Asia/Kolkata", "2026-06-20", "2026-06-19T18:30", 24),
    ("Asia/Kathmandu", "2026-06-20", "2026-06-19T18:15", 24),
]


@pytest.mark.parametrize(("zone", "day", "starts", "hours"), CHANGES)
@pytest.mark.parametrize("days_later", [0, 4])
def test_a_day_is_the_venues_own_also_where_clocks_change(
    zone: str, day: str, starts: str, hours: int, days_later: int
) -> None:
    start = utc(starts)
    begin = start - timedelta(hours=2)
    with Bundle(at=begin, shards=1) as bundle:
        wedding_id = bundle.register(a_wedding_request(on=day, zone=zone))
        end = start + timedelta(hours=hours)
        edges = (start - timedelta(seconds=1), start, end - timedelta(seconds=1), end)
        between = [start + timedelta(hours=hour, minutes=20) for hour in range(hours)]
        for ts in sorted([*edges, *between]):
            bundle.clock.set(ts)
            put(bundle, ts, wedding_id=wedding_id, vendor_id="photo-1")
            bundle.machine.streams.run_due()
        later(bundle, hours=3)
        later(bundle, days=days_later)
        scopes = ({"weddingId": wedding_id}, {"zone": zone}, {"zone": zone, "vendorId": "photo-1"})
        for scope in scopes:
            found = asked(bundle, window="1d", timeRange="9d", **scope)
            assert found["bucketZone"] == zone
            before = day_start(zone, date.fromisoformat(day) - timedelta(days=1))
            assert points(found) == {before: 1, start: hours + 2, end: 1}, scope


def test_a_gap_is_a_gap() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        put(bundle, bundle.now)
        bundle.drain()
        later(bundle, hours=3)
        put(bundle, bundle.now)
        bundle.drain()
        for window in ("1m", "5m", "1h"):
            found = points(asked(bundle, window=window, timeRange="6h"))
            assert found == {NOON: 1, NOON + timedelta(hours=3): 1}, window
        assert points(asked(bundle, window="1h", name="nothing.sent")) == {}


def test_a_vendor_at_a_wedding_is_told_apart_from_others() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        one, two = (bundle.register(a_wedding_request(couple=name)) for name in ("a", "b"))
        for wedding_id, vendor_id, many in ((one, "p", 1), (one, "q", 2), (two, "p", 4)):
            for _ in range(many):
                put(bundle, bundle.now, wedding_id=wedding_id, vendor_id=vendor_id)
        bundle.advance(60)
        for hours in (0, 2, 96):
            later(bundle, hours=hours)
            windows = ("1h", "1d") if hours else ("1m", "1h", "1d")
            for window in windows:
                query = {"window": window, "timeRange": "5h" if window == "1m" else "6d"}
                assert count(bundle, **query, weddingId=one, vendorId="p") == 1
                assert count(bundle, **query, weddingId=one) == 3
                assert count(bundle, **query, vendorId="p") == 5
                assert count(bundle, **query, vendorId="nobody") == 0


def test_an_answer_says_how_old_and_how_good_it_is_and_where_it_is_heading() -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        put(bundle, bundle.now)
        bundle.drain()
        first, again = (asked(bundle, window="1h") for _ in range(2))
        assert (first["cacheHit"], again["cacheHit"]) == (False, True)
        assert first["asOf"] == "2026-06-20T12:00:00Z"
        assert first["executionTime"] == 0.0
        quality = cast("dict[str, object]", first["dataQuality"])
        assert (quality["accepted"], quality["rejected"], quality["score"]) == (1, 0, 1.0)
        (line,) = cast("list[dict[str, dict[str, object]]]", first["series"])
        assert line["trend"]["insufficientHistory"] is True
        assert (line["trend"]["days"], line["trend"]["required"]) == (0, 14)
        assert line["trend"]["slopePerDay"] is None


@pytest.mark.parametrize("window", ["1d", "1h"])
def test_a_trend_is_that_of_whole_days(window: str) -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        later(bundle)
        for day in range(15):
            for _ in range(10 + 2 * day):
                put(bundle, bundle.now)
            bundle.machine.streams.run_due()
            later(bundle, days=1)
        put(bundle, bundle.now)  # today is not over, and no part of it
        bundle.machine.streams.run_due()
        found = asked(bundle, window=window, timeRange="20d")
        (line,) = cast("list[dict[str, dict[str, float]]]", found["series"])
        trend = line["trend"]
        assert trend["days"] == 15
        assert not trend["insufficientHistory"]
        assert trend["slopePerDay"] == pytest.approx(2)
        assert trend["low"] == pytest.approx(2)
        assert trend["high"] == pytest.approx(2)


@pytest.mark.parametrize(
    "query",
    [
        {"window": "1m", "timeRange": "7h"},
        {"window": "1h", "timeRange": "32d"},
        {"window": "1d", "timeRange": "2000d"},
        {"window": "1d", "timeRange": "500d", "zone": "Asia/Kolkata"},
        {"window": "1d", "zone": "Mars/Olympus"},
        {"window": "1d", "from": "9999-12-30T00:00:00Z", "to": "9999-12-31T23:59:59Z"},
        {"window": "1d", "from": "0001-01-01T00:00:00Z", "to": "0001-01-02T00:00:00Z"},
        {"window": "1h", "from": "9999-12-31T23:00:00Z", "to": "9999-12-31T23:59:59.9Z"},
        {"window": "2h"},
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_is_refused(query: dict[str, str]) -> None:
    with Bundle(at=NOON, shards=1) as bundle:
        found = bundle.request("GET", "/api/metrics/series", query={"name": NAME, **query})
        assert found.status == 400, found
