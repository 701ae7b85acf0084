"""Everything that WedSync stores and sends, on one SQLite file: the seam for one machine.

Each resource opens as a concrete type, which is what ``wedsync.cloud`` asks for and has besides
the methods by which the machine itself moves things on (poll a shard, lease a message, read the
outbox). Code of the bundle sees the protocols only, so any of it can be wrapped.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from infra.local.own_readings import LocalReadings, OwnRuns
from infra.local.store.capacity import LocalCapacity
from infra.local.store.database import Database
from infra.local.store.keepsakes import LocalBucket, LocalSecret, ScheduleRuns, Settings
from infra.local.store.messages import LocalQueue, LocalTopic, Outbox
from infra.local.store.streams import LocalStream
from infra.local.store.tables import LocalTable
from infra.local.store.time_series import LocalTimeSeries
from wedsync.cloud import Clock, Ids, Web
from wedsync.resources import Resource, ResourceKind
from wedsync.web import GuardedWeb

STREAM_RETENTION = timedelta(hours=24)

_Opened = TypeVar("_Opened")


class LocalCloud:
    """A ``wedsync.cloud.Cloud`` on one SQLite file, or in memory where ``path`` is None.

    What was acknowledged survives the death of the process. Safe for use from many threads; a
    second process may open the same file. ``shards`` counts for a new file only: a stream keeps
    the shards that it was made with.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        ids: Ids,
        shards: int = 4,
        wall_clock: Clock | None = None,
        web: Web | None = None,
    ) -> None:
        self._database = Database(path, clock=clock)
        self._clock = clock
        self._wall_clock = wall_clock or clock
        self._ids = ids
        self._web = web or GuardedWeb(loopback=True)
        self.outbox = Outbox(self._database)
        self.settings = Settings(self._database)
        self.schedule_runs = ScheduleRuns(self._database)
        database = self._database
        self._tables = {r: LocalTable(database, r) for r in _all(ResourceKind.TABLE)}
        self._streams = {
            r: LocalStream(database, r, shards=shards) for r in _all(ResourceKind.STREAM)
        }
        self._topics = {r: LocalTopic(database, r) for r in _all(ResourceKind.TOPIC)}
        self._queues = {r: LocalQueue(database, r) for r in _all(ResourceKind.QUEUE)}
        self._buckets = {r: LocalBucket(database, r) for r in _all(ResourceKind.BUCKET)}
        self._time_series = {
            r: LocalTimeSeries(database, r) for r in _all(ResourceKind.TIME_SERIES)
        }
        self.own_runs = OwnRuns(clock)
        self._readings = {r: LocalReadings(self.own_runs, r) for r in _all(ResourceKind.READINGS)}
        streams = {r.slug: stream for r, stream in self._streams.items()}
        self._capacity = {r: LocalCapacity(database, streams) for r in _all(ResourceKind.CAPACITY)}
        self._secrets = {r: LocalSecret(database, r, ids=ids) for r in _all(ResourceKind.SECRET)}

    @property
    def clock(self) -> Clock:
        """The time that this machine runs on."""
        return self._clock

    @property
    def wall_clock(self) -> Clock:
        """The time of whoever calls this machine: its own, unless another one was given."""
        return self._wall_clock

    @property
    def ids(self) -> Ids:
        """Ids and randomness."""
        return self._ids

    @property
    def web(self) -> Web:
        """Endpoints, on this machine too unless another one was given."""
        return self._web

    def table(self, resource: Resource) -> LocalTable:
        """Open a table."""
        return _opened(self._tables, resource)

    def stream(self, resource: Resource) -> LocalStream:
        """Open a stream."""
        return _opened(self._streams, resource)

    def topic(self, resource: Resource) -> LocalTopic:
        """Open a topic."""
        return _opened(self._topics, resource)

    def queue(self, resource: Resource) -> LocalQueue:
        """Open a queue."""
        return _opened(self._queues, resource)

    def bucket(self, resource: Resource) -> LocalBucket:
        """Open a bucket."""
        return _opened(self._buckets, resource)

    def secret(self, resource: Resource) -> LocalSecret:
        """Open a secret."""
        return _opened(self._secrets, resource)

    def time_series(self, resource: Resource) -> LocalTimeSeries:
        """Open a time series store."""
        return _opened(self._time_series, resource)

    def readings(self, resource: Resource) -> LocalReadings:
        """Open what the functions of this machine did: nothing unless that is noted."""
        return _opened(self._readings, resource)

    def capacity(self, resource: Resource) -> LocalCapacity:
        """Open how much room functions and streams have."""
        return _opened(self._capacity, resource)

    def sweep(self) -> int:
        """Forget expired items and records past their retention, and say how many there were.

        Readers do not see expired items anyway: this only gives room back.
        """
        horizon = self._clock.now() - STREAM_RETENTION
        expired = sum(table.sweep() for table in self._tables.values())
        return expired + sum(stream.forget_before(horizon) for stream in self._streams.values())

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _all(kind: ResourceKind) -> Iterable[Resource]:
    return (resource for resource in Resource if resource.kind is kind)


def _opened(opened: dict[Resource, _Opened], resource: Resource) -> _Opened:
    if resource not in opened:
        raise ValueError(f"{resource.name} is a {resource.kind}")
    return opened[resource]
