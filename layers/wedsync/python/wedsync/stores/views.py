"""Which weddings somebody looks at: they are kept by the second meanwhile.

Key: ``tenant#views / weddingId``. A view lasts a while by itself; nothing takes it away.
"""

from datetime import datetime, timedelta

from wedsync.cloud import Item, Key, Table
from wedsync.cloud.paging import every
from wedsync.cloud.values import EXPIRES_AT
from wedsync.tenancy import Tenant

NOTED_EVERY = timedelta(minutes=1)
LASTS = timedelta(minutes=10) + NOTED_EVERY
"""Ten minutes from the last look, of which the latest minute may not be noted."""


class ViewStore:
    """Views by tenant and wedding."""

    def __init__(self, table: Table) -> None:
        """On the views table."""
        self._table = table

    def note(self, tenant: Tenant, wedding_id: str, *, now: datetime) -> None:
        """Somebody looks at this registered wedding now."""
        key = Key(tenant.partition("views"), wedding_id)
        self._table.put(Item(key, {EXPIRES_AT: int((now + LASTS).timestamp())}))

    def of(self, tenant: Tenant) -> frozenset[str]:
        """The weddings that were looked at of late; may lag by seconds."""
        items = every(self._table, tenant.partition("views"), consistent=False)
        return frozenset(item.key.sk for item in items)
