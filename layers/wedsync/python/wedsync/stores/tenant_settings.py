"""What a tenant has settled for itself: one item, written version by version."""

from dataclasses import dataclass, replace
from datetime import datetime

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.errors import PreconditionFailed
from wedsync.metrics.packs import PackHistory
from wedsync.stores.documents import WRITTEN_BYTES, Documents
from wedsync.tenancy import Tenant
from wedsync.weddings.season import USUAL_SEASON, SeasonMonths


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    """A tenant's settings. ``version`` is 0, and ``updated_at`` None, where none are stored."""

    packs: PackHistory
    season: SeasonMonths = USUAL_SEASON
    updated_at: datetime | None = None
    version: int = 0


_documents = Documents(TenantSettings, most_bytes=WRITTEN_BYTES)


class TenantSettingsStore:
    """Settings by tenant."""

    def __init__(self, table: Table) -> None:
        """On the tenant settings table."""
        self._table = table

    def find(self, tenant: Tenant) -> TenantSettings | None:
        """What is stored."""
        item = self._table.get(_key(tenant))
        return None if item is None else _documents.load(item.text("body"))

    def fix(self, tenant: Tenant, usual: TenantSettings) -> TenantSettings:
        """What is stored; where nothing is, ``usual`` from now on."""
        found = self.find(tenant)
        if found is not None:
            return found
        first = replace(usual, version=1)
        try:
            self._table.put(_item(tenant, first), when=Absent())
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise
            return _documents.load(conflict.current.text("body"))
        return first

    def save(self, tenant: Tenant, settings: TenantSettings, *, expected: int) -> TenantSettings:
        """Store as version ``expected`` + 1. Raises PreconditionFailed."""
        saved = replace(settings, version=expected + 1)
        try:
            self._table.put(
                _item(tenant, saved),
                when=Equals("version", expected) if expected else Absent(),
            )
        except ConditionFailed:
            raise PreconditionFailed from None
        return saved


def _key(tenant: Tenant) -> Key:
    return Key(tenant.partition("settings"), "settings")


def _item(tenant: Tenant, settings: TenantSettings) -> Item:
    attributes: dict[str, str | int | bytes] = {
        "body": _documents.dump(settings),
        "version": settings.version,
    }
    return Item(_key(tenant), attributes)
