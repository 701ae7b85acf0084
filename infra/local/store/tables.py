"""Tables of items: a SQLite table each, with a partial index for each sparse index.

A row holds the item as JSON, with bytes cut out into one blob; the keys of indexes stand in
columns of their own. SQLite compares text as UTF-8 bytes, which is DynamoDB's order.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from infra.local.store.database import Database
from wedsync.cloud import (
    EVERYTHING,
    EXPIRES_AT,
    Attribute,
    Condition,
    ConditionFailed,
    Item,
    Key,
    Page,
    Sort,
    holds,
)
from wedsync.cloud.limits import (
    check_advance,
    check_condition,
    check_item,
    check_key,
    check_keys,
    check_query,
)
from wedsync.cloud.paging import Place, is_empty, place_of
from wedsync.resources import Index, Resource

_PAGE_BYTES = 1024 * 1024
_NEVER = 2**63 - 1
_FIRST_SURROGATE, _BEHIND_SURROGATES = 0xD800, 0xE000
_encoder = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


class LocalTable:
    """A ``wedsync.cloud.Table``."""

    def __init__(self, database: Database, resource: Resource) -> None:
        self._database = database
        self._indexes = {index.name: index for index in resource.indexes}
        pairs = ((index.partition, index.sort) for index in resource.indexes)
        self._keyed = tuple(dict.fromkeys(chain.from_iterable(pairs)))
        self._table = f"table_{resource.name.lower()}"
        self._define()
        keyed = tuple(f"key_{name}" for name in self._keyed)
        columns = ("pk", "sk", "document", "blobs", "expires_at", *keyed)
        updates = ", ".join(f"{column}=excluded.{column}" for column in columns[2:])
        named = f"{self._table} WHERE pk=? AND sk=?"
        self._get = f"SELECT document, blobs FROM {named} AND expires_at>?"  # noqa: S608 - own names
        self._delete = f"DELETE FROM {named}"  # noqa: S608 - own names
        self._put = (
            f"INSERT INTO {self._table} ({', '.join(columns)}) "  # noqa: S608 - own names
            f"VALUES ({', '.join('?' * len(columns))}) ON CONFLICT (pk, sk) DO UPDATE SET {updates}"
        )

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """The item, or None; always consistent."""
        del consistent
        check_key(key)
        return self._read(key)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        """Those of up to 100 distinct items that exist."""
        del consistent
        check_keys(keys)
        with self._database.asking:
            return tuple(item for key in keys if (item := self._read(key)) is not None)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        """Replace the whole item."""
        check_item(item, tuple(self._indexes.values()))
        self._write(self._put, self._row(item), key=item.key, when=when)

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        """Remove the item, if it is there."""
        check_key(key)
        self._write(self._delete, (key.pk, key.sk), key=key, when=when)

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        """Raise a number in one step."""
        check_key(key)
        check_advance(name, by=by, at_least=at_least, at_most=at_most)
        with self._database.writing():
            current = self._read(key)
            attributes = {} if current is None else current.attributes
            number = attributes.get(name, at_least)
            if not isinstance(number, int) or number > at_most:
                raise ConditionFailed(current)
            raised = max(number, at_least) + by
            item = Item(key, {**attributes, name: raised})
            self._database.execute(self._put, self._row(item))
        return raised

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
        """A partition in order; a page ends at ``limit`` or at one megabyte, as in DynamoDB."""
        del consistent
        check_query(partition, sort, limit)
        order = None if index is None else self._index(index)
        place = None if after is None else place_of(after, sort=sort, indexed=order is not None)
        if is_empty(sort):
            return Page(())
        statement, values = self._select(order, sort, place, descending=descending)
        items: list[Item] = []
        size = 0
        place = None
        with self._database.asking:
            now = self._database.now_ms() // 1000
            for row in self._database.execute(statement, (partition, now, *values)):
                if place is not None and (len(items) == limit or size >= _PAGE_BYTES):
                    return Page(tuple(items), place.encode())
                pk, sk, document, blobs, rank = row
                key = Key(pk, sk)
                place = Place(rank, None if order is None else key)
                items.append(Item(key, _decode(document, blobs)))
                size += len(document) + len(blobs or b"")
        return Page(tuple(items))

    def sweep(self) -> int:
        """Forget expired items for good, and say how many there were."""
        with self._database.writing():
            return self._database.execute(
                f"DELETE FROM {self._table} WHERE expires_at<=?",  # noqa: S608 - own names
                (self._database.now_ms() // 1000,),
            ).rowcount

    def _row(self, item: Item) -> tuple[object, ...]:
        attributes = item.attributes
        document, blobs = _encode(attributes)
        return (
            item.key.pk,
            item.key.sk,
            document,
            blobs,
            _lasts_until(attributes),
            *(attributes.get(name) for name in self._keyed),
        )

    def _read(self, key: Key) -> Item | None:
        database = self._database
        with database.asking:
            now = database.now_ms() // 1000
            row = database.execute(self._get, (key.pk, key.sk, now)).fetchone()
        return None if row is None else Item(key, _decode(*row))

    def _write(
        self, statement: str, values: Sequence[object], *, key: Key, when: Condition | None
    ) -> None:
        database = self._database
        if when is None:
            with database.asking:
                database.execute(statement, values)
            return
        check_condition(when)
        with database.writing():
            current = self._read(key)
            if not holds(when, None if current is None else current.attributes):
                raise ConditionFailed(current)
            database.execute(statement, values)

    def _select(
        self, order: Index | None, sort: Sort, place: Place | None, *, descending: bool
    ) -> tuple[str, list[str]]:
        """The query without its first two values, which are the partition and the time."""
        partition, rank = ("pk", "sk")
        ranks = "sk"
        if order is not None:
            partition, rank = (f"key_{order.partition}", f"key_{order.sort}")
            ranks = f"{rank}, pk, sk"
        terms = [f"{partition}=?", "expires_at>?", f"{rank} IS NOT NULL"]
        values: list[str] = []
        for term, bound in _bounds(sort):
            terms.append(f"{rank}{term}?")
            values.append(bound)
        if place is not None:
            places = [place.sort, *((place.key.pk, place.key.sk) if place.key else ())]
            terms.append(f"({ranks}){'<' if descending else '>'}({', '.join('?' * len(places))})")
            values.extend(places)
        direction = "DESC" if descending else "ASC"
        ordered = ", ".join(f"{name} {direction}" for name in ranks.split(", "))
        return (
            f"SELECT pk, sk, document, blobs, {rank} FROM {self._table} "  # noqa: S608 - own names
            f"WHERE {' AND '.join(terms)} ORDER BY {ordered}"
        ), values

    def _index(self, name: str) -> Index:
        if name not in self._indexes:
            raise ValueError(f"there is no index {name!r}")
        return self._indexes[name]

    def _define(self) -> None:
        """Create what is missing; an index that a newer version declares is filled from items."""
        self._database.define(
            f"CREATE TABLE IF NOT EXISTS {self._table} (pk TEXT NOT NULL, sk TEXT NOT NULL, "
            "document TEXT NOT NULL, blobs BLOB, expires_at INTEGER NOT NULL, PRIMARY KEY (pk, sk))"
        )
        described = self._database.execute(f"PRAGMA table_info({self._table})").fetchall()
        known = {str(column[1]) for column in described}
        for name in self._keyed:
            if f"key_{name}" not in known:
                self._database.define(
                    f"ALTER TABLE {self._table} ADD COLUMN key_{name} TEXT",
                    f"UPDATE {self._table} "  # noqa: S608 - own names
                    f"SET key_{name}=json_extract(document, '$.{name}')",
                )
        self._database.define(
            *(
                f"CREATE INDEX IF NOT EXISTS {self._table}_{index.name} ON {self._table} "
                f"(key_{index.partition}, key_{index.sort}, pk, sk) WHERE "
                f"key_{index.partition} IS NOT NULL AND key_{index.sort} IS NOT NULL"
                for index in self._indexes.values()
            )
        )


def _encode(attributes: Mapping[str, Attribute]) -> tuple[str, bytes | None]:
    """Bytes become their [offset, length] in one blob: no attribute is a list otherwise."""
    plain: dict[str, str | int | tuple[int, int]] = {}
    blobs: list[bytes] = []
    offset = 0
    for name, value in attributes.items():
        if isinstance(value, bytes):
            plain[name] = (offset, len(value))
            blobs.append(value)
            offset += len(value)
        else:
            plain[name] = value
    return _encoder.encode(plain), b"".join(blobs) if blobs else None


def _decode(document: str, blobs: bytes | None) -> dict[str, Attribute]:
    plain = json.loads(document)
    if blobs is not None:
        for name, value in plain.items():
            if isinstance(value, list):
                offset, length = value
                plain[name] = blobs[offset : offset + length]
    attributes: dict[str, Attribute] = plain
    return attributes


def _lasts_until(attributes: Mapping[str, Attribute]) -> int:
    """The expiry as a SQLite integer; far beyond any clock where there is none."""
    until = attributes.get(EXPIRES_AT, _NEVER)
    return max(0, min(until, _NEVER)) if isinstance(until, int) else _NEVER


def _bounds(sort: Sort) -> Iterator[tuple[str, str]]:
    if sort.begins_with is not None:
        yield ">=", sort.begins_with
        if (behind := _behind(sort.begins_with)) is not None:
            yield "<", behind
    if sort.at_least is not None:
        yield ">=", sort.at_least
    if sort.at_most is not None:
        yield "<=", sort.at_most


def _behind(prefix: str) -> str | None:
    """The least text behind all that begin so: the order of code points is that of UTF-8."""
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return None
    following = ord(head[-1]) + 1
    if following == _FIRST_SURROGATE:
        following = _BEHIND_SURROGATES
    return head[:-1] + chr(following)
