"""A cloud narrowed to what a function declared: any other call fails, on every cloud.

IAM holds the same line on AWS; this one holds it in tests and on the local machine too, and
tells which resource the declaration lacks. What is read and written is opened at the first call
that is allowed: a store may hold one that its function never calls, and whose name it is not told.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

from wedsync.cloud import (
    EVERYTHING,
    Bucket,
    Capacity,
    Cloud,
    Condition,
    Item,
    Key,
    Measured,
    Message,
    Page,
    Queue,
    Readings,
    Refusal,
    Secret,
    Sort,
    Span,
    Stream,
    Subscriber,
    Table,
    TimeSeries,
    Topic,
)
from wedsync.cloud.forwarding import ForwardingCloud
from wedsync.errors import Invalid
from wedsync.resources import Access, Grant, Resource


class UndeclaredAccess(Exception):
    """A function touched what it did not declare: a fault of the function."""


class DeclaredCloud(ForwardingCloud):
    """Opens declared resources only."""

    def __init__(self, cloud: Cloud, uses: Sequence[Grant]) -> None:
        """Narrow ``cloud`` to ``uses``."""
        super().__init__(cloud)
        self._access: dict[Resource, frozenset[Access]] = {}
        for grant in uses:
            self._access[grant.resource] = (
                self._access.get(grant.resource, frozenset()) | grant.access
            )

    def table(self, resource: Resource) -> Table:
        """A table that checks each call."""
        return _DeclaredTable(
            lambda: self._cloud.table(resource),
            resource,
            self._access.get(resource, frozenset()),
        )

    def stream(self, resource: Resource) -> Stream:
        """A stream to put on."""
        self._require(resource, Access.SEND)
        return self._cloud.stream(resource)

    def topic(self, resource: Resource) -> Topic:
        """A topic that checks each call."""
        return _DeclaredTopic(
            lambda: self._cloud.topic(resource),
            resource,
            self._access.get(resource, frozenset()),
        )

    def queue(self, resource: Resource) -> Queue:
        """A queue to send to."""
        self._require(resource, Access.SEND)
        return self._cloud.queue(resource)

    def bucket(self, resource: Resource) -> Bucket:
        """A bucket that checks each call."""
        return _DeclaredBucket(
            lambda: self._cloud.bucket(resource),
            resource,
            self._access.get(resource, frozenset()),
        )

    def secret(self, resource: Resource) -> Secret:
        """A secret to read."""
        self._require(resource, Access.READ)
        return self._cloud.secret(resource)

    def time_series(self, resource: Resource) -> TimeSeries:
        """A time series store that checks each call."""
        return _DeclaredTimeSeries(
            lambda: self._cloud.time_series(resource),
            resource,
            self._access.get(resource, frozenset()),
        )

    def readings(self, resource: Resource) -> Readings:
        """What the bundle's own parts measure."""
        self._require(resource, Access.READ)
        return self._cloud.readings(resource)

    def capacity(self, resource: Resource) -> Capacity:
        """Room, of which each call is checked."""
        return _DeclaredCapacity(
            lambda: self._cloud.capacity(resource),
            resource,
            self._access.get(resource, frozenset()),
        )

    def _require(self, resource: Resource, access: Access) -> None:
        _check(resource, self._access.get(resource, frozenset()), access)


def _check(resource: Resource, granted: frozenset[Access], access: Access) -> None:
    if access not in granted:
        raise UndeclaredAccess(f"{access} on {resource.name} is not declared")


class _DeclaredTable:
    def __init__(
        self, opened: Callable[[], Table], resource: Resource, granted: frozenset[Access]
    ) -> None:
        self._open = opened
        self._resource = resource
        self._granted = granted

    @cached_property
    def _table(self) -> Table:
        return self._open()

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        _check(self._resource, self._granted, Access.READ)
        return self._table.get(key, consistent=consistent)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        _check(self._resource, self._granted, Access.READ)
        return self._table.get_many(keys, consistent=consistent)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        _check(self._resource, self._granted, Access.WRITE)
        self._table.put(item, when=when)

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        _check(self._resource, self._granted, Access.WRITE)
        self._table.delete(key, when=when)

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        _check(self._resource, self._granted, Access.WRITE)
        return self._table.advance(key, name, by=by, at_least=at_least, at_most=at_most)

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
        _check(self._resource, self._granted, Access.READ)
        try:
            return self._table.query(
                partition,
                sort=sort,
                index=index,
                limit=limit,
                after=after,
                descending=descending,
                consistent=consistent,
            )
        except ValueError:
            if after is None:
                raise
            # A place that no page ended at: only a forged cursor names one.
            detail = "this cursor does not belong to this list"
            raise Invalid.field("cursor", "unknown-cursor", detail) from None


class _DeclaredTopic:
    def __init__(
        self, opened: Callable[[], Topic], resource: Resource, granted: frozenset[Access]
    ) -> None:
        self._open = opened
        self._resource = resource
        self._granted = granted

    def publish(self, message: Message) -> None:
        _check(self._resource, self._granted, Access.SEND)
        self._open().publish(message)

    def subscribe(self, subscriber: Subscriber) -> None:
        _check(self._resource, self._granted, Access.WRITE)
        self._open().subscribe(subscriber)


class _DeclaredBucket:
    def __init__(
        self, opened: Callable[[], Bucket], resource: Resource, granted: frozenset[Access]
    ) -> None:
        self._open = opened
        self._resource = resource
        self._granted = granted

    @cached_property
    def _bucket(self) -> Bucket:
        return self._open()

    def put(self, name: str, data: bytes) -> None:
        _check(self._resource, self._granted, Access.WRITE)
        self._bucket.put(name, data)

    def get(self, name: str) -> bytes | None:
        _check(self._resource, self._granted, Access.READ)
        return self._bucket.get(name)


class _DeclaredTimeSeries:
    def __init__(
        self, opened: Callable[[], TimeSeries], resource: Resource, granted: frozenset[Access]
    ) -> None:
        self._open = opened
        self._resource = resource
        self._granted = granted

    @cached_property
    def _series(self) -> TimeSeries:
        return self._open()

    def write(self, points: Sequence[Measured]) -> Sequence[Refusal]:
        _check(self._resource, self._granted, Access.WRITE)
        return self._series.write(points)

    def read(self, span: Span) -> tuple[Measured, ...]:
        _check(self._resource, self._granted, Access.READ)
        return self._series.read(span)


class _DeclaredCapacity:
    def __init__(
        self, opened: Callable[[], Capacity], resource: Resource, granted: frozenset[Access]
    ) -> None:
        self._open = opened
        self._resource = resource
        self._granted = granted

    @cached_property
    def _capacity(self) -> Capacity:
        return self._open()

    def reserved(self, function: str) -> int | None:
        _check(self._resource, self._granted, Access.READ)
        return self._capacity.reserved(function)

    def reserve(self, function: str, concurrency: int | None) -> None:
        _check(self._resource, self._granted, Access.WRITE)
        self._capacity.reserve(function, concurrency)

    def shards(self, stream: str) -> int:
        _check(self._resource, self._granted, Access.READ)
        return self._capacity.shards(stream)

    def reshard(self, stream: str, shards: int) -> None:
        _check(self._resource, self._granted, Access.WRITE)
        self._capacity.reshard(stream, shards)
