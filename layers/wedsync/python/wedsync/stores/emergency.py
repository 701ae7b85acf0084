"""Whether a tenant is in emergency mode: one item, written version by version."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.paging import every
from wedsync.stores.documents import Documents
from wedsync.stores.episodes import Overtaken
from wedsync.tenancy import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """Emergency mode as it was switched on last; it ends by itself at ``until``.

    ``by``: who has switched it on, or which run of a runbook; ``incident_id``: with whose end it
    ends. ``number`` counts how often it was switched on, and ``version`` how often on or off.
    ``told_on`` and ``told_off``: whether people have heard of it. Whoever stores it raises
    ``revision``.
    """

    since: datetime
    until: datetime
    by: str
    reason: str
    incident_id: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    number: int = 1
    version: int = 1
    told_on: bool = False
    told_off: bool = False
    revision: int = 0

    def is_on(self, now: datetime) -> bool:
        """Whether it lasts."""
        return self.ended_at is None and self.until > now

    def is_untold(self, now: datetime) -> bool:
        """Whether there is something that people have not heard of."""
        return not self.told_on or not (self.told_off or self.is_on(now))


_documents = Documents(Emergency)
_LASTING = "emergencies"


class EmergencyStore:
    """Emergency mode by tenant."""

    def __init__(self, table: Table) -> None:
        """On the tenant settings table."""
        self._table = table

    def last(self, tenant: Tenant) -> Emergency | None:
        """The last one, whether it lasts or not."""
        item = self._table.get(_key(tenant))
        return None if item is None else _emergency(item)

    def find(self, tenant: Tenant, *, now: datetime) -> Emergency | None:
        """The emergency, while it lasts."""
        found = self.last(tenant)
        return found if found is not None and found.is_on(now) else None

    def every(self) -> Iterator[tuple[Tenant, Emergency]]:
        """Of every tenant what lasts, or is over without that people were told; may lag."""
        for item in every(self._table, _LASTING, index="emergencies"):
            yield Tenant(item.text("owner")), _emergency(item)

    def save(self, tenant: Tenant, emergency: Emergency, *, former: Emergency | None) -> Emergency:
        """Store it in the place of ``former``. Raises Overtaken."""
        expected = 0 if former is None else former.revision
        saved = replace(emergency, revision=expected + 1)
        attributes: dict[str, str | int | bytes] = {
            "body": _documents.dump(saved),
            "revision": saved.revision,
        }
        if not saved.told_off:
            attributes |= {"emergency_in": _LASTING, "owner": tenant.id}
        try:
            self._table.put(
                Item(_key(tenant), attributes),
                when=Absent() if former is None else Equals("revision", expected),
            )
        except ConditionFailed:
            raise Overtaken from None
        return saved


def _key(tenant: Tenant) -> Key:
    return Key(tenant.partition("settings"), "emergency")


def _emergency(item: Item) -> Emergency:
    return _documents.load(item.text("body"))
