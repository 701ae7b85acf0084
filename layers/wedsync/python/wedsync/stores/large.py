"""Derived items whose bodies may outgrow one item: the rest lies in pieces beside them.

What fits is one item, written and read as such. Of what does not, the long attributes are cut into
pieces, in a partition of their own: ``tenant#pieces#… / version#digest#number``. They are written
first, then the head, on its condition, with all else and the name of its pieces. So a head that is
there is whole: a writer that dies in between leaves what was there before. A piece's name tells its
version and content, so that no writer changes what a head speaks of. Whoever replaces a head of
pieces by another removes the former ones; a reader that is about to read them finds them gone, and
reads the newer head. A head that comes to fit into one item is replaced without a look at what was
there: its former pieces stay until they expire, if they do.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from wedsync.cloud import (
    EVERYTHING,
    EXPIRES_AT,
    Attribute,
    ConditionFailed,
    Item,
    Key,
    LessThan,
    Sort,
    Table,
)
from wedsync.cloud.limits import BATCH_KEYS, ITEM_BYTES, item_bytes
from wedsync.errors import TooMuchContention

FITS_BYTES = ITEM_BYTES * 7 // 8
"""An item up to here is one item: well below the 400 KB of DynamoDB, which counts in its own way.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""
LONG_BYTES = 256
"""What an attribute has at the least that goes into pieces."""
TRIES = 16
_PIECES = "pieces"


class PiecesMissing(Exception):
    """A stored head speaks of pieces that are not there: something else has removed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pieces:
    """What a head says of its pieces: their common name, how many, and what is in them in order."""

    name: str
    count: int
    attributes: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, item: Item) -> Self | None:
        """What this head says; None of an item that is whole."""
        if _PIECES not in item.attributes:
            return None
        name, count, attributes = json.loads(item.text(_PIECES))
        return cls(name=name, count=count, attributes=tuple(map(tuple, attributes)))

    def text(self) -> str:
        """As the head holds it."""
        return json.dumps([self.name, self.count, self.attributes], separators=(",", ":"))

    def keys(self, head: Key) -> list[Key]:
        """Where they lie."""
        owner, _, rest = head.pk.partition("#")
        partition = f"{owner}#{_PIECES}#{rest}#{head.sk}"
        return [Key(partition, f"{self.name}#{number:05d}") for number in range(self.count)]

    def opened(self, body: bytes) -> dict[str, Attribute]:
        """The attributes that they hold together."""
        found: dict[str, Attribute] = {}
        start = 0
        for name, kind, length in self.attributes:
            value = body[start : start + length]
            found[name] = value.decode() if kind == "text" else value
            start += length
        return found


class LargeItems:
    """Items of a table that may be larger than the table takes. Each has a ``version``.

    Whoever reads raises PiecesMissing where something else has removed a piece, and
    TooMuchContention where the item is replaced again and again while it is read.
    """

    def __init__(self, table: Table, *, fits_bytes: int = FITS_BYTES) -> None:
        """What has more than ``fits_bytes`` lies in pieces of as many."""
        self._table = table
        self._fits_bytes = fits_bytes

    def put_newer(self, item: Item) -> bool:
        """Store the item unless one of the same or a greater version is there; whether it was."""
        if item_bytes(item.key, item.attributes) <= self._fits_bytes:
            return self._put_head(item) is None
        before = self._table.get(item.key)
        if before is not None and before.number("version") >= item.number("version"):
            return False
        head, contents = self._cut(item)
        expiry = {name: item.number(name) for name in (EXPIRES_AT,) if name in item.attributes}
        for key, content in zip(_keys_of(head), contents, strict=True):
            self._table.put(Item(key, {"content": content, **expiry}))
        standing = self._put_head(head)
        if standing is None:
            self._remove(before)
        elif _Pieces.of(standing) != _Pieces.of(head):
            self._remove(head)
        return standing is None

    def get(self, key: Key) -> Item | None:
        """The whole item, or None."""
        item = self._table.get(key)
        return None if item is None else self._whole(item)

    def get_many(self, keys: Iterable[Key]) -> Iterator[Item]:
        """Those of these distinct items that exist, whole, in no order."""
        for some in _batches(keys):
            yield from self._wholes(self._table.get_many(some))

    def query(self, partition: str, sort: Sort = EVERYTHING) -> Iterator[Item]:
        """A partition's items in order, whole."""
        after = None
        while True:
            page = self._table.query(partition, sort=sort, after=after)
            yield from self._wholes(page.items)
            if (after := page.next) is None:
                return

    def _put_head(self, item: Item) -> Item | None:
        """What stands in the way, if anything does; the item itself where that has gone since."""
        try:
            self._table.put(item, when=LessThan("version", item.number("version")))
        except ConditionFailed as conflict:
            return conflict.current or item
        return None

    def _cut(self, item: Item) -> tuple[Item, Sequence[bytes]]:
        """The head of an item, and what lies in its pieces."""
        long = {
            name: data
            for name, value in item.attributes.items()
            if not isinstance(value, int) and len(data := _raw(value)) >= LONG_BYTES
        }
        body = b"".join(long.values())
        contents = [
            body[start : start + self._fits_bytes]
            for start in range(0, len(body), self._fits_bytes)
        ]
        digest = blake2b(body, digest_size=16).hexdigest()
        pieces = _Pieces(
            name=f"{item.number('version')}#{digest}",
            count=len(contents),
            attributes=tuple(
                (name, "text" if isinstance(item.attributes[name], str) else "bytes", len(data))
                for name, data in long.items()
            ),
        )
        rest = {name: value for name, value in item.attributes.items() if name not in long}
        return Item(item.key, {**rest, _PIECES: pieces.text()}), contents

    def _wholes(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            whole = self._whole(item)
            if whole is not None:
                yield whole

    def _whole(self, item: Item) -> Item | None:
        """The item with what lies in its pieces; of a newer one, where these have gone meanwhile.

        None where the item itself has gone meanwhile.
        """
        head = item
        for _ in range(TRIES):
            pieces = _Pieces.of(head)
            if pieces is None:
                return head
            keys = pieces.keys(head.key)
            found = {
                each.key: each.raw("content")
                for some in _batches(keys)
                for each in self._table.get_many(some)
            }
            if len(found) == pieces.count:
                rest = {name: each for name, each in head.attributes.items() if name != _PIECES}
                return Item(head.key, rest | pieces.opened(b"".join(found[key] for key in keys)))
            newer = self._table.get(head.key)
            if newer is None:
                return None
            if _Pieces.of(newer) == pieces:
                raise PiecesMissing(f"{head.key.pk} / {head.key.sk} has lost a piece")
            head = newer
        raise TooMuchContention

    def _remove(self, head: Item | None) -> None:
        """Remove the pieces of a head that is not stored any more."""
        for key in () if head is None else _keys_of(head):
            self._table.delete(key)


def _keys_of(head: Item) -> list[Key]:
    pieces = _Pieces.of(head)
    return [] if pieces is None else pieces.keys(head.key)


def _raw(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    every = list(keys)
    for start in range(0, len(every), BATCH_KEYS):
        yield every[start : start + BATCH_KEYS]
