"""Closed windows really are copied to the long-range store, and answers hold without it."""

import json
from datetime import datetime, timedelta
from typing import cast

import pytest

from infra.local.engine import LocalCloud
from infra.local.invocations import CloudOf
from tests.builders import utc
from tests.harness import Answer, Bundle, a_point, a_wedding_request
from wedsync.cloud import (
    Bucket,
    Clock,
    Cloud,
    Ids,
    Measured,
    Queue,
    Refusal,
    Secret,
    Span,
    Stream,
    Table,
    TimeSeries,
    Topic,
)
from wedsync.errors import Throttled
from wedsync.flows.history import copy_history, mark_for_copying
from wedsync.flows.rollup import roll_up_days, roll_up_hours
from wedsync.resources import Resource
from wedsync.settings import History
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rollups import Again

NOON = utc("2026-06-20T12:00")
NAME = "api.request"


class Store:
    """What stands before the store, and may fail."""

    def __init__(self, series: TimeSeries) -> None:
        self.series = series
        self.down = False
        self.refuses: frozenset[str] = frozenset()
        self.calls = 0

    def write(self, points: object) -> list[Refusal]:
        self.calls += 1
        if self.down:
            raise Throttled
        every = cast("list[Measured]", points)
        wrong = [n for n, each in enumerate(every) if each.dimensions["metric"] in self.refuses]
        self.series.write([each for n, each in enumerate(every) if n not in wrong])
        return [Refusal(n, "it is refused") for n in wrong]

    def read(self, span: Span) -> tuple[Measured, ...]:
        self.calls += 1
        if self.down:
            raise Throttled
        return self.series.read(span)


