"""A cloud, or a table, that stands before another one, and changes only what it says."""

from collections.abc import Sequence

from wedsync.cloud.conditions import Condition
from wedsync.cloud.protocols import (
    Bucket,
    Capacity,
    Clock,
    Cloud,
    Ids,
    Queue,
    Readings,
    Secret,
    Stream,
    Table,
    TimeSeries,
    Topic,
    Web,
)
from wedsync.cloud.values import EVERYTHING, Item, Key, Page, Sort
from wedsync.resources import Resource


class ForwardingCloud:
    """Everything is the other cloud's own, but for what a subclass puts in its place."""

    def __init__(self, cloud: Cloud) -> None:
        """Stand before ``cloud``."""
        self._cloud = cloud

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._cloud.clock

    @property
    def wall_clock(self) -> Clock:
        """The time that callers live by."""
        return self._cloud.wall_clock

    @property
    def ids(self) -> Ids:
        """Ids and randomness."""
        return self._cloud.ids

    @property
    def web(self) -> Web:
        """Other people's endpoints."""
        return self._cloud.web

    def table(self, resource: Resource) -> Table:
        """Open a table."""
        return self._cloud.table(resource)

    def stream(self, resource: Resource) -> Stream:
        """Open a stream."""
        return self._cloud.stream(resource)

    def topic(self, resource: Resource) -> Topic:
        """Open a topic."""
        return self._cloud.topic(resource)

    def queue(self, resource: Resource) -> Queue:
        """Open a queue."""
        return self._cloud.queue(resource)

    def bucket(self, resource: Resource) -> Bucket:
        """Open a bucket."""
        return self._cloud.bucket(resource)

    def secret(self, resource: Resource) -> Secret:
        """Open a secret."""
        return self._cloud.secret(resource)

    def time_series(self, resource: Resource) -> TimeSeries:
        """Open a time series store."""
        return self._cloud.time_series(resource)

    def readings(self, resource: Resource) -> Readings:
        """Open what the bundle's own parts measure."""
        return self._cloud.readings(resource)

    def capacity(self, resource: Resource) -> Capacity:
        """Open how much room the bundle's own parts have."""
        return self._cloud.capacity(resource)


class ForwardingTable:
    """Everything is the other table's own, but for what a subclass puts in its place."""

    def __init__(self, table: Table) -> None:
        """Stand before ``table``."""
        self._table = table

    def called(self, call: str, *partitions: str) -> None:
        """Hear of a call, by its method's name, and whose items it is about, before it is made."""
        del call, partitions

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """Read an item."""
        self.called("get", key.pk)
        return self._table.get(key, consistent=consistent)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        """Read several."""
        self.called("get_many", *(key.pk for key in keys))
        return self._table.get_many(keys, consistent=consistent)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        """Write an item."""
        self.called("put" if when is None else "put when", item.key.pk)
        self._table.put(item, when=when)

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        """Remove an item."""
        self.called("delete", key.pk)
        self._table.delete(key, when=when)

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        """Raise a number."""
        self.called("advance", key.pk)
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
        """Read a partition in order."""
        self.called("query", partition)
        return self._table.query(
            partition,
            sort=sort,
            index=index,
            limit=limit,
            after=after,
            descending=descending,
            consistent=consistent,
        )
