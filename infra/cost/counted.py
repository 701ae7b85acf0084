"""The seam with a counter in it: every call on a table, and the units that DynamoDB would bill.

A read unit is 4 KiB read consistently (half as much otherwise), a write unit 1 KiB written; each
is rounded up per call, for reads of many keys per item, and a refused write costs what it would
have written.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wedsync.cloud import (
    EVERYTHING,
    Cloud,
    Condition,
    Item,
    Key,
    Page,
    Sort,
    Table,
)
from wedsync.cloud.forwarding import ForwardingCloud
from wedsync.resources import Resource

_READ_UNIT, _WRITE_UNIT = 4096, 1024


@dataclass(slots=True)
class Calls:
    """What was called, by resource and kind of call, and its units."""

    calls: Counter[tuple[Resource, str]] = field(default_factory=Counter)
    read_units: Counter[Resource] = field(default_factory=Counter)
    write_units: Counter[Resource] = field(default_factory=Counter)

    def read(
        self, resource: Resource, kind: str, items: Iterable[int], *, consistent: bool
    ) -> None:
        """One read; ``items`` are sizes that are rounded up one by one."""
        self.calls[resource, kind] += 1
        units = sum(max(1, math.ceil(size / _READ_UNIT)) for size in items)
        self.read_units[resource] += units if consistent else math.ceil(units / 2)

    def wrote(self, resource: Resource, kind: str, size: int) -> None:
        """One write."""
        self.calls[resource, kind] += 1
        self.write_units[resource] += max(1, math.ceil(size / _WRITE_UNIT))


class CountedCloud(ForwardingCloud):
    """Another cloud, of which the calls on tables are counted."""

    def __init__(self, cloud: Cloud, calls: Calls) -> None:
        super().__init__(cloud)
        self._calls = calls

    def table(self, resource: Resource) -> Table:
        """Counted."""
        return _CountedTable(self._cloud.table(resource), resource, self._calls)


class _CountedTable:
    def __init__(self, table: Table, resource: Resource, calls: Calls) -> None:
        self._table = table
        self._resource = resource
        self._calls = calls

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        item = self._table.get(key, consistent=consistent)
        self._calls.read(self._resource, "get", [_size(item)], consistent=consistent)
        return item

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        items = self._table.get_many(keys, consistent=consistent)
        sizes = [*map(_size, items), *[0] * (len(keys) - len(items))]
        self._calls.read(self._resource, "get many", sizes, consistent=consistent)
        return items

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        self._calls.wrote(self._resource, "put", _size(item))
        self._table.put(item, when=when)

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        self._calls.wrote(self._resource, "delete", _size(self._table.get(key)))
        self._table.delete(key, when=when)

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        self._calls.wrote(self._resource, "advance", _size(self._table.get(key)))
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
        page = self._table.query(
            partition,
            sort=sort,
            index=index,
            limit=limit,
            after=after,
            descending=descending,
            consistent=consistent,
        )
        together = sum(map(_size, page.items))
        strongly = consistent and index is None
        self._calls.read(self._resource, "query", [together], consistent=strongly)
        return page


def _size(item: Item | None) -> int:
    """What DynamoDB counts: names and values; of a number half a byte a digit, and one."""
    if item is None:
        return 0
    size = len("pk" + item.key.pk + "sk" + item.key.sk)
    for name, value in item.attributes.items():
        size += len(name)
        if isinstance(value, int):
            size += 1 + math.ceil(len(str(abs(value))) / 2)
        else:
            size += len(value.encode() if isinstance(value, str) else value)
    return size
