"""Values that updates change: one item each, changed by conditional writes.

Key: ``tenant#values / metric#hash``, the hash being of all that it is of.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Sort, Table
from wedsync.errors import Throttled
from wedsync.metrics.updates import RunningValue, Update, Updated, ValueName, updated
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.documents import Documents
from wedsync.tenancy import Tenant

_values = Documents(RunningValue)
TRIES = 32


class RunningValueStore:
    """Values by tenant and name."""

    def __init__(self, table: Table) -> None:
        """On the running totals table."""
        self._table = table

    def update(
        self, tenant: Tenant, name: ValueName, updates: Sequence[Update], *, now: datetime
    ) -> Updated:
        """Store these updates, each once. Raises Throttled where others keep writing the same."""
        key = _key(tenant, name)
        item = self._table.get(key)
        for _ in range(TRIES):
            found = RunningValue(name=name) if item is None else _value(item)
            done = updated(found, updates, now_ms=round(now.timestamp() * 1000))
            if not done.applied:
                return done
            saved = replace(done.running, version=found.version + 1)
            try:
                self._table.put(
                    Item(key, {"body": _values.dump(saved), "version": saved.version}),
                    when=Absent() if item is None else Equals("version", found.version),
                )
            except ConditionFailed as conflict:
                item = conflict.current
            else:
                return done
        raise Throttled

    def page(
        self, tenant: Tenant, *, metric: str | None, limit: int, cursor: str | None
    ) -> tuple[tuple[RunningValue, ...], str | None]:
        """Some values in the order of their metrics, and the cursor of the next ones."""
        partition = tenant.partition("values")
        scope = f"{partition}\n{metric or ''}"
        page = self._table.query(
            partition,
            sort=Sort() if metric is None else Sort(begins_with=f"{metric}#"),
            limit=limit,
            after=open_cursor(scope, cursor),
        )
        return tuple(map(_value, page.items)), seal(scope, page.next)


def _key(tenant: Tenant, name: ValueName) -> Key:
    text = json.dumps([name.wedding_id, name.vendor_id, name.source, name.dims])
    digest = blake2b(text.encode(), digest_size=12).hexdigest()
    return Key(tenant.partition("values"), f"{name.metric}#{digest}")


def _value(item: Item) -> RunningValue:
    return _values.load(item.text("body"))
