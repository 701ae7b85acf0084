"""Things that come in episodes: one present at a time under a name, the former ones kept.

The present episode stands, whole, under its name; when the next one begins, the former is first
copied to a key of its own. So there is no pointer that could disagree with what it points to, and
every transition is one conditional write. An id reads ``<name>-<n>`` and leads to either place.

What was filed may still change (whoever was paged must hear of the end). Both places count versions
on their own from then, so a write requires the version of *this* episode, never a bare number.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from wedsync.cloud import Absent, Attribute, ConditionFailed, Equals, Item, Key, LessThan, Table
from wedsync.identifiers import plausible
from wedsync.stores.documents import Documents
from wedsync.tenancy import Tenant

T = TypeVar("T")


class Overtaken(Exception):
    """Somebody else wrote first: load it again and decide anew. ``by`` is what stands there."""

    def __init__(self, by: Item | None = None) -> None:
        super().__init__("somebody else wrote first")
        self.by = by


@dataclass(frozen=True, slots=True)
class Stored(Generic[T]):
    """An episode as it was read, with the version that a write must meet."""

    value: T
    version: int


class EpisodeTable(Generic[T]):
    """Episodes of one kind in one table."""

    def __init__(
        self,
        table: Table,
        *,
        family: str,
        documents: Documents[T],
        id_of: Callable[[T], str],
        indexed: Callable[[Tenant, T], Mapping[str, Attribute]],
        versioned: Callable[[T, int], T],
    ) -> None:
        """``indexed`` gives the attributes that the table's indexes are made of.

        ``versioned`` writes the stored version into a value that shows it.
        """
        self._table = table
        self._family = family
        self._documents = documents
        self._id_of = id_of
        self._indexed = indexed
        self._versioned = versioned

    def current(self, tenant: Tenant, name: str) -> Stored[T] | None:
        """The present, or latest, episode under this name."""
        return self._read(self._table.get(self._key(tenant, name)))

    def current_many(self, tenant: Tenant, names: Iterable[str]) -> dict[str, Stored[T]]:
        """The present, or latest, episodes under these names, where there are any."""
        keys = [self._key(tenant, name) for name in sorted(set(names))]
        found: dict[str, Stored[T]] = {}
        for start in range(0, len(keys), 100):
            for item in self._table.get_many(keys[start : start + 100]):
                found[item.key.sk] = self.load(item)
        return found

    def find(self, tenant: Tenant, episode_id: str) -> Stored[T] | None:
        """The episode of this id; None for anything else."""
        name, dash, _ = episode_id.rpartition("-")
        if not dash or not plausible(episode_id):
            return None
        present = self.current(tenant, name)
        if present is not None and self._id_of(present.value) == episode_id:
            return present
        return self._read(self._table.get(self._key(tenant, episode_id)))

    def begin(self, tenant: Tenant, name: str, value: T, *, after: Stored[T] | None) -> Stored[T]:
        """Store a new episode in the place of ``after``. Raises Overtaken."""
        if after is None:
            return self._put(tenant, name, value, Absent(), 1)
        self._file(tenant, after)
        return self._put(
            tenant, name, value, self._is(after.value, after.version), after.version + 1
        )

    def save(self, tenant: Tenant, value: T, *, expected: int) -> Stored[T]:
        """Store a change of the episode that was read at this version, wherever it stands by now.

        Raises Overtaken.
        """
        episode_id = self._id_of(value)
        name = episode_id.rpartition("-")[0]
        for place in (name, episode_id):
            try:
                return self._put(tenant, place, value, self._is(value, expected), expected + 1)
            except Overtaken as overtaken:
                present = overtaken.by
                if place == episode_id or present is None or self._names(present, episode_id):
                    raise
        raise Overtaken

    def drop(self, tenant: Tenant, stored: Stored[T]) -> None:
        """Undo an episode that came to nothing: the former one stands again. Raises Overtaken."""
        name, _, number = self._id_of(stored.value).rpartition("-")
        former = self._read(self._table.get(self._key(tenant, f"{name}-{int(number) - 1}")))
        expected = self._is(stored.value, stored.version)
        if former is not None:
            self._put(tenant, name, former.value, expected, stored.version + 1)
            return
        try:
            self._table.delete(self._key(tenant, name), when=expected)
        except ConditionFailed as conflict:
            raise Overtaken(conflict.current) from None

    def _file(self, tenant: Tenant, former: Stored[T]) -> None:
        """Copy an episode to its own key; what stands there already may be newer and stays."""
        item = self._item(tenant, self._id_of(former.value), former.value, former.version)
        with suppress(ConditionFailed):
            self._table.put(item, when=LessThan("version", former.version))

    def _is(self, value: T, version: int) -> Equals:
        return Equals("revision", _revision(self._id_of(value), version))

    def _names(self, item: Item, episode_id: str) -> bool:
        return item.text("revision").rpartition("#")[0] == episode_id

    def _put(
        self, tenant: Tenant, name: str, value: T, when: Absent | Equals, version: int
    ) -> Stored[T]:
        try:
            self._table.put(self._item(tenant, name, value, version), when=when)
        except ConditionFailed as conflict:
            raise Overtaken(conflict.current) from None
        return Stored(self._versioned(value, version), version)

    def _item(self, tenant: Tenant, name: str, value: T, version: int) -> Item:
        return Item(
            self._key(tenant, name),
            {
                "body": self._documents.dump(value),
                "version": version,
                "revision": _revision(self._id_of(value), version),
                **self._indexed(tenant, value),
            },
        )

    def _key(self, tenant: Tenant, name: str) -> Key:
        return Key(tenant.partition(self._family), name)

    def _read(self, item: Item | None) -> Stored[T] | None:
        return None if item is None else self.load(item)

    def each_once(self, items: Iterable[Item]) -> tuple[T, ...]:
        """The episodes of an index's items, in their order.

        An episode that is just being filed stands there twice: what stands under the name is newer.
        """
        found: dict[str, T] = {}
        for item in items:
            value = self.load(item).value
            episode_id = self._id_of(value)
            if episode_id not in found or item.key.sk != episode_id:
                found[episode_id] = value
        return tuple(found.values())

    def load(self, item: Item) -> Stored[T]:
        """An item, also one of the table's indexes."""
        version = item.number("version")
        return Stored(self._versioned(self._documents.load(item.text("body")), version), version)


def _revision(episode_id: str, version: int) -> str:
    return f"{episode_id}#{version}"
