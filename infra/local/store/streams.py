"""Streams: shards that own ranges of hashes, records in order, and how far consumers have come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5

from infra.local.store.database import Database, epoch_ms, instant, refusals
from wedsync.cloud import PutFailures, Record
from wedsync.cloud.limits import STREAM_RECORDS, check_records
from wedsync.resources import Resource

HASHES = 2**128
_SEQUENCE_BASE = 49 * 10**54
_NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A shard and the hashes, first to last, that it owns."""

    shard_id: str
    first_hash: int
    last_hash: int
    starting_sequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a record came to lie."""

    shard_id: str
    sequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecord:
    """A record on a shard; ``arrived_at`` is Kinesis' approximate arrival time."""

    shard_id: str
    sequence: str
    partition_key: str
    data: bytes
    arrived_at: datetime


class LocalStream:
    """A ``wedsync.cloud.Stream``, and what a poller and a Kinesis endpoint need of it."""

    def __init__(self, database: Database, resource: Resource, *, shards: int) -> None:
        self._database = database
        self._stream = resource.slug
        self._make_shards(shards)
        self._shards = self._read_shards()

    def put(self, records: Sequence[Record]) -> PutFailures:
        """Put up to 500 records: all of them, or none."""
        self.place(records)
        return ()

    def place(
        self, records: Sequence[Record], *, hashes: Sequence[int | None] = ()
    ) -> tuple[Placed, ...]:
        """Put records, each by its explicit hash where one is given, and say where they lie."""
        check_records(records)
        given = hashes or (None,) * len(records)
        shards = [
            self._owner(hash_of(record.partition_key) if explicit is None else explicit)
            for record, explicit in zip(records, given, strict=True)
        ]
        placed: list[Placed] = []
        with self._database.writing():
            now_ms = self._database.now_ms()
            for shard, record in zip(shards, records, strict=True):
                row = self._database.execute(
                    "INSERT INTO stream_records (stream, shard, partition_key, data, arrived_ms) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (self._stream, shard, record.partition_key, record.data, now_ms),
                ).lastrowid
                placed.append(Placed(shard_id=shard, sequence=_sequence(row or 0)))
        return tuple(placed)

    def shards(self) -> tuple[Shard, ...]:
        """All shards, in the order of their hashes."""
        return self._shards

    def records(
        self, shard_id: str, *, after: str | None = None, limit: int = STREAM_RECORDS
    ) -> tuple[StreamRecord, ...]:
        """Records behind a sequence number, or from the oldest."""
        with self._database.lock, refusals():
            rows = self._database.execute(
                "SELECT number, partition_key, data, arrived_ms FROM stream_records "
                "WHERE stream=? AND shard=? AND number>? ORDER BY number LIMIT ?",
                (self._stream, self._known(shard_id), _number_of(after), limit),
            ).fetchall()
        return tuple(
            StreamRecord(
                shard_id=shard_id,
                sequence=_sequence(number),
                partition_key=partition_key,
                data=data,
                arrived_at=instant(arrived_ms),
            )
            for number, partition_key, data, arrived_ms in rows
        )

    def newest(self, shard_id: str) -> str:
        """The last sequence number given out on a shard, else its starting one."""
        number = self._number("DESC", shard_id)
        return self._starting(shard_id) if number is None else _sequence(number)

    def before(self, shard_id: str, at: datetime) -> str:
        """The sequence number behind which the first record lies that arrived at ``at`` or later.

        With nothing that late, the newest one.
        """
        first = self._number("ASC", shard_id, since_ms=epoch_ms(at))
        return self.newest(shard_id) if first is None else _sequence(first - 1)

    def checkpoint(self, consumer: str, shard_id: str) -> str | None:
        """The last sequence number that a consumer has finished, None before its first."""
        with self._database.lock, refusals():
            row = self._database.execute(
                "SELECT sequence FROM stream_checkpoints WHERE consumer=? AND stream=? AND shard=?",
                (consumer, self._stream, self._known(shard_id)),
            ).fetchone()
        return None if row is None else str(row[0])

    def set_checkpoint(self, consumer: str, shard_id: str, sequence: str) -> None:
        """Remember durably how far a consumer has come."""
        with self._database.lock, refusals():
            self._database.execute(
                "INSERT INTO stream_checkpoints (consumer, stream, shard, sequence) "
                "VALUES (?, ?, ?, ?) ON CONFLICT (consumer, stream, shard) "
                "DO UPDATE SET sequence=excluded.sequence",
                (consumer, self._stream, self._known(shard_id), sequence),
            )

    def iterator_age_ms(self, consumer: str, shard_id: str) -> int:
        """The age of the oldest record that a consumer has not finished; 0 if there is none."""
        waiting = self.records(shard_id, after=self.checkpoint(consumer, shard_id), limit=1)
        if not waiting:
            return 0
        return max(0, self._database.now_ms() - epoch_ms(waiting[0].arrived_at))

    def forget_before(self, at: datetime) -> int:
        """Drop records that arrived before ``at``, as retention does, and say how many."""
        with self._database.writing():
            return self._database.execute(
                "DELETE FROM stream_records WHERE stream=? AND arrived_ms<?",
                (self._stream, epoch_ms(at)),
            ).rowcount

    def _make_shards(self, count: int) -> None:
        if count < 1:
            raise ValueError("a stream has at least one shard")
        self._database.define(
            "CREATE TABLE IF NOT EXISTS stream_shards (stream TEXT NOT NULL, shard TEXT NOT NULL, "
            "first_hash TEXT NOT NULL, last_hash TEXT NOT NULL, PRIMARY KEY (stream, shard))",
            "CREATE TABLE IF NOT EXISTS stream_records (number INTEGER PRIMARY KEY AUTOINCREMENT, "
            "stream TEXT NOT NULL, shard TEXT NOT NULL, partition_key TEXT NOT NULL, "
            "data BLOB NOT NULL, arrived_ms INTEGER NOT NULL)",
            "CREATE INDEX IF NOT EXISTS stream_records_in_order "
            "ON stream_records (stream, shard, number)",
            "CREATE TABLE IF NOT EXISTS stream_checkpoints (consumer TEXT NOT NULL, "
            "stream TEXT NOT NULL, shard TEXT NOT NULL, sequence TEXT NOT NULL, "
            "PRIMARY KEY (consumer, stream, shard))",
        )
        with self._database.writing():
            if self._read_shards():
                return
            edges = [HASHES * number // count for number in range(count + 1)]
            self._database.execute_many(
                "INSERT INTO stream_shards (stream, shard, first_hash, last_hash) "
                "VALUES (?, ?, ?, ?)",
                [
                    (self._stream, f"shardId-{n:012d}", str(edges[n]), str(edges[n + 1] - 1))
                    for n in range(count)
                ],
            )

    def _read_shards(self) -> tuple[Shard, ...]:
        rows = self._database.execute(
            "SELECT shard, first_hash, last_hash FROM stream_shards WHERE stream=? ORDER BY shard",
            (self._stream,),
        ).fetchall()
        return tuple(
            Shard(
                shard_id=shard,
                first_hash=int(first),
                last_hash=int(last),
                starting_sequence=_sequence(0),
            )
            for shard, first, last in rows
        )

    def _number(self, direction: str, shard_id: str, *, since_ms: int = 0) -> int | None:
        with self._database.lock, refusals():
            row = self._database.execute(
                "SELECT number FROM stream_records "  # noqa: S608 - ASC or DESC, from above
                f"WHERE stream=? AND shard=? AND arrived_ms>=? ORDER BY number {direction} LIMIT 1",
                (self._stream, self._known(shard_id), since_ms),
            ).fetchone()
        return None if row is None else int(row[0])

    def _owner(self, hashed: int) -> str:
        for shard in self._shards:
            if shard.first_hash <= hashed <= shard.last_hash:
                return shard.shard_id
        raise ValueError("a hash is a number of 128 bits")

    def _starting(self, shard_id: str) -> str:
        return next(s.starting_sequence for s in self._shards if s.shard_id == shard_id)

    def _known(self, shard_id: str) -> str:
        if all(shard.shard_id != shard_id for shard in self._shards):
            raise ValueError(f"there is no shard {shard_id!r}")
        return shard_id


def hash_of(partition_key: str) -> int:
    """Where Kinesis puts a partition key: its MD5 as a number of 128 bits."""
    digest = md5(partition_key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest, "big")


def _sequence(number: int) -> str:
    """56 digits with no zero in front, so that their order as text is their order as numbers."""
    return str(_SEQUENCE_BASE + number)


def _number_of(sequence: str | None) -> int:
    if sequence is None:
        return 0
    if not (sequence.isascii() and sequence.isdigit()):
        raise ValueError("a sequence number has digits only")
    return max(0, min(int(sequence) - _SEQUENCE_BASE, _NEWEST))
