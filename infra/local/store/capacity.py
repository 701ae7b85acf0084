"""Room on one machine: what is reserved is a number that is kept, and shards are real."""

from collections.abc import Mapping

from infra.local.store.database import Database
from infra.local.store.streams import LocalStream
from wedsync.cloud import CapacityRefused
from wedsync.cloud.limits import check_resharding


class LocalCapacity:
    """A ``wedsync.cloud.Capacity``. Nothing here holds a function to what is reserved for it."""

    def __init__(self, database: Database, streams: Mapping[str, LocalStream]) -> None:
        """``streams`` by their names."""
        self._database = database
        self._streams = streams
        database.define(
            "CREATE TABLE IF NOT EXISTS reserved (function TEXT PRIMARY KEY, "
            "concurrency INTEGER NOT NULL)"
        )

    def reserved(self, function: str) -> int | None:
        """The number that is kept."""
        with self._database.asking:
            row = self._database.execute(
                "SELECT concurrency FROM reserved WHERE function=?", (function,)
            ).fetchone()
        return None if row is None else int(row[0])

    def reserve(self, function: str, concurrency: int | None) -> None:
        """Keep the number, or none."""
        with self._database.asking:
            if concurrency is None:
                self._database.execute("DELETE FROM reserved WHERE function=?", (function,))
                return
            self._database.execute(
                "INSERT INTO reserved (function, concurrency) VALUES (?, ?) "
                "ON CONFLICT (function) DO UPDATE SET concurrency=excluded.concurrency",
                (function, concurrency),
            )

    def shards(self, stream: str) -> int:
        """Its open shards."""
        return sum(shard.is_open for shard in self._stream(stream).shards())

    def reshard(self, stream: str, shards: int) -> None:
        """Split the widest shards, or merge the narrowest neighbours, until there are so many."""
        try:
            check_resharding(self.shards(stream), shards)
        except ValueError as error:
            raise CapacityRefused(str(error)) from None
        self._stream(stream).reshard(shards)

    def _stream(self, name: str) -> LocalStream:
        if name not in self._streams:
            raise CapacityRefused("the installation has nothing of this name")
        return self._streams[name]
