"""What the local machine asks of its stores, beyond the seam."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from infra.local.clock import ManualClock, RandomIds, RealClock, SeededIds
from infra.local.engine import STREAM_RETENTION, LocalCloud
from infra.local.store.streams import HASHES, hash_of
from tests.cloud.conftest import SATURDAY
from wedsync.cloud import (
    EXPIRES_AT,
    Absent,
    ConditionFailed,
    Delayed,
    Equals,
    Item,
    Key,
    Message,
    Record,
)
from wedsync.resources import Resource

LEASE = timedelta(seconds=30)


def test_shards_share_out_all_hashes(local: LocalCloud) -> None:
    shards = local.stream(Resource.METRICS_STREAM).shards()
    assert [s.shard_id for s in shards] == [f"shardId-{n:012d}" for n in range(4)]
    assert shards[0].first_hash == 0
    assert shards[-1].last_hash == HASHES - 1
    assert all(shard.last_hash + 1 == following.first_hash for shard, following in pairwise(shards))


def test_a_record_lies_on_the_shard_that_owns_its_hash(local: LocalCloud) -> None:
    stream = local.stream(Resource.METRICS_STREAM)
    assert hash_of("a") == 0x0CC175B9C0F1B6A831C399E269772661  # MD5 of "a", from RFC 1321
    records = [Record("a", b"1"), Record("a", b"2"), Record("a", b"3")]
    placed = stream.place(records, hashes=(None, 0, HASHES - 1))
    assert [p.shard_id[-1] for p in placed] == ["0", "0", "3"]
    with pytest.raises(ValueError, match="128 bits"):
        stream.place(records[:1], hashes=(HASHES,))


def test_a_shard_is_read_in_order_from_any_place(local: LocalCloud, clock: ManualClock) -> None:
    stream = local.stream(Resource.METRICS_STREAM)
    shard = stream.place([Record("w1", b"0")])[0].shard_id
    clock.advance(1)
    later = clock.now()
    stream.put([Record("w1", b"%d" % number) for number in range(1, 12)])
    records = stream.records(shard)
    assert [r.data for r in records] == [b"%d" % number for number in range(12)]
    assert all(len(r.sequence) == 56 for r in records)
    assert sorted(r.sequence for r in records) == [r.sequence for r in records]
    assert [r.data for r in stream.records(shard, after=records[3].sequence, limit=2)] == [
        b"4",
        b"5",
    ]
    assert records[0].arrived_at == SATURDAY
    assert stream.newest(shard) == records[-1].sequence
    assert stream.records(shard, after=stream.newest(shard)) == ()
    assert stream.records(shard, after=stream.before(shard, later))[0].data == b"1"
    assert stream.before(shard, later + timedelta(seconds=1)) == stream.newest(shard)
    with pytest.raises(ValueError, match="no shard"):
        stream.records("shardId-9")
    with pytest.raises(ValueError, match="digits"):
        stream.records(shard, after="x")


def test_a_consumer_goes_on_where_it_was_and_knows_how_far_behind_it_is(
    local: LocalCloud, clock: ManualClock
) -> None:
    stream = local.stream(Resource.METRICS_STREAM)
    first, second = stream.place([Record("w1", b"0"), Record("w1", b"1")])
    shard = first.shard_id
    assert stream.checkpoint("windows", shard) is None
    clock.advance(2.5)
    assert stream.iterator_age_ms("windows", shard) == 2500
    stream.set_checkpoint("windows", shard, first.sequence)
    assert stream.checkpoint("windows", shard) == first.sequence
    assert stream.checkpoint("other", shard) is None
    assert stream.iterator_age_ms("windows", shard) == 2500
    stream.set_checkpoint("windows", shard, second.sequence)
    assert stream.iterator_age_ms("windows", shard) == 0


def test_a_message_is_seen_when_its_delay_is_over_and_again_when_its_lease_is(
    local: LocalCloud, clock: ManualClock
) -> None:
    queue = local.queue(Resource.WAKE)
    assert queue.earliest_due() is None
    queue.send(Delayed("late", 20))
    queue.send(Delayed("early", 10))
    assert queue.earliest_due() == SATURDAY + timedelta(seconds=10)
    clock.advance(9.999)
    assert queue.receive(lease=LEASE) == ()
    clock.advance(0.001)
    (early,) = queue.receive(lease=LEASE)
    assert (early.body, early.receives, early.sent_at) == ("early", 1, SATURDAY)
    clock.advance(30)
    assert queue.due_count() == 2
    late, again = queue.receive(lease=LEASE)
    assert (late.body, again.body, again.receives) == ("late", "early", 2)
    queue.delete(early.receipt)
    queue.delete(late.receipt)
    queue.release(again.receipt, at=clock.now() + timedelta(seconds=5))
    assert queue.earliest_due() == clock.now() + timedelta(seconds=5)
    queue.delete(again.receipt)
    assert queue.earliest_due() is None


def test_the_outbox_holds_all_that_was_published_in_order(
    local: LocalCloud, clock: ManualClock
) -> None:
    local.topic(Resource.TIER_1).publish(Message(subject="one", body="1", attributes={"tier": 1}))
    clock.advance(1)
    local.topic(Resource.TIER_0).publish(Message(subject="two", body="2", attributes={"kind": "p"}))
    one, two = local.outbox.published()
    assert (one.topic, one.subject, one.body, one.attributes) == (
        Resource.TIER_1,
        "one",
        "1",
        {"tier": 1},
    )
    assert two.at == SATURDAY + timedelta(seconds=1)
    assert local.outbox.published(since=one.seq) == (two,)
    assert local.outbox.published(since=two.seq) == ()


def test_a_topic_has_http_subscribers(local: LocalCloud) -> None:
    outbox = local.outbox
    first = outbox.subscribe(Resource.TIER_0, "http://127.0.0.1:1/a", filter_policy=None)
    again = outbox.subscribe(Resource.TIER_0, "http://127.0.0.1:1/a", filter_policy='{"kind":[]}')
    other = outbox.subscribe(Resource.TIER_1, "http://127.0.0.1:1/a", filter_policy=None)
    assert first == again
    assert [(s.topic, s.filter_policy) for s in outbox.subscriptions()] == [
        (Resource.TIER_0, '{"kind":[]}'),
        (Resource.TIER_1, None),
    ]
    outbox.unsubscribe(other)
    assert len(outbox.subscriptions()) == 1


def test_sweeping_gives_room_back_and_changes_no_answer(
    local: LocalCloud, clock: ManualClock
) -> None:
    now = int(clock.now().timestamp())
    table = local.table(Resource.WINDOWS)
    table.put(Item(Key("p", "a"), {EXPIRES_AT: now + 60}))
    table.put(Item(Key("p", "b"), {}))
    placed = local.stream(Resource.METRICS_STREAM).place([Record("w1", b"")])[0]
    clock.advance(STREAM_RETENTION.total_seconds())
    assert local.sweep() == 1
    clock.advance(1)
    assert local.sweep() == 1
    assert table.get(Key("p", "b")) is not None
    again = local.stream(Resource.METRICS_STREAM).place([Record("w1", b"")])[0]
    assert again.sequence > placed.sequence


def test_a_file_keeps_everything_and_its_shards(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "wedsync.db"
    with LocalCloud(path, clock=clock, ids=SeededIds(1), shards=3) as machine:
        machine.table(Resource.ALERTS).put(Item(Key("p", "a"), {"raw": b"x"}))
        machine.settings.set("token", "t1")
        machine.schedule_runs.set_last_run("sweep", SATURDAY)
        machine.bucket(Resource.QUARANTINE).put("b", b"2")
        machine.bucket(Resource.QUARANTINE).put("a", b"1")
        secret = machine.secret(Resource.SIGNING).value()
    with LocalCloud(path, clock=clock, ids=SeededIds(2), shards=5) as machine:
        assert machine.table(Resource.ALERTS).get(Key("p", "a")) == Item(
            Key("p", "a"), {"raw": b"x"}
        )
        assert machine.settings.get("token") == "t1"
        assert machine.settings.get("other") is None
        assert machine.settings.keep("token", "t2") == "t1"
        assert machine.settings.keep("other", "t2") == "t2"
        assert machine.schedule_runs.last_run("sweep") == SATURDAY
        assert machine.schedule_runs.last_run("rollup") is None
        assert machine.bucket(Resource.QUARANTINE).names() == ("a", "b")
        assert machine.secret(Resource.SIGNING).value() == secret
        assert len(secret) == 32
        assert machine.secret(Resource.TOKEN_KEYS).value() != secret
        assert len(machine.stream(Resource.METRICS_STREAM).shards()) == 3


def test_two_processes_may_share_a_file(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "wedsync.db"
    with (
        LocalCloud(path, clock=clock, ids=SeededIds(1)) as server,
        LocalCloud(path, clock=clock, ids=SeededIds(2)) as command,
    ):
        command.table(Resource.KEYS).put(Item(Key("p", "k"), {}))
        assert server.table(Resource.KEYS).get(Key("p", "k")) is not None
        assert server.secret(Resource.SIGNING).value() == command.secret(Resource.SIGNING).value()


def test_no_update_is_lost_between_threads(tmp_path: Path, clock: ManualClock) -> None:
    with LocalCloud(tmp_path / "wedsync.db", clock=clock, ids=SeededIds(1)) as machine:
        table = machine.table(Resource.INCIDENTS)
        table.put(Item(Key("p", "a"), {"count": 0}), when=Absent())

        def count_once() -> None:
            while True:
                item = table.get(Key("p", "a"))
                assert item is not None
                count = item.number("count")
                try:
                    table.put(Item(item.key, {"count": count + 1}), when=Equals("count", count))
                except ConditionFailed:
                    continue
                return

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: count_once(), range(200)))
        assert table.get(Key("p", "a")) == Item(Key("p", "a"), {"count": 200})


def test_an_index_that_is_new_to_a_file_is_filled(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "wedsync.db"
    with LocalCloud(path, clock=clock, ids=SeededIds(1)) as machine:
        attributes = {"state_of": "firing", "state_since": "1"}
        machine.table(Resource.ALERTS).put(Item(Key("p", "a"), attributes))
        machine._database.define(  # noqa: SLF001 - as a version without the index left it
            "DROP INDEX table_alerts_by_state",
            "DROP INDEX table_alerts_open",
            "ALTER TABLE table_alerts DROP COLUMN key_state_of",
            "ALTER TABLE table_alerts DROP COLUMN key_state_since",
        )
    with LocalCloud(path, clock=clock, ids=SeededIds(1)) as machine:
        page = machine.table(Resource.ALERTS).query("firing", index="by_state")
        assert [item.key.sk for item in page.items] == ["a"]


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(SATURDAY)
    assert clock.now() == SATURDAY
    assert clock.advance(1.5) == SATURDAY + timedelta(seconds=1.5)
    clock.set(SATURDAY)
    assert clock.now() == SATURDAY
    with pytest.raises(ValueError, match="aware"):
        clock.set(SATURDAY.replace(tzinfo=None))


def test_ids_sort_by_the_time_of_their_making() -> None:
    clock = ManualClock(SATURDAY)
    ids = RandomIds(clock)
    made = []
    for _ in range(20):
        made.append(ids.new_id("wed"))
        clock.advance(0.001)
    assert sorted(made) == made
    assert all(len(one) == 30 and one.startswith("wed_01k") for one in made)
    assert len({ids.new_id("wed") for _ in range(1000)}) == 1000
    assert len(ids.secret(32)) == 32
    assert RealClock().now().utcoffset() == timedelta(0)


def test_seeded_ids_repeat_and_sort() -> None:
    one, two = SeededIds(7), SeededIds(7)
    made = [one.new_id("a") for _ in range(100)]
    assert made == [two.new_id("a") for _ in range(100)] == sorted(made)
    assert one.secret(8) == two.secret(8)
    assert SeededIds(8).new_id("a") != made[0]
