"""Silences.

Key: ``tenant#silences / silence``. One that is over is kept for a month, to be looked up.
"""

from dataclasses import replace
from datetime import timedelta

from wedsync.alerting.silences import Silence
from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.paging import every
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import PreconditionFailed, SilenceNotFound
from wedsync.identifiers import plausible
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.documents import LISTED_BYTES, Documents
from wedsync.tenancy import Tenant

_documents = Documents(Silence, most_bytes=LISTED_BYTES)
_KEPT = timedelta(days=31)


class SilenceStore:
    """One item for each silence."""

    def __init__(self, table: Table) -> None:
        """On the rules table."""
        self._table = table

    def get(self, tenant: Tenant, silence_id: str) -> Silence:
        """The silence. Raises SilenceNotFound, also for another tenant's."""
        item = self._table.get(_key(tenant, silence_id)) if plausible(silence_id) else None
        if item is None:
            raise SilenceNotFound
        return _silence(item)

    def every(self, tenant: Tenant) -> tuple[Silence, ...]:
        """All silences, those that are over among them, in the order of their beginnings."""
        found = map(_silence, every(self._table, tenant.partition("silences")))
        return tuple(sorted(found, key=lambda each: (each.starts_at, each.silence_id)))

    def page(
        self, tenant: Tenant, *, limit: int, cursor: str | None
    ) -> tuple[tuple[Silence, ...], str | None]:
        """Some silences in the order in which they were made, and the cursor of the next ones."""
        partition = tenant.partition("silences")
        page = self._table.query(partition, limit=limit, after=open_cursor(partition, cursor))
        return tuple(map(_silence, page.items)), seal(partition, page.next)

    def add(self, tenant: Tenant, silence: Silence) -> Silence:
        """Store a new one; where its id is stored already, what is: an earlier try of the same."""
        first = replace(silence, version=1)
        try:
            self._table.put(_item(tenant, first), when=Absent())
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise
            return _silence(conflict.current)
        return first

    def save(self, tenant: Tenant, silence: Silence, *, expected: int) -> Silence:
        """Store as version ``expected`` + 1. Raises PreconditionFailed."""
        saved = replace(silence, version=expected + 1)
        try:
            self._table.put(_item(tenant, saved), when=Equals("version", expected))
        except ConditionFailed:
            raise PreconditionFailed from None
        return saved


def _key(tenant: Tenant, silence_id: str) -> Key:
    return Key(tenant.partition("silences"), silence_id)


def _item(tenant: Tenant, silence: Silence) -> Item:
    return Item(
        _key(tenant, silence.silence_id),
        {
            "body": _documents.dump(silence),
            "version": silence.version,
            EXPIRES_AT: int((silence.ends_at + _KEPT).timestamp()),
        },
    )


def _silence(item: Item) -> Silence:
    return replace(_documents.load(item.text("body")), version=item.number("version"))
