"""Values that are changed: over HTTP and over the stream, by many at once, however often."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.event_sources import kinesis_event
from tests.builders import utc
from tests.functions.stage import FUNCTIONS, Context
from tests.harness import Bundle, Point, a_point
from wedsync.metrics.updates import Operation, Update, ValueName
from wedsync.resources import Resource

NOON = utc("2026-06-20T14:05")
PATH = "/api/metrics/ingest"


def change(bundle: Bundle, operation: str, value: float | None, **members: object) -> Point:
    point = {**a_point("guests.present", bundle.now), **members}
    del point["kind"]
    return {**point, "operation": operation, "value": value}


def value(bundle: Bundle) -> object:
    (only,) = bundle.get("/api/metrics/values", name="guests.present").items
    return only["value"]


@pytest.mark.parametrize("way", ["http", "stream"])
def test_ten_and_five_less_three_and_then_set_to_seven(way: str) -> None:
    with Bundle(at=NOON) as bundle:
        changes = (("increment", 10), ("increment", 5), ("decrement", 3), ("set", 7))
        for (operation, number), after in zip(changes, (10, 15, 12, 7), strict=True):
            told = change(bundle, operation, number, priority="high", weddingId="w1")
            for _ in range(2):
                if way == "http":
                    assert bundle.post(PATH, told).status == 202
                else:
                    bundle.put(told)
            bundle.advance(1)
            assert value(bundle) == after
        half = {"op": "divide", "of": [{"field": "current"}, 2]}
        bundle.put(change(bundle, "calculate", None, calculate=half, weddingId="w1"))
        bundle.drain()
        assert value(bundle) == 3.5
        assert bundle.get("/api/metrics/series", name="guests.present")["series"] == []


def test_increments_from_every_shard_are_all_there_and_a_replay_adds_none() -> None:
    with Bundle(at=NOON, shards=4) as bundle:
        for number in range(40):
            told = change(bundle, "increment", 1, count=2)
            if number % 2:
                del told["eventId"]  # known by its place on the stream
            bundle.put(told, partition_key=f"door {number}")
        bundle.drain()
        assert value(bundle) == 80
        for mapping in bundle.machine.streams.mappings:
            records = bundle.cloud.stream(Resource.METRICS_STREAM).records(mapping.shard_id)
            event = kinesis_event(
                records, "arn:aws:kinesis:x:0:stream/wedsync-metrics", bundle.settings
            )
            FUNCTIONS["streams-metrics"].run(event, Context(), bundle.cloud, bundle.settings)
        assert value(bundle) == 80


def test_writers_that_meet_at_one_value_lose_nothing_of_each_other() -> None:
    with Bundle(at=NOON) as bundle, ThreadPoolExecutor(4) as four:
        name = ValueName(metric="guests.present")
        store = bundle.services.running_values

        def increment(number: int) -> int:
            at_ms = round(NOON.timestamp() * 1000) + number
            one = Update(ts_ms=at_ms, update_id=1, operation=Operation.INCREMENT, value=1)
            return store.update(bundle.tenant, name, [one], now=bundle.now).applied

        assert sum(four.map(increment, [*range(1, 41), *range(1, 41)])) == 40
        assert value(bundle) == 40


def test_a_set_that_comes_late_leaves_what_was_added_after_it() -> None:
    with Bundle(at=NOON) as bundle:
        early = change(bundle, "set", 100)
        bundle.advance(60)
        bundle.put(change(bundle, "increment", 3))
        bundle.drain()
        assert value(bundle) == 3
        bundle.put(early)
        bundle.drain()
        assert value(bundle) == 103
        bundle.put({**early, "ts": early["ts"] - 25 * 3_600_000})  # type: ignore[operator] # a number
        bundle.drain()
        (parked,) = bundle.get("/api/metrics/ingest/rejections").items
        assert parked["code"] == "too-late"
        assert value(bundle) == 103


def test_a_wrong_operation_is_refused_by_name() -> None:
    with Bundle(at=NOON) as bundle:
        answer = bundle.post(PATH, change(bundle, "double", 1))
        assert (answer.status, answer["errors"]) == (
            400,
            [
                {
                    "pointer": "/operation",
                    "code": "bad-operation",
                    "detail": "operation is one of increment, decrement, set, calculate",
                }
            ],
        )
