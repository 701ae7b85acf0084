"""Things that come in episodes: one present at a time under a name, the former ones kept.

The present episode stands, whole, under its name; when the next one begins, the former is first
copied to a key of its own. So there is no pointer that could disagree with what it points to, and
every transition is one conditional write. An id reads ``<name>-<n>`` and leads to either place.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from wedsync.cloud import Absent, Attribute, ConditionFailed, Equals, Item, Key, Table
from wedsync.identifiers import plausible
from wedsync.stores.documents import Documents
from wedsync.tenancy import Tenant

T = TypeVar("T")


class Overtaken(Exception):
    """Somebody else wrote first: load it again and decide anew."""


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
        self._table.put(self._item(tenant, self._id_of(after.value), after.value, after.version))
        return self._put(tenant, name, value, Equals("version", after.version), after.version + 1)

    def save(self, tenant: Tenant, value: T, *, expected: int) -> Stored[T]:
        """Store a change of the episode that was read at this version. Raises Overtaken."""
        name = self._id_of(value).rpartition("-")[0]
        return self._put(tenant, name, value, Equals("version", expected), expected + 1)

    def drop(self, tenant: Tenant, stored: Stored[T]) -> None:
        """Undo an episode that came to nothing: the former one stands again. Raises Overtaken."""
        name, _, number = self._id_of(stored.value).rpartition("-")
        former = self._read(self._table.get(self._key(tenant, f"{name}-{int(number) - 1}")))
        expected = Equals("version", stored.version)
        if former is not None:
            self._put(tenant, name, former.value, expected, stored.version + 1)
            return
        try:
            self._table.delete(self._key(tenant, name), when=expected)
        except ConditionFailed:
            raise Overtaken from None

    def _put(
        self, tenant: Tenant, name: str, value: T, when: Absent | Equals, version: int
    ) -> Stored[T]:
        try:
            self._table.put(self._item(tenant, name, value, version), when=when)
        except ConditionFailed:
            raise Overtaken from None
        return Stored(self._versioned(value, version), version)

    def _item(self, tenant: Tenant, name: str, value: T, version: int) -> Item:
        return Item(
            self._key(tenant, name),
            {
                "body": self._documents.dump(value),
                "version": version,
                **self._indexed(tenant, value),
            },
        )

    def _key(self, tenant: Tenant, name: str) -> Key:
        return Key(tenant.partition(self._family), name)

    def _read(self, item: Item | None) -> Stored[T] | None:
        return None if item is None else self.load(item)

    def load(self, item: Item) -> Stored[T]:
        """An item, also one of the table's indexes."""
        version = item.number("version")
        return Stored(self._versioned(self._documents.load(item.text("body")), version), version)
