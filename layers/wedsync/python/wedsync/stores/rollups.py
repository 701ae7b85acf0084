"""Hours and days: what minutes are rolled up to, and kept long after them.

Every item carries the sum of the versions of the hot items that it was made from, and only a
greater one replaces it: a run that is repeated writes nothing, one that saw more wins. ``scope`` is
``tenant``, ``wedding#id`` or ``vendor#id``.

- ``tenant#part#hour / pack``: one pack's share of its tenant's hour, by quarters, with the names of
  the weddings and vendors that had points in it.
- ``tenant#hour#scope / hour`` (a vendor's: ``hour#pack``): an hour of the tenant or of a vendor.
  Those of weddings lie in :mod:`wedsync.stores.windows`, where their pages read them.
- ``tenant#quarters#scope / hour``: the same hour in four, for zones whose days begin within one.
- ``tenant#day#scope#zone / date``: a calendar day of a zone.
- ``again#days / hour#tenant#pack``: hours that changed after their days were made, and
  ``again#history``: after they were copied to the long-range store.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from wedsync.cloud import Attribute, ConditionFailed, Equals, Item, Key, Sort, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.identifiers import plausible
from wedsync.metrics.block import Block
from wedsync.stores.large import LargeItems
from wedsync.stores.windows import ACTIVE_KEPT, HOURS_KEPT
from wedsync.tenancy import Tenant

PARTS_KEPT = ACTIVE_KEPT
"""A day may begin so long before the run that finds that it was not made in time."""
DAYS_KEPT = timedelta(days=5 * 366)
"""Days are kept for five years."""
QUARTERS = 4


class ScopeKind(StrEnum):
    """Whose figures."""

    TENANT = "tenant"
    WEDDING = "wedding"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """A tenant as a whole, one of its weddings, or one vendor at all of them."""

    kind: ScopeKind = ScopeKind.TENANT
    id: str = ""

    @property
    def storable(self) -> bool:
        """Whether this could be one of our ids: anything else is never rolled up."""
        return self.kind is ScopeKind.TENANT or plausible(self.id)

    def text(self) -> str:
        """As a part of a key."""
        return self.kind.value if self.kind is ScopeKind.TENANT else f"{self.kind.value}#{self.id}"


WHOLE = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One pack's share of an hour: its tenant's totals by quarters, and who is in it."""

    pack: int
    version: int
    quarters: tuple[bytes, ...]
    scopes: tuple[Scope, ...]