class CloudWithStore:
    """The machine's cloud with that store in it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.store = Store(cloud.time_series(Resource.HISTORY))

    @property
    def clock(self) -> Clock:
        return self.cloud.clock

    @property
    def wall_clock(self) -> Clock:
        return self.cloud.wall_clock

    @property
    def ids(self) -> Ids:
        return self.cloud.ids

    def table(self, resource: Resource) -> Table:
        return self.cloud.table(resource)

    def stream(self, resource: Resource) -> Stream:
        return self.cloud.stream(resource)

    def topic(self, resource: Resource) -> Topic:
        return self.cloud.topic(resource)

    def queue(self, resource: Resource) -> Queue:
        return self.cloud.queue(resource)

    def bucket(self, resource: Resource) -> Bucket:
        return self.cloud.bucket(resource)

    def secret(self, resource: Resource) -> Secret:
        return self.cloud.secret(resource)

    def time_series(self, _: Resource) -> TimeSeries:
        return self.store


class Stage:
    """A bundle with a history, and its store."""

    def __init__(self, history: History = History.TIMESTREAM) -> None:
        self._clouds: list[CloudWithStore] = []
        self.bundle = Bundle(at=NOON, shards=1, history=history, cloud_of=self._cloud_of)
        self.wedding_id = self.bundle.register(a_wedding_request())

    def _cloud_of(self, cloud: LocalCloud) -> CloudOf:
        self._clouds.append(CloudWithStore(cloud))
        return lambda _: cast("Cloud", self._clouds[0])

    @property
    def store(self) -> Store:
        return self._clouds[0].store

    def put(self, at: datetime, value: float, *, status: str = "200") -> None:
        self.bundle.put(
            a_point(
                NAME,
                at,
                value=value,
                weddingId=self.wedding_id,
                vendorId="photo-1",
                dims={"service": "edge", "status": status},
            )
        )
        self.bundle.machine.streams.run_due()

    def later(self, *, hours: float) -> None:
        """Let time pass in which nothing happens, and run what is due at its end."""
        self.bundle.clock.advance(hours * 3600)
        services = self.bundle.services
        roll_up_hours(services, self.bundle.now)
        roll_up_days(services, self.bundle.now)
        self.bundle.drain()

    def rows(self, **dimensions: str) -> dict[tuple[datetime, str], Measured]:
        """What the store holds of the metric, by time and dimensions."""
        found = self.store.series.read(
            Span(
                dimensions={"tenant": "demo", "metric": NAME, **dimensions},
                start_ms=0,
                end_ms=10**14,
            )
        )
        epoch = utc("1970-01-01T00:00")
        return {
            (epoch + timedelta(milliseconds=each.at_ms), each.dimensions["dims"]): each
            for each in found
        }

    def ask(self, **query: str) -> Answer:
        found = self.bundle.request(
            "GET", "/api/metrics/series", query={"name": NAME, "stat": "count", **query}
        )
        assert found.status == 200, found
        return found


def lines(found: Answer) -> object:
    told = cast("list[dict[str, object]]", found["series"])
    return [(each["dims"], each["points"]) for each in told]


def test_minutes_are_copied_after_the_lateness_bound_and_not_before() -> None:
    stage = Stage()
    with stage.bundle:
        stage.put(NOON, 100)
        stage.put(NOON + timedelta(seconds=30), 300, status="500")
        stage.bundle.advance(15 * 60)
        assert stage.rows() == {}
        stage.bundle.advance(5 * 60)
        tenant = stage.rows(scope="tenant", width="1m")
        assert {dims for _, dims in tenant} == {"*", '{"outcome": "ok"}', '{"outcome": "error"}'}
        whole = tenant[NOON, "*"]
        assert (whole.numbers["count"], whole.numbers["sum"]) == (2, 400)
        assert (whole.numbers["min"], whole.numbers["max"], whole.numbers["p95"]) == (100, 300, 300)
        wedding = stage.rows(scope=f"wedding#{stage.wedding_id}", width="1m")
        assert {dims for _, dims in wedding} == {
            "*",
            '{"service": "edge", "status": "200"}',
            '{"service": "edge", "status": "500"}',
        }
        assert stage.rows(width="1h") == {}


def test_minutes_of_a_wedding_are_copied_while_its_window_is_open_alone() -> None:
    stage = Stage()
    with stage.bundle:
        other = stage.bundle.register(a_wedding_request(on="2026-07-25"))
        point = a_point(NAME, NOON, weddingId=other, dims={"status": "200"})
        stage.bundle.put(point)
        stage.put(NOON, 1)
        stage.later(hours=2)
        assert stage.rows(scope=f"wedding#{stage.wedding_id}", width="1m")
        assert stage.rows(scope=f"wedding#{other}", width="1m") == {}
        assert stage.rows(scope=f"wedding#{other}", width="1h")


def test_hours_are_copied_with_what_came_late_and_again_when_they_change() -> None:
    stage = Stage()
    with stage.bundle:
        stage.put(NOON, 100)
        stage.later(hours=2)
        for scope in ("tenant", f"wedding#{stage.wedding_id}", "vendor#photo-1"):
            row = stage.rows(scope=scope, width="1h")[NOON, "*"]
            assert (row.numbers["count"], row.version) == (1, 1), scope
        stage.put(NOON + timedelta(minutes=1), 200)
        assert len(stage.bundle.services.rollups.changed(Again.HISTORY)) == 1
        stage.bundle.advance(5 * 60)
        assert stage.bundle.services.rollups.changed(Again.HISTORY) == ()
        for scope in ("tenant", f"wedding#{stage.wedding_id}", "vendor#photo-1"):
            row = stage.rows(scope=scope, width="1h")[NOON, "*"]
            assert (row.numbers["count"], row.numbers["sum"], row.version) == (2, 300, 2), scope
        minutes = stage.rows(scope="tenant", width="1m")
        assert {at for at, _ in minutes} == {NOON}, "late points are no part of a minute"


def test_copying_twice_writes_the_same() -> None:
    stage = Stage()
    with stage.bundle:
        stage.put(NOON, 100)
        stage.later(hours=3)
        before = stage.rows()
        services = stage.bundle.services
        table = stage.bundle.cloud.table(Resource.WINDOWS)
        for name in (Frontier.HISTORY_MINUTES, Frontier.HISTORY_HOURS):
            (key,) = (
                item.key for item in table.query("frontiers").items if item.key.sk == name.value
            )
            table.delete(key)
        assert copy_history(services, stage.bundle.now) > 0
        assert stage.rows() == before


def test_an_hour_in_which_several_packs_changed_is_copied_again_once() -> None:
    stage = Stage()
    with stage.bundle:
        stage.put(NOON, 100)
        stage.later(hours=3)
        services, tenant = stage.bundle.services, stage.bundle.tenant
        hour = int(NOON.timestamp()) // 3600
        copied: list[int] = []
        for packs in ([0], [0, 1, 2]):
            for pack in packs:
                mark_for_copying(services, tenant, pack, hour)
            copied.append(copy_history(services, stage.bundle.now))
        assert copied[0] == copied[1] > 0
        assert services.rollups.changed(Again.HISTORY) == ()


def test_a_store_that_is_down_is_caught_up_with_and_counting_goes_on() -> None:
    stage = Stage()
    with stage.bundle:
        stage.store.down = True
        for hour in range(3):
            stage.put(stage.bundle.now, hour)
            stage.later(hours=1)
        assert stage.store.calls > 0
        assert stage.rows() == {}
        assert lines(stage.ask(window="1h", timeRange="4h")) != []
        stage.store.down = False
        stage.later(hours=1)
        hours = stage.rows(scope="tenant", width="1h", dims="*")
        assert {at for at, _ in hours} == {NOON + timedelta(hours=n) for n in range(3)}


def test_what_the_store_never_takes_is_set_aside_with_its_reason() -> None:
    stage = Stage()
    with stage.bundle:
        stage.store.refuses = frozenset({"cake.slices"})
        stage.bundle.put(a_point("cake.slices", NOON, kind="counter"))
        stage.put(NOON, 1)
        stage.later(hours=2)
        assert stage.rows(scope="tenant", width="1h")
        bucket = stage.bundle.cloud.bucket(Resource.QUARANTINE)
        aside = [name for name in bucket.names() if name.startswith("history/demo/")]
        assert len(aside) == 2  # its minute and its hour
        told = json.loads(bucket.get(aside[0]) or b"")
        assert told["reason"] == "it is refused"
        assert told["numbers"]["count"] == 1


def test_nothing_is_copied_where_rollups_are_the_history() -> None:
    stage = Stage(History.DYNAMODB)
    with stage.bundle:
        stage.put(NOON, 100)
        stage.later(hours=2)
        stage.put(NOON, 100)
        assert copy_history(stage.bundle.services, stage.bundle.now) == 0
        assert stage.store.calls == 0
        assert stage.bundle.services.rollups.changed(Again.HISTORY) == ()


def with_old_points() -> Stage:
    stage = Stage()
    for hour in range(3):
        for n in range(20):
            at = stage.bundle.now + timedelta(seconds=n)
            stage.put(at, 10 * n + hour, status="500" if n == 7 else "200")
        stage.later(hours=1)
    for _ in range(3):
        stage.later(hours=30)
    stage.put(stage.bundle.now, 1)
    return stage


QUERIES: tuple[dict[str, str], ...] = (
    {"stat": "count"},
    {"stat": "sum"},
    {"stat": "avg"},
    {"stat": "min"},
    {"stat": "max"},
    {"stat": "rate"},
    {"stat": "p95"},
    {"stat": "count", "groupBy": "outcome"},
    {"stat": "p50", "groupBy": "outcome"},
)


@pytest.mark.parametrize("window", ["1h", "1d"])
def test_long_ranges_are_read_from_the_store_and_equal_the_rollups(window: str) -> None:
    stage = with_old_points()
    with stage.bundle:
        for query in QUERIES:
            asked = {"window": window, "timeRange": "6d", **query}
            from_store = stage.ask(**asked)
            # Quantiles of several hours cannot be told from theirs: rollups answer.
            exact = window == "1h" or query["stat"][0] != "p"
            assert from_store["source"] == ("history" if exact else "rollups"), query
            stage.bundle.clock.advance(2)
            stage.store.down = True
            from_rollups = stage.ask(**asked)
            stage.store.down = False
            stage.bundle.clock.advance(2)
            assert from_rollups["source"] == "rollups"
            assert lines(from_store) == lines(from_rollups), query
            assert lines(from_store) != []


def test_whose_figures_are_asked_for_makes_no_difference() -> None:
    stage = with_old_points()
    with stage.bundle:
        scopes: tuple[dict[str, str], ...] = (
            {"weddingId": stage.wedding_id},
            {"vendorId": "photo-1"},
            {"weddingId": stage.wedding_id, "groupBy": "status"},
        )
        for scope in scopes:
            asked = {"window": "1h", "timeRange": "6d", **scope}
            from_store = stage.ask(**asked)
            assert from_store["source"] == "history", scope
            stage.bundle.clock.advance(2)
            stage.store.down = True
            assert lines(stage.ask(**asked)) == lines(from_store), scope
            stage.store.down = False
            stage.bundle.clock.advance(2)


def test_what_the_store_cannot_tell_exactly_is_told_by_rollups() -> None:
    stage = with_old_points()
    with stage.bundle:
        for scope in (
            {"weddingId": stage.wedding_id, "vendorId": "photo-1"},
            {"weddingId": stage.wedding_id, "groupBy": "vendor_id"},
            {"zone": "Asia/Kolkata", "window": "1d"},
        ):
            found = stage.ask(**{"window": "1h", "timeRange": "6d", **scope})
            assert found["source"] == "rollups"
            assert lines(found) != []


def test_the_store_still_has_minutes_when_the_tables_have_none() -> None:
    stage = with_old_points()
    with stage.bundle:
        then = {"from": "2026-06-20T12:00:00Z", "to": "2026-06-20T15:00:00Z", "window": "1m"}
        found = stage.ask(**then)
        assert found["source"] == "history"
        ms = [round((NOON + timedelta(hours=n)).timestamp() * 1000) for n in range(3)]
        assert lines(found) == [({}, [[each, 20.0] for each in ms])]
        stage.bundle.clock.advance(2)
        stage.store.down = True
        query = {"name": NAME, **then}
        refused = stage.bundle.request("GET", "/api/metrics/series", query=query)
        assert refused.status == 400
        assert str(refused["type"]).endswith("resolution-not-kept")
