"""Queries, page after page; and where a page ended, as the opaque text that callers hand back.

The text names a place in a partition, never the partition: that comes from the caller's query
alone, so a page's ``next`` opens nobody else's data.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from wedsync.cloud.protocols import Table
from wedsync.cloud.values import EVERYTHING, Item, Key, Sort


def every(
    table: Table,
    partition: str,
    *,
    sort: Sort = EVERYTHING,
    index: str | None = None,
    page_size: int | None = None,
    consistent: bool = True,
) -> Iterator[Item]:
    """All items of a query, in its order; each page is asked for when the one before is used up."""
    after = None
    while True:
        page = table.query(
            partition, sort=sort, index=index, limit=page_size, after=after, consistent=consistent
        )
        yield from page.items
        if (after := page.next) is None:
            return


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of a table's partition or, with ``key``, of an index's."""

    sort: str
    key: Key | None = None

    def encode(self) -> str:
        """As url-safe text."""
        parts = [self.sort] if self.key is None else [self.sort, self.key.pk, self.key.sk]
        return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def place_of(text: str, *, sort: Sort, indexed: bool) -> Place:
    """Read a place back; ValueError unless it can have come from a query of this kind."""
    try:
        parts = json.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ValueError("this is no page's next") from error
    match parts:
        case [str(place)] if not indexed and place:
            found = Place(place)
        case [str(place), str(pk), str(sk)] if indexed and place and pk and sk:
            found = Place(place, Key(pk, sk))
        case _:
            raise ValueError("this is no page's next")
    if not covers(sort, found.sort):
        raise ValueError("this is the next of a query with another range")
    return found


def covers(sort: Sort, text: str) -> bool:
    """Whether a range holds this sort key."""
    place = text.encode()
    if sort.begins_with is not None:
        return place.startswith(sort.begins_with.encode())
    low = sort.at_least is None or sort.at_least.encode() <= place
    return low and (sort.at_most is None or place <= sort.at_most.encode())


def is_empty(sort: Sort) -> bool:
    """Whether a span ends before it begins: DynamoDB refuses to be asked, so nobody asks it."""
    if sort.at_least is None or sort.at_most is None:
        return False
    return sort.at_most.encode() < sort.at_least.encode()
