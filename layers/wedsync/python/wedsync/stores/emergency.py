"""Whether a tenant is in emergency mode: one item, which ends by itself."""

from dataclasses import dataclass
from datetime import datetime

from wedsync.cloud import EXPIRES_AT, Item, Key, Table
from wedsync.stores.documents import Documents
from wedsync.tenancy import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """What can wait is shed until then. ``by``: who or what has begun it."""

    since: datetime
    until: datetime
    by: str


_documents = Documents(Emergency)


class EmergencyStore:
    """Emergency mode by tenant."""

    def __init__(self, table: Table) -> None:
        """On the tenant settings table."""
        self._table = table

    def find(self, tenant: Tenant, *, now: datetime) -> Emergency | None:
        """The emergency, while it lasts."""
        item = self._table.get(_key(tenant))
        if item is None:
            return None
        found = _documents.load(item.text("body"))
        return found if found.until > now else None

    def begin(self, tenant: Tenant, emergency: Emergency) -> None:
        """From now on, in the place of any other."""
        attributes: dict[str, str | int | bytes] = {
            "body": _documents.dump(emergency),
            EXPIRES_AT: int(emergency.until.timestamp()) + 1,
        }
        self._table.put(Item(_key(tenant), attributes))

    def end(self, tenant: Tenant) -> None:
        """It is over."""
        self._table.delete(_key(tenant))


def _key(tenant: Tenant) -> Key:
    return Key(tenant.partition("settings"), "emergency")
