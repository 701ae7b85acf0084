"""Streams reach their consumers by the rules of a Kinesis event source mapping."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.engine import STREAM_RETENTION
from infra.local.event_sources import WHOLE, lowest_failure
from infra.local.invocations import Raised, Returned
from infra.local.store.streams import Shard, hash_of
from tests.infra.local.functions_under_test import (
    SATURDAY,
    Event,
    a_cloud,
    a_consumer,
    a_machine,
    data_of,
    failing,
    kept_failures,
    put,
    records_of,
    sequences_of,
)
from wedsync.cloud import Cloud
from wedsync.resources import Resource

EMPTY_NAME = {"batchItemFailures": [{"itemIdentifier": ""}]}
WRONG_NAME = {"batchItemFailures": [{"id": "2"}]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, None),
        ({}, None),
        ({"batchItemFailures": None}, None),
        ({"batchItemFailures": []}, None),
        ({"other": 1}, None),
        (failing("2"), 1),
        (failing("3", "2"), 1),
        (failing("1"), 0),
        # Known wrong: what is not understood is not a success.
        (failing("9"), WHOLE),
        (failing("2", "9"), WHOLE),
        (failing(None), WHOLE),
        (EMPTY_NAME, WHOLE),
        (WRONG_NAME, WHOLE),
        ({"batchItemFailures": "2"}, WHOLE),
        ("done", WHOLE),
        ([], WHOLE),
    ],
)
def test_the_lowest_reported_record_decides(answer: object, expected: int | None) -> None:
    assert lowest_failure(["1", "2", "3"], Returned(answer)) == expected


def test_an_error_fails_the_whole_batch() -> None:
    assert lowest_failure(["1", "2"], Raised("ValueError", "no")) == WHOLE


def test_records_come_in_order_and_in_batches() -> None:
    cloud, _ = a_cloud()
    consumer = a_consumer(batch_size=3)
    put(cloud, "a", "b", "c", "d")
    assert a_machine(cloud, consumer).run_due() == {"streams-ingest": 2}
    assert [data_of(event) for event in consumer.events] == [["a", "b", "c"], ["d"]]


def test_an_event_looks_as_lambda_makes_it() -> None:
    cloud, _ = a_cloud()
    consumer = a_consumer()
    put(cloud, "a", key="wedding-1")
    a_machine(cloud, consumer).run_due()
    (record,) = records_of(consumer.events[0])
    (sequence,) = sequences_of(consumer.events[0])
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "wedding-1",
            "sequenceNumber": sequence,
            "data": "YQ==",
            "approximateArrivalTimestamp": SATURDAY.timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/wedsync",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/wedsync-metrics",
    }


def test_an_event_holds_at_most_six_megabytes() -> None:
    cloud, _ = a_cloud()
    consumer = a_consumer()
    for _ in range(9):
        put(cloud, "x" * 1_000_000)
    a_machine(cloud, consumer).run_due()
    assert [len(records_of(event)) for event in consumer.events] == [4, 4, 1]


def test_each_shard_goes_its_own_way() -> None:
    cloud, _ = a_cloud(shards=4)

    def script(event: Event, _: Cloud) -> object:
        if "poison" in data_of(event):
            raise ValueError
        return None

    consumer = a_consumer(script)
    put(cloud, "poison", key="w1")
    put(cloud, "fine", key="w2")
    a_machine(cloud, consumer).run_due()
    assert ["fine"] in [data_of(event) for event in consumer.events]


def test_a_partial_failure_runs_everything_from_the_lowest_again() -> None:
    cloud, _ = a_cloud()
    answers = iter([lambda event: failing(*sequences_of(event)[2:0:-1])])
    consumer = a_consumer(lambda event, _: next(answers, lambda _: None)(event))
    put(cloud, "a", "b", "c", "d")
    machine = a_machine(cloud, consumer)
    machine.advance(0)
    put(cloud, "e")
    machine.advance(60)
    assert [data_of(event) for event in consumer.events] == [
        ["a", "b", "c", "d"],
        ["b", "c", "d"],
        ["e"],
    ]


def test_a_poison_record_costs_only_itself() -> None:
    cloud, clock = a_cloud()

    def script(event: Event, _: Cloud) -> object:
        if "poison" in data_of(event):
            raise ValueError("cannot be read")
        return None

    consumer = a_consumer(script, retries=2)
    put(cloud, "a", "b", "poison", "c", "d")
    machine = a_machine(cloud, consumer)
    machine.advance(3600)
    consumed = [text for event in consumer.events for text in data_of(event)]
    assert [data_of(event) for event in consumer.events] == [
        ["a", "b", "poison", "c", "d"],
        ["a", "b", "poison"],
        ["a", "b"],
        ["poison"],
        ["poison"],
        ["poison"],
        ["c", "d"],
    ]
    assert consumed.count("poison") == 5
    (failure,) = kept_failures(cloud)
    assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted"  # type: ignore[index] # JSON
    assert failure["requestContext"]["approximateInvokeCount"] == 3  # type: ignore[index] # JSON
    assert failure["reason"] == "ValueError: cannot be read"
    assert data_of(json.loads(str(failure["payload"]))) == ["poison"]
    assert clock.now() == SATURDAY + timedelta(hours=1)


def test_an_unknown_id_splits_the_batch_as_an_error_does() -> None:
    cloud, _ = a_cloud()
    consumer = a_consumer(
        lambda event, _: failing("unknown") if len(records_of(event)) > 1 else None
    )
    put(cloud, "a", "b")
    a_machine(cloud, consumer).run_due()
    assert [data_of(event) for event in consumer.events] == [["a", "b"], ["a"], ["b"]]


def test_retries_wait_longer_each_time_and_end() -> None:
    cloud, clock = a_cloud()
    at: list[float] = []

    def script(event: Event, _: Cloud) -> object:
        at.append((clock.now() - SATURDAY).total_seconds())
        return failing(sequences_of(event)[0])

    put(cloud, "a", "b")
    consumer = a_consumer(script)
    machine = a_machine(cloud, consumer)
    machine.advance(600)
    assert at == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181]
    assert len(kept_failures(cloud)) == 1
    put(cloud, "c")
    machine.advance(0)
    assert data_of(consumer.events[-1]) == ["c"]


def test_what_is_too_old_is_kept_and_not_handed_out() -> None:
    cloud, clock = a_cloud()
    consumer = a_consumer(max_age_seconds=60)
    put(cloud, "old")
    clock.advance(61)
    put(cloud, "new")
    a_machine(cloud, consumer).run_due()
    assert [data_of(event) for event in consumer.events] == [["new"]]
    (failure,) = kept_failures(cloud)
    assert failure["requestContext"]["condition"] == "RecordAgeExceeded"  # type: ignore[index] # JSON


def test_a_restart_goes_on_behind_the_checkpoint(tmp_path: Path) -> None:
    cloud, _ = a_cloud(tmp_path / "db")
    put(cloud, "a", "b")
    a_machine(cloud, a_consumer()).run_due()
    put(cloud, "c")
    cloud.close()
    again, _ = a_cloud(tmp_path / "db")
    consumer = a_consumer()
    a_machine(again, consumer).run_due()
    assert [data_of(event) for event in consumer.events] == [["c"]]
    again.close()


class Killed(BaseException):
    """The process dies."""


def test_a_batch_whose_function_died_comes_again() -> None:
    cloud, _ = a_cloud()

    def die(*_: object) -> object:
        raise Killed

    put(cloud, "a")
    with pytest.raises(Killed):
        a_machine(cloud, a_consumer(die)).run_due()
    consumer = a_consumer()
    a_machine(cloud, consumer).run_due()
    assert [data_of(event) for event in consumer.events] == [["a"]]


def test_what_a_consumer_puts_is_consumed_at_the_same_instant() -> None:
    cloud, clock = a_cloud()

    def script(event: Event, cloud: Cloud) -> object:
        if data_of(event) == ["a"]:
            put(cloud, "b")
        return None

    consumer = a_consumer(script)
    put(cloud, "a")
    machine = a_machine(cloud, consumer)
    assert machine.next_due() == clock.now()
    machine.advance(0)
    assert [data_of(event) for event in consumer.events] == [["a"], ["b"]]
    assert machine.next_due() is None


def test_the_children_of_a_split_shard_wait_until_it_is_drained() -> None:
    """Also while it fails, and across a restart: what was put first is handed out first."""
    cloud, clock = a_cloud()
    tries = iter((True, True, False))

    def script(_: Event, cloud: Cloud) -> object:
        del cloud
        return failing("nobody") if next(tries, False) else None

    consumer = a_consumer(script)
    machine = a_machine(cloud, consumer)
    put(cloud, "first")
    assert machine.run_due() == {"streams-ingest": 1}
    lower, upper = cloud.stream(Resource.METRICS_STREAM).split("shardId-000000000000")
    assert (lower.parents, upper.parents) == (("shardId-000000000000",),) * 2
    put(cloud, "low", key=_key_of(lower))
    put(cloud, "high", key=_key_of(upper))
    assert machine.run_due() == {}
    machine = a_machine(cloud, consumer)
    assert machine.run_due() == {"streams-ingest": 1}
    assert machine.next_due() == clock.now() + timedelta(seconds=1)
    clock.advance(1)
    assert machine.run_due() == {"streams-ingest": 3}
    assert [data_of(event) for event in consumer.events] == [["first"]] * 3 + [["low"], ["high"]]


def test_shards_may_be_merged_and_split_again_before_anything_is_read() -> None:
    cloud, _ = a_cloud(shards=2)
    stream = cloud.stream(Resource.METRICS_STREAM)
    first, second = stream.shards()
    consumer = a_consumer()
    machine = a_machine(cloud, consumer)
    put(cloud, "1", key=_key_of(second))
    merged = stream.merge(second.shard_id, first.shard_id)
    assert (merged.first_hash, merged.last_hash) == (first.first_hash, second.last_hash)
    put(cloud, "2")
    _, upper = stream.split(merged.shard_id, at_hash=7)
    put(cloud, "3", key=_key_of(upper))
    machine.run_due()
    assert [data_of(event) for event in consumer.events] == [["1"], ["2"], ["3"]]
    assert [shard.is_open for shard in stream.shards()] == [False] * 3 + [True] * 2


def test_what_cannot_be_split_or_merged_is_refused() -> None:
    cloud, _ = a_cloud(shards=3)
    stream = cloud.stream(Resource.METRICS_STREAM)
    first, second, third = (shard.shard_id for shard in stream.shards())
    with pytest.raises(ValueError, match="adjoin"):
        stream.merge(first, third)
    with pytest.raises(ValueError, match="cannot be split"):
        stream.split(first, at_hash=0)
    stream.split(first)
    with pytest.raises(ValueError, match="no open shard"):
        stream.merge(first, second)


def test_a_stream_that_is_made_anew_is_read_from_its_start() -> None:
    cloud, _ = a_cloud(shards=2)
    stream = cloud.stream(Resource.METRICS_STREAM)
    consumer = a_consumer()
    machine = a_machine(cloud, consumer)
    put(cloud, "before")
    machine.run_due()
    put(cloud, "lost")
    (last,) = sequences_of(consumer.events[0])
    stream.make_anew(1)
    put(cloud, "after")
    machine.run_due()
    assert [data_of(event) for event in consumer.events] == [["before"], ["after"]]
    assert sequences_of(consumer.events[1])[0] > last
    assert [shard.shard_id for shard in stream.shards()] == ["shardId-000000000000"]


def test_a_closed_shard_is_forgotten_with_its_last_record() -> None:
    cloud, clock = a_cloud()
    stream = cloud.stream(Resource.METRICS_STREAM)
    consumer = a_consumer()
    machine = a_machine(cloud, consumer)
    put(cloud, "old")
    stream.split("shardId-000000000000")
    clock.advance(STREAM_RETENTION.total_seconds() + 1)
    put(cloud, "new")
    cloud.sweep()
    assert len(stream.shards()) == 2
    machine.run_due()
    assert [data_of(event) for event in consumer.events] == [["new"]]


def test_shards_keep_their_parents_and_ends_in_the_file(tmp_path: Path) -> None:
    cloud, _ = a_cloud(tmp_path / "wedsync.db")
    with cloud:
        cloud.stream(Resource.METRICS_STREAM).split("shardId-000000000000", at_hash=5)
        shards = cloud.stream(Resource.METRICS_STREAM).shards()
    again, _ = a_cloud(tmp_path / "wedsync.db", shards=4)
    with again:
        assert again.stream(Resource.METRICS_STREAM).shards() == shards


def _key_of(shard: Shard) -> str:
    """A partition key that the shard owns."""
    keys = (f"key-{number}" for number in range(1000))
    return next(key for key in keys if shard.first_hash <= hash_of(key) <= shard.last_hash)