def scopes_in(parts: Iterable[Part]) -> set[Scope]:
    """The tenant itself, and the weddings and vendors that have points in these shares."""
    return {WHOLE, *(scope for part in parts for scope in part.scopes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledHour:
    """An hour (epoch hours), on time and late together; of a vendor, one pack's share of it."""

    hour: int
    version: int
    block: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledQuarters:
    """The same hour in four."""

    version: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledDay:
    """A calendar day, on time and late together."""

    date: date
    version: int
    block: Block


class Again(StrEnum):
    """What is to be made again of an hour that has changed."""

    DAYS = "days"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, order=True)
class Changed:
    """A pack's hour that changed after something had been made of it."""

    hour: int
    tenant: Tenant
    pack: int
    version: int


class RollupStore:
    """Hours and days of tenants, weddings and vendors."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table
        self._large = LargeItems(table)

    def put_part(self, tenant: Tenant, hour: int, part: Part, *, now: datetime) -> None:
        """Store a pack's share of an hour, unless a newer one is there."""
        self._put_newer(
            Key(tenant.partition("part", hour), f"{part.pack:05d}"),
            {
                **{f"quarter_{at}": data for at, data in enumerate(part.quarters)},
                "scopes": json.dumps([[scope.kind.value, scope.id] for scope in part.scopes]),
            },
            version=part.version,
            expires=now + PARTS_KEPT,
        )

    def parts(self, tenant: Tenant, hour: int) -> tuple[Part, ...]:
        """What every pack had in an hour."""
        return tuple(
            Part(
                pack=int(item.key.sk),
                version=item.number("version"),
                quarters=tuple(item.raw(f"quarter_{at}") for at in range(QUARTERS)),
                scopes=tuple(
                    Scope(ScopeKind(kind), name) for kind, name in json.loads(item.text("scopes"))
                ),
            )
            for item in self._large.query(tenant.partition("part", hour))
        )

    def put_hour(
        self,
        tenant: Tenant,
        scope: Scope,
        rolled: RolledHour,
        *,
        now: datetime,
        pack: int | None = None,
    ) -> None:
        """Store an hour, unless a newer one is there; ``pack`` tells shares of it apart."""
        self._put_newer(
            Key(
                tenant.partition("hour", scope.text()),
                f"{rolled.hour:010d}" if pack is None else f"{rolled.hour:010d}#{pack:05d}",
            ),
            {"block": rolled.block.encode()},
            version=rolled.version,
            expires=now + HOURS_KEPT,
        )

    def hours(
        self, tenant: Tenant, scope: Scope, *, first: int, last: int
    ) -> tuple[RolledHour, ...]:
        """The hours of a tenant or vendor within these bounds, inclusive."""
        if not scope.storable:
            return ()
        # A share's key goes on behind the hour.
        sort = Sort(at_least=f"{first:010d}", at_most=f"{last:010d}~")
        return tuple(
            RolledHour(
                hour=int(item.key.sk.partition("#")[0]),
                version=item.number("version"),
                block=Block.decode(item.raw("block")),
            )
            for item in self._large.query(tenant.partition("hour", scope.text()), sort)
        )

    def put_quarters(
        self,
        tenant: Tenant,
        scope: Scope,
        hour: int,
        rolled: RolledQuarters,
        *,
        now: datetime,
        pack: int | None = None,
    ) -> None:
        """Store an hour in four, unless a newer one is there."""
        self._put_newer(
            Key(
                tenant.partition("quarters", scope.text()),
                f"{hour:010d}" if pack is None else f"{hour:010d}#{pack:05d}",
            ),
            {f"quarter_{at}": block.encode() for at, block in enumerate(rolled.blocks)},
            version=rolled.version,
            expires=now + HOURS_KEPT,
        )

    def quarters(self, tenant: Tenant, scope: Scope, hour: int) -> tuple[RolledQuarters, ...]:
        """An hour in four; of a vendor, every pack's share of it."""
        if not scope.storable:
            return ()
        sort = Sort(begins_with=f"{hour:010d}")
        return tuple(
            RolledQuarters(
                version=item.number("version"),
                blocks=tuple(Block.decode(item.raw(f"quarter_{at}")) for at in range(QUARTERS)),
            )
            for item in self._large.query(tenant.partition("quarters", scope.text()), sort)
        )

    def put_day(
        self, tenant: Tenant, scope: Scope, zone: str, rolled: RolledDay, *, now: datetime
    ) -> None:
        """Store a day of a zone, unless a newer one is there."""
        self._put_newer(
            Key(tenant.partition("day", scope.text(), zone), rolled.date.isoformat()),
            {"block": rolled.block.encode()},
            version=rolled.version,
            expires=now + DAYS_KEPT,
        )

    def days(
        self, tenant: Tenant, scope: Scope, zone: str, *, first: date, last: date
    ) -> tuple[RolledDay, ...]:
        """The days of a zone within these bounds, inclusive."""
        if not scope.storable:
            return ()
        sort = Sort(at_least=first.isoformat(), at_most=last.isoformat())
        return tuple(
            RolledDay(
                date=date.fromisoformat(item.key.sk),
                version=item.number("version"),
                block=Block.decode(item.raw("block")),
            )
            for item in self._large.query(tenant.partition("day", scope.text(), zone), sort)
        )

    def mark_changed(self, again: Again, changed: Changed, *, now: datetime) -> None:
        """Remember that something is to be made again of this hour."""
        self._put_newer(
            _changed_key(again, changed),
            {"tenant": changed.tenant.id},
            version=changed.version,
            expires=now + PARTS_KEPT,
        )

    def changed(self, again: Again) -> tuple[Changed, ...]:
        """The hours of which something is to be made again, the oldest first."""
        return tuple(
            Changed(
                hour=int(item.key.sk.partition("#")[0]),
                tenant=Tenant(item.text("tenant")),
                pack=int(item.key.sk.rpartition("#")[2]),
                version=item.number("version"),
            )
            for item in self._large.query(f"again#{again.value}")
        )

    def settle(self, again: Again, changed: Changed) -> None:
        """Forget a changed hour, unless it has changed once more since."""
        try:
            self._table.delete(
                _changed_key(again, changed), when=Equals("version", changed.version)
            )
        except ConditionFailed:
            return

    def _put_newer(
        self, key: Key, attributes: dict[str, Attribute], *, version: int, expires: datetime
    ) -> None:
        kept = {"version": version, EXPIRES_AT: int(expires.timestamp())}
        self._large.put_newer(Item(key, {**attributes, **kept}))


def _changed_key(again: Again, changed: Changed) -> Key:
    return Key(
        f"again#{again.value}", f"{changed.hour:010d}#{changed.tenant.id}#{changed.pack:05d}"
    )
