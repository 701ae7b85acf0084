"""The seam with faults in it: every protocol wrapped, around the machine's own cloud."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TypeAlias

from infra.local.engine import LocalCloud
from tests.simulation.faults import Fault, Faults, Invocation
from wedsync.cloud import (
    EVERYTHING,
    Bucket,
    Call,
    Capacity,
    Condition,
    Delayed,
    Item,
    Key,
    Measured,
    Message,
    Outcome,
    Page,
    PutFailures,
    Queue,
    Readings,
    Readout,
    Record,
    Refusal,
    Secret,
    Sort,
    Span,
    Stream,
    Subscriber,
    Table,
    TimeSeries,
    Topic,
    Web,
)
from wedsync.cloud.forwarding import ForwardingCloud, ForwardingTable
from wedsync.cloud.paging import covers
from wedsync.cloud.values import PutFailure
from wedsync.errors import Unavailable
from wedsync.resources import Resource

STALEST = timedelta(seconds=5)

Committed: TypeAlias = Callable[[Resource, Key, Item | None, Item | None, Invocation | None], None]
"""Told of every change of an item: resource, key, before, after, and who made it."""
Published: TypeAlias = Callable[[Resource, Message, Invocation | None], None]
Asked: TypeAlias = Callable[[Resource, str, str | None, Invocation], None]
"""Told of every call on a table: resource, partition, index."""
Seen: TypeAlias = Callable[[Resource, Sequence[Item]], None]
"""Told of every item that somebody was given."""


def ignore(*_: object) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Watchers:
    """Who is told of what happened."""

    committed: Committed = ignore
    published: Published = ignore
    asked: Asked = ignore
    seen: Seen = ignore


@dataclass(slots=True)
class Past:
    """What a table with indexes held in the last seconds, so that an index may lag."""

    versions: dict[Key, list[tuple[datetime, Item | None]]] = field(default_factory=dict)

    def remember(self, at: datetime, key: Key, before: Item | None, after: Item | None) -> None:
        """Keep a change, and forget what no reader may see any more."""
        first = (datetime.min.replace(tzinfo=at.tzinfo), before)
        kept = self.versions.setdefault(key, [first])
        kept.append((at, after))
        while len(kept) > 1 and kept[1][0] < at - 2 * STALEST:
            kept.pop(0)

    def at(self, instant: datetime) -> list[Item]:
        """All items as they were."""
        found = []
        for versions in self.versions.values():
            item = [each for at, each in versions if at <= instant][-1]
            if item is not None:
                found.append(item)
        return found


Tampering: TypeAlias = Callable[[Resource, Table], Table]
"""Takes one guard away from a table: what the simulation must then notice."""


class FaultyCloud(ForwardingCloud):
    """One cloud for every function of a process, which is warm and serves all tenants."""

    def __init__(
        self,
        cloud: LocalCloud,
        faults: Faults,
        watchers: Watchers,
        *,
        tamper: Tampering = lambda _, table: table,
    ) -> None:
        super().__init__(cloud)
        self.cloud = cloud
        self.faults = faults
        self.watchers = watchers
        self.tamper = tamper
        self._tables: dict[Resource, Table] = {}
        self.pasts = {resource: Past() for resource in Resource if resource.indexes}

    @property
    def web(self) -> Web:
        return _FaultyWeb(self.cloud.web, self.faults)

    def table(self, resource: Resource) -> Table:
        if resource not in self._tables:
            kept = _WatchedTable(self.cloud.table(resource), resource, self)
            self._tables[resource] = _FaultyTable(self.tamper(resource, kept), resource, self)
        return self._tables[resource]

    def stream(self, resource: Resource) -> Stream:
        return _FaultyStream(self.cloud.stream(resource), self.faults)

    def topic(self, resource: Resource) -> Topic:
        return _FaultyTopic(self.cloud.topic(resource), resource, self)

    def queue(self, resource: Resource) -> Queue:
        return _FaultyQueue(self.cloud.queue(resource), self.faults)

    def bucket(self, resource: Resource) -> Bucket:
        return _FaultyBucket(self.cloud.bucket(resource), self.faults)

    def secret(self, resource: Resource) -> Secret:
        return _FaultySecret(self.cloud.secret(resource), self.faults)

    def time_series(self, resource: Resource) -> TimeSeries:
        return _FaultyTimeSeries(self.cloud.time_series(resource), self.faults)

    def readings(self, resource: Resource) -> Readings:
        return _FaultyReadings(self.cloud.readings(resource), self.faults)

    def capacity(self, resource: Resource) -> Capacity:
        return _FaultyCapacity(self.cloud.capacity(resource), self.faults)

    @property
    def running(self) -> Invocation | None:
        """The innermost function that runs."""
        return self.faults.running[-1] if self.faults.running else None


class _WatchedTable(ForwardingTable):
    """Tells what was committed, and remembers it for indexes that lag."""

    def __init__(self, table: Table, resource: Resource, cloud: FaultyCloud) -> None:
        super().__init__(table)
        self._resource = resource
        self._cloud = cloud
        self._past = cloud.pasts.get(resource)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        before = self._table.get(item.key) if self._past is not None else None
        super().put(item, when=when)
        self._committed(item.key, before, item)

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        before = self._table.get(key) if self._past is not None else None
        super().delete(key, when=when)
        self._committed(key, before, None)

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        before = self._table.get(key) if self._past is not None else None
        raised = super().advance(key, name, by=by, at_least=at_least, at_most=at_most)
        self._committed(key, before, self._table.get(key))
        return raised

    def _committed(self, key: Key, before: Item | None, after: Item | None) -> None:
        faults = self._cloud.faults
        if self._past is not None:
            self._past.remember(faults.clock.now(), key, before, after)
        faults.history.add(f"= {key.pk} {key.sk} {_digest(after)}")
        self._cloud.watchers.committed(self._resource, key, before, after, self._cloud.running)


class _FaultyTable:
    def __init__(self, table: Table, resource: Resource, cloud: FaultyCloud) -> None:
        self._table = table
        self._resource = resource
        self._cloud = cloud
        self._faults = cloud.faults

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        self._asked(key.pk)
        return self._faults.call(
            f"get {self._resource.slug} {key.pk} {key.sk}",
            lambda: self._seen(self._table.get(key, consistent=consistent)),
            changes=False,
        )

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        for key in keys:
            self._asked(key.pk)
        parts = [keys]
        if len(keys) > 1 and self._faults.chance(self._faults.rates.unprocessed):
            # What was left unprocessed is asked for again: others may write in between.
            self._faults.count(Fault.UNPROCESSED)
            middle = self._faults.rng.randrange(1, len(keys))
            parts = [keys[:middle], keys[middle:]]
        return tuple(item for part in parts for item in self._get_part(part, consistent))

    def _get_part(self, keys: Sequence[Key], consistent: bool) -> tuple[Item, ...]:  # noqa: FBT001 - handed on
        def ask() -> tuple[Item, ...]:
            items = self._table.get_many(keys, consistent=consistent)
            self._cloud.watchers.seen(self._resource, items)
            return items

        return self._faults.call(
            f"get_many {self._resource.slug} {[(key.pk, key.sk) for key in keys]}",
            ask,
            changes=False,
        )

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        self._asked(item.key.pk)
        self._faults.call(
            f"put {self._resource.slug} {item.key.pk} {item.key.sk}",
            lambda: self._table.put(item, when=when),
            changes=True,
        )

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        self._asked(key.pk)
        self._faults.call(
            f"delete {self._resource.slug} {key.pk} {key.sk}",
            lambda: self._table.delete(key, when=when),
            changes=True,
        )

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        self._asked(key.pk)
        return self._faults.call(
            f"advance {self._resource.slug} {key.pk} {key.sk}",
            lambda: self._table.advance(key, name, by=by, at_least=at_least, at_most=at_most),
            changes=True,
        )

    def query(
        self,
        partition: str,
        *,
        sort: Sort = EVERYTHING,
        index: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        descending: bool = False,
        consistent: bool = True,
    ) -> Page:
        self._asked(partition, index)

        def ask() -> Page:
            if index is not None and after is None and self._lags():
                stale = self._stale(partition, sort, index, descending=descending)
                if limit is None or len(stale.items) <= limit:
                    self._faults.count(Fault.STALE_INDEX)
                    return stale
            page = self._table.query(
                partition,
                sort=sort,
                index=index,
                limit=limit,
                after=after,
                descending=descending,
                consistent=consistent,
            )
            self._cloud.watchers.seen(self._resource, page.items)
            return page

        return self._faults.call(
            f"query {self._resource.slug} {partition} {index} {sort}", ask, changes=False
        )

    def _lags(self) -> bool:
        return self._faults.chance(self._faults.rates.stale_index)

    def _stale(self, partition: str, sort: Sort, name: str, *, descending: bool) -> Page:
        lag = STALEST * self._faults.rng.random()
        index = next(each for each in self._resource.indexes if each.name == name)
        now = self._faults.clock.now()
        found = [
            item
            for item in self._cloud.pasts[self._resource].at(now - lag)
            if item.attributes.get(index.partition) == partition
            and covers(sort, str(item.attributes.get(index.sort, "")))
            and item.number("expires_at", 2**40) > now.timestamp()
        ]
        found.sort(
            key=lambda item: (str(item.attributes[index.sort]), item.key.pk, item.key.sk),
            reverse=descending,
        )
        return Page(tuple(found))

    def _seen(self, item: Item | None) -> Item | None:
        if item is not None:
            self._cloud.watchers.seen(self._resource, (item,))
        return item

    def _asked(self, partition: str, index: str | None = None) -> None:
        if self._faults.running:
            self._cloud.watchers.asked(self._resource, partition, index, self._faults.running[-1])


class _FaultyStream:
    def __init__(self, stream: Stream, faults: Faults) -> None:
        self._stream = stream
        self._faults = faults

    def put(self, records: Sequence[Record]) -> PutFailures:
        if len(records) > 1 and self._faults.chance(self._faults.rates.put_partly):
            self._faults.note(Fault.PUT_PARTLY)
            left_out = self._faults.rng.randrange(len(records))
            rest = [each for index, each in enumerate(records) if index != left_out]
            self._put(rest)
            return (PutFailure(left_out, "ProvisionedThroughputExceededException"),)
        return self._put(records)

    def _put(self, records: Sequence[Record]) -> PutFailures:
        return self._faults.call(
            f"put stream {_digest_of([record.data for record in records])}",
            lambda: self._stream.put(records),
            changes=True,
        )


class _FaultyTopic:
    def __init__(self, topic: Topic, resource: Resource, cloud: FaultyCloud) -> None:
        self._topic = topic
        self._resource = resource
        self._cloud = cloud

    def publish(self, message: Message) -> None:
        def send() -> None:
            self._topic.publish(message)
            self._cloud.watchers.published(self._resource, message, self._cloud.running)

        key = message.attributes.get("dedup_key", "")
        self._cloud.faults.call(f"publish {self._resource.slug} {key}", send, changes=True)

    def subscribe(self, subscriber: Subscriber) -> None:
        self._cloud.faults.call(
            f"subscribe {self._resource.slug} {subscriber.protocol}",
            lambda: self._topic.subscribe(subscriber),
            changes=True,
        )


class _FaultyQueue:
    def __init__(self, queue: Queue, faults: Faults) -> None:
        self._queue = queue
        self._faults = faults

    def send(self, message: Delayed) -> None:
        self._faults.call(
            f"send {message.body} +{message.delay_seconds}",
            lambda: self._queue.send(message),
            changes=True,
        )


class _FaultyWeb:
    """Endpoints, before which a function may die.

    That one is down, or that its answer is lost, makes another channel be tried, which people do
    notice: it is played by the endpoint itself.
    """

    def __init__(self, web: Web, faults: Faults) -> None:
        self._web = web
        self._faults = faults

    def post(self, call: Call) -> Outcome:
        what = f"post {_digest_of([call.url.encode(), call.body])}"
        answers: list[Outcome] = []
        with suppress(Unavailable):
            self._faults.call(what, lambda: answers.append(self._web.post(call)), changes=True)
        return answers[0] if answers else self._web.post(call)


class _FaultyBucket:
    def __init__(self, bucket: Bucket, faults: Faults) -> None:
        self._bucket = bucket
        self._faults = faults

    def put(self, name: str, data: bytes) -> None:
        self._faults.call(f"store {name}", lambda: self._bucket.put(name, data), changes=True)

    def get(self, name: str) -> bytes | None:
        return self._faults.call(f"fetch {name}", lambda: self._bucket.get(name), changes=False)


class _FaultySecret:
    def __init__(self, secret: Secret, faults: Faults) -> None:
        self._secret = secret
        self._faults = faults

    def value(self) -> bytes:
        return self._faults.call("secret", self._secret.value, changes=False)


class _FaultyTimeSeries:
    def __init__(self, series: TimeSeries, faults: Faults) -> None:
        self._series = series
        self._faults = faults

    def write(self, points: Sequence[Measured]) -> Sequence[Refusal]:
        return self._faults.call(
            f"measure {len(points)}", lambda: self._series.write(points), changes=True
        )

    def read(self, span: Span) -> tuple[Measured, ...]:
        return self._faults.call("history", lambda: self._series.read(span), changes=False)


class _FaultyReadings:
    def __init__(self, readings: Readings, faults: Faults) -> None:
        self._readings = readings
        self._faults = faults

    def read(self, first: int, last: int) -> Readout:
        return self._faults.call(
            "readings", lambda: self._readings.read(first, last), changes=False
        )


class _FaultyCapacity:
    def __init__(self, capacity: Capacity, faults: Faults) -> None:
        self._capacity = capacity
        self._faults = faults

    def reserved(self, function: str) -> int | None:
        return self._faults.call(
            f"reserved {function}", lambda: self._capacity.reserved(function), changes=False
        )

    def reserve(self, function: str, concurrency: int | None) -> None:
        self._faults.call(
            f"reserve {function} {concurrency}",
            lambda: self._capacity.reserve(function, concurrency),
            changes=True,
        )

    def shards(self, stream: str) -> int:
        return self._faults.call(
            f"shards {stream}", lambda: self._capacity.shards(stream), changes=False
        )

    def reshard(self, stream: str, shards: int) -> None:
        self._faults.call(
            f"reshard {stream} {shards}",
            lambda: self._capacity.reshard(stream, shards),
            changes=True,
        )


def _digest(item: Item | None) -> str:
    if item is None:
        return "-"
    return _digest_of([_encoded(item.attributes)])


def _encoded(attributes: Mapping[str, str | int | bytes]) -> bytes:
    return repr(sorted(attributes.items())).encode()


def _digest_of(parts: Sequence[bytes]) -> str:
    digest = blake2b(digest_size=8)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
