"""Streams: shards that own ranges of hashes, records in order, and how far consumers have come.

A shard that is split or merged is closed: it takes no more records, keeps those that it has until
their retention ends, and its children own its hashes from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from itertools import pairwise

from infra.local.store.database import Database, epoch_ms, instant
from wedsync.cloud import PutFailures, Record
from wedsync.cloud.limits import STREAM_RECORDS, check_records
from wedsync.resources import Resource

HASHES = 2**128
_SEQUENCE_BASE = 49 * 10**54
_NEWEST = 2**63 - 1
_LATER_COLUMNS = {
    "first_number": "INTEGER NOT NULL DEFAULT 0",
    "last_number": "INTEGER",
    "closed_ms": "INTEGER",
    "parents": "TEXT NOT NULL DEFAULT ''",
}
"""What shards that were made before they could be split do not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A shard and the hashes, first to last, that it owns, or owned until it was closed.

    ``parents``: the closed shards that it took its hashes from, whose records come before its own.
    ``ending_sequence``: no record of a closed shard lies behind it; None while it is open.
    """

    shard_id: str
    first_hash: int
    last_hash: int
    starting_sequence: str
    ending_sequence: str | None = None
    parents: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it takes records."""
        return self.ending_sequence is None


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
        placed: list[Placed] = []
        with self._database.writing():
            # Inside, so that no shard is closed between the choice and the record.
            shards = [
                self._owner(hash_of(record.partition_key) if explicit is None else explicit)
                for record, explicit in zip(records, given, strict=True)
            ]
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
        """All shards by their ids, so parents come first; closed ones while they may hold records.

        The very same tuple until one is split or merged, or the stream is made anew.
        """
        return self._shards

    def split(self, shard_id: str, *, at_hash: int | None = None) -> tuple[Shard, Shard]:
        """Close an open shard; two new ones own the hashes below ``at_hash``, and the rest.

        Without a hash they own a half each. Raises ValueError for what cannot be split so.
        """
        with self._database.writing():
            parent = self._open(shard_id)
            middle = (parent.first_hash + parent.last_hash + 1) // 2 if at_hash is None else at_hash
            if not parent.first_hash < middle <= parent.last_hash:
                raise ValueError(f"{shard_id!r} cannot be split at {middle}")
            ranges = [(parent.first_hash, middle - 1), (middle, parent.last_hash)]
            made = self._replace((parent,), ranges)
        lower, upper = self._read_anew(made)
        return lower, upper

    def merge(self, shard_id: str, adjacent_id: str) -> Shard:
        """Close two open shards whose hashes adjoin; a new one owns them all. Raises ValueError."""
        with self._database.writing():
            pair = (self._open(shard_id), self._open(adjacent_id))
            lower, upper = sorted(pair, key=lambda shard: shard.first_hash)
            if lower.last_hash + 1 != upper.first_hash:
                raise ValueError(f"{shard_id!r} and {adjacent_id!r} do not adjoin")
            made = self._replace(pair, [(lower.first_hash, upper.last_hash)])
        (child,) = self._read_anew(made)
        return child

    def reshard(self, count: int) -> None:
        """Split the widest shards, or merge the narrowest neighbours, until so many are open."""
        while len(shards := self._in_order()) != count:
            if len(shards) < count:
                self.split(max(shards, key=_width).shard_id)
            else:
                pairs = pairwise(shards)
                lower, upper = min(pairs, key=lambda pair: _width(pair[0]) + _width(pair[1]))
                self.merge(lower.shard_id, upper.shard_id)

    def make_anew(self, shards: int) -> None:
        """Delete the stream, its records and checkpoints, and make one of the same name.

        As in Kinesis its shards are counted from zero again, and its sequence numbers go on above
        all that were ever given out.
        """
        with self._database.writing():
            start = self._given_out()
            for table in ("stream_records", "stream_checkpoints", "stream_shards"):
                self._database.execute(
                    f"DELETE FROM {table} WHERE stream=?",  # noqa: S608 - own names
                    (self._stream,),
                )
            self._insert_shards(shards, start=start)
        self._read_anew(())

    def records(
        self, shard_id: str, *, after: str | None = None, limit: int = STREAM_RECORDS
    ) -> tuple[StreamRecord, ...]:
        """Records behind a sequence number, or from the oldest."""
        with self._database.asking:
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
        with self._database.asking:
            row = self._database.execute(
                "SELECT sequence FROM stream_checkpoints WHERE consumer=? AND stream=? AND shard=?",
                (consumer, self._stream, self._known(shard_id)),
            ).fetchone()
        return None if row is None else str(row[0])

    def set_checkpoint(self, consumer: str, shard_id: str, sequence: str) -> None:
        """Remember durably how far a consumer has come."""
        with self._database.asking:
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
        """Drop records that arrived before ``at``, as retention does, and say how many.

        A shard that was closed before then goes with its last record.
        """
        with self._database.writing():
            dropped = self._database.execute(
                "DELETE FROM stream_records WHERE stream=? AND arrived_ms<?",
                (self._stream, epoch_ms(at)),
            ).rowcount
            gone = self._database.execute(
                "DELETE FROM stream_shards WHERE stream=? AND closed_ms<?",
                (self._stream, epoch_ms(at)),
            ).rowcount
        if gone:
            self._read_anew(())
        return dropped

    def _make_shards(self, count: int) -> None:
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
        described = self._database.execute("PRAGMA table_info(stream_shards)").fetchall()
        known = {str(column[1]) for column in described}
        self._database.define(
            *(
                f"ALTER TABLE stream_shards ADD COLUMN {name} {kind}"
                for name, kind in _LATER_COLUMNS.items()
                if name not in known
            )
        )
        with self._database.writing():
            if not self._read_shards():
                self._insert_shards(count, start=0)

    def _insert_shards(self, count: int, *, start: int) -> None:
        if count < 1:
            raise ValueError("a stream has at least one shard")
        edges = [HASHES * number // count for number in range(count + 1)]
        for n in range(count):
            self._insert(n, edges[n], edges[n + 1] - 1, start=start, parents=())

    def _insert(
        self, number: int, first_hash: int, last_hash: int, *, start: int, parents: Sequence[str]
    ) -> str:
        shard_id = f"shardId-{number:012d}"
        self._database.execute(
            "INSERT INTO stream_shards (stream, shard, first_hash, last_hash, first_number, "
            "parents) VALUES (?, ?, ?, ?, ?, ?)",
            (self._stream, shard_id, str(first_hash), str(last_hash), start, " ".join(parents)),
        )
        return shard_id

    def _replace(
        self, parents: Sequence[Shard], ranges: Sequence[tuple[int, int]]
    ) -> tuple[str, ...]:
        """Close some shards and open others in their place, within a transaction."""
        last = self._given_out()
        names = [shard.shard_id for shard in parents]
        self._database.execute_many(
            "UPDATE stream_shards SET last_number=?, closed_ms=? WHERE stream=? AND shard=?",
            [(last, self._database.now_ms(), self._stream, name) for name in names],
        )
        following = 1 + max(int(shard.shard_id.rpartition("-")[2]) for shard in self._shards)
        return tuple(
            self._insert(following + n, first, behind, start=last, parents=names)
            for n, (first, behind) in enumerate(ranges)
        )

    def _read_anew(self, wanted: Sequence[str]) -> tuple[Shard, ...]:
        """Take over what was committed, and answer the shards of these ids."""
        self._shards = self._read_shards()
        return tuple(shard for shard in self._shards if shard.shard_id in wanted)

    def _given_out(self) -> int:
        """The number of the last record that was ever put."""
        row = self._database.execute(
            "SELECT seq FROM sqlite_sequence WHERE name='stream_records'"
        ).fetchone()
        return 0 if row is None else int(row[0])

    def _read_shards(self) -> tuple[Shard, ...]:
        rows = self._database.execute(
            "SELECT shard, first_hash, last_hash, first_number, last_number, parents "
            "FROM stream_shards WHERE stream=? ORDER BY shard",
            (self._stream,),
        ).fetchall()
        return tuple(
            Shard(
                shard_id=shard,
                first_hash=int(first),
                last_hash=int(last),
                starting_sequence=_sequence(first_number),
                ending_sequence=None if last_number is None else _sequence(last_number),
                parents=tuple(parents.split()),
            )
            for shard, first, last, first_number, last_number, parents in rows
        )

    def _in_order(self) -> list[Shard]:
        """The open shards by their hashes."""
        return sorted(
            (shard for shard in self._shards if shard.is_open), key=lambda shard: shard.first_hash
        )

    def _open(self, shard_id: str) -> Shard:
        for shard in self._shards:
            if shard.shard_id == shard_id and shard.is_open:
                return shard
        raise ValueError(f"there is no open shard {shard_id!r}")

    def _number(self, direction: str, shard_id: str, *, since_ms: int = 0) -> int | None:
        with self._database.asking:
            row = self._database.execute(
                "SELECT number FROM stream_records "  # noqa: S608 - ASC or DESC, from above
                f"WHERE stream=? AND shard=? AND arrived_ms>=? ORDER BY number {direction} LIMIT 1",
                (self._stream, self._known(shard_id), since_ms),
            ).fetchone()
        return None if row is None else int(row[0])

    def _owner(self, hashed: int) -> str:
        for shard in self._shards:
            if shard.is_open and shard.first_hash <= hashed <= shard.last_hash:
                return shard.shard_id
        raise ValueError("a hash is a number of 128 bits")

    def _starting(self, shard_id: str) -> str:
        return next(s.starting_sequence for s in self._shards if s.shard_id == shard_id)

    def _known(self, shard_id: str) -> str:
        if all(shard.shard_id != shard_id for shard in self._shards):
            raise ValueError(f"there is no shard {shard_id!r}")
        return shard_id


def _width(shard: Shard) -> int:
    return shard.last_hash - shard.first_hash + 1


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
