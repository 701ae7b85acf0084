"""What is derived from the hot windows, for readers.

Every derived item carries the sum of the versions of the hot items that it was made from, and
only a greater one replaces it: however writers race, what stays was made from the most.

- ``tenant#totals#minute / pack#place``: the tenant's totals of one hot item.
- ``tenant#closed#pack / minute``: one pack's minute as a whole, once it is over.
- ``tenant#wedding#id / hour``: one wedding's hour.
- ``tenant#remade / pack``: how often hours of a pack's weddings have been stored, a few more at the
  most.
- ``tenant#made#hour / pack``: what a pack's share of its weddings' hours was last made from.
- ``tenant#earlier#id / hours``: those of its hours that are final, together.
- ``tenant#success#id / hour``: what that hour leaves for judging the wedding's day.
- ``watch / judged``: the tick through which every wedding that was due has been judged, and the
  tenants whose have not.
- ``active#hour / tenant#pack``: which packs of any tenant have had data in an hour.
- ``tenant#active / stretch#pack``: which packs of one tenant have had data in a few minutes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from wedsync.cloud import Attribute, ConditionFailed, Item, Key, LessThan, Sort, Table
from wedsync.cloud.paging import every
from wedsync.cloud.values import EXPIRES_AT
from wedsync.identifiers import plausible
from wedsync.metrics.block import Block
from wedsync.metrics.success import HourRecord
from wedsync.stores.counts import Counts, counts_of, totals_partition
from wedsync.stores.large import LargeItems
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=48)
ACTIVE_KEPT = timedelta(days=8)
"""As long as the shares that an hour is rolled up from: they tell whose days are missing."""
ACTIVE_MINUTES = 5
"""How many minutes one mark of a tenant's own is about."""
HOURS_KEPT = timedelta(days=396)
"""Hourly detail is kept for 13 months."""
RECORDS_KEPT = timedelta(days=5 * 366)
"""What days are judged by is kept as long as days themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedMinute:
    """One pack's minute. Points are counted as sent; ``duplicates`` are copies."""

    version: int
    on_time: bytes
    late: bytes
    sent_on_time: int
    sent_late: int
    duplicates: int
    newest_ms: int = 0

    @property
    def sent(self) -> int:
        """How many points are in it, copies apart."""
        return self.sent_on_time + self.sent_late


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """From the minutes up to ``through``, exclusive, with so many points as they were sent."""

    through: int
    sent: int


@dataclass(frozen=True, kw_only=True)
class TotalsItem:
    """The tenant's totals of one hot item, whose place within its minute is ``place``."""

    place: str
    version: int
    counts: Counts
    on_time_data: bytes
    late_data: bytes

    @cached_property
    def on_time(self) -> Block:
        """What came on time."""
        return Block.decode(self.on_time_data)

    @cached_property
    def late(self) -> Block:
        """What came late."""
        return Block.decode(self.late_data)


@dataclass(frozen=True, kw_only=True)
class WeddingHour:
    """One wedding's hour (epoch hours), on time and late together, up to the minute ``through``."""

    hour: int
    through: int
    version: int
    data: bytes

    @cached_property
    def block(self) -> Block:
        """What the hour holds."""
        return Block.decode(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierHours:
    """A wedding's hours before the epoch hour ``through``, put together.

    ``since`` holds those that lie wholly behind the minute ``opened``, at which its window opens,
    and ``before`` all others.
    """

    through: int
    opened: int
    before: Block = field(default_factory=lambda: Block.merge(()))
    since: Block = field(default_factory=lambda: Block.merge(()))

    def is_since(self, hour: int) -> bool:
        """Whether this hour lies wholly behind the opening."""
        return hour * 60 >= self.opened


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTicks:
    """The tick through which every wedding that was due has been judged; None before the first run.

    Those of the tenants that are ``left`` have been through an earlier one.
    """

    through: datetime | None = None
    left: Mapping[Tenant, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class ActivePack:
    """A pack that had data in some hour."""

    tenant: Tenant
    pack: int


class WindowStore:
    """Derived windows."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table
        self._large = LargeItems(table)

    def put_totals(
        self,
        tenant: Tenant,
        pack: int,
        minute: int,
        place: str,
        item: ClosedMinute,
        *,
        now: datetime,
    ) -> None:
        """Store the totals of one hot item, unless newer ones are there."""
        self._put_newer(Key(totals_partition(tenant, minute), f"{pack:05d}#{place}"), item, now=now)

    def totals(self, tenant: Tenant, minute: int) -> tuple[TotalsItem, ...]:
        """The totals of every hot item of a tenant's minute."""
        return tuple(
            TotalsItem(
                place=item.key.sk,
                version=item.number("version"),
                counts=counts_of(item),
                on_time_data=item.raw("on_time"),
                late_data=item.raw("late"),
            )
            for item in self._large.query(totals_partition(tenant, minute))
        )

    def put_closed(
        self, tenant: Tenant, pack: int, minute: int, item: ClosedMinute, *, now: datetime
    ) -> None:
        """Store a minute that is over, unless a newer one is there."""
        self._put_newer(Key(tenant.partition("closed", pack), f"{minute:012d}"), item, now=now)

    def closed(self, tenant: Tenant, pack: int, minutes: Sequence[int]) -> dict[int, ClosedMinute]:
        """Those of these minutes that have been closed."""
        keys = [Key(tenant.partition("closed", pack), f"{minute:012d}") for minute in minutes]
        return {int(item.key.sk): _closed(item) for item in self._large.get_many(keys)}

    def put_hour(
        self,
        tenant: Tenant,
        wedding_id: str,
        hour: int,
        block: Block,
        *,
        through: int,
        version: int,
        now: datetime,
    ) -> None:
        """Store a wedding's hour, unless a newer one is there.

        ``through`` is the first minute that it does not hold.
        """
        if not plausible(wedding_id):
            return
        self._large.put_newer(
            Item(
                Key(tenant.partition("wedding", wedding_id), f"{hour:010d}"),
                {
                    "block": block.encode(),
                    "through": through,
                    "version": version,
                    EXPIRES_AT: int((now + HOURS_KEPT).timestamp()),
                },
            )
        )

    def hours(
        self, tenant: Tenant, wedding_id: str, *, first: int = 0, last: int = 9_999_999_999
    ) -> tuple[WeddingHour, ...]:
        """A wedding's hours within these bounds, inclusive."""
        if not plausible(wedding_id):
            return ()
        sort = Sort(at_least=f"{first:010d}", at_most=f"{last:010d}")
        return tuple(
            WeddingHour(
                hour=int(item.key.sk),
                through=item.number("through"),
                version=item.number("version"),
                data=item.raw("block"),
            )
            for item in self._large.query(tenant.partition("wedding", wedding_id), sort)
        )

    def mark_remade(self, tenant: Tenant, pack: int) -> None:
        """Tell that hours of weddings with points in this pack have been stored.

        Written after the hours themselves: who finds the same number twice has missed none.
        """
        key = Key(tenant.partition("remade"), f"{pack:05d}")
        self._table.advance(key, "times", by=1, at_least=0, at_most=_MOST_TIMES)

    def remade(self, tenant: Tenant) -> Mapping[int, int]:
        """How often hours of the weddings of each pack have been stored."""
        items = every(self._table, tenant.partition("remade"))
        return {int(item.key.sk): item.number("times") for item in items}

    def note_made(self, tenant: Tenant, pack: int, hour: int, made: Made, *, now: datetime) -> None:
        """Note what a pack's share of an hour was made from: written after all that was made."""
        attributes: dict[str, Attribute] = {
            "through": made.through,
            "sent": made.sent,
            EXPIRES_AT: int((now + KEPT).timestamp()),
        }
        self._table.put(Item(_made_key(tenant, pack, hour), attributes))

    def made(self, tenant: Tenant, pack: int, hour: int) -> Made | None:
        """What it was last made from, as far as that is known."""
        item = self._table.get(_made_key(tenant, pack, hour))
        if item is None:
            return None
        return Made(through=item.number("through"), sent=item.number("sent"))

    def put_earlier(
        self, tenant: Tenant, wedding_id: str, earlier: EarlierHours, *, now: datetime
    ) -> None:
        """Store what is put together of a wedding, unless more is there."""
        if not plausible(wedding_id):
            return
        self._large.put_newer(
            Item(
                _earlier_key(tenant, wedding_id),
                {
                    "before": earlier.before.encode(),
                    "since": earlier.since.encode(),
                    "opened": earlier.opened,
                    "version": earlier.through,
                    EXPIRES_AT: int((now + HOURS_KEPT).timestamp()),
                },
            )
        )

    def earlier(self, tenant: Tenant, wedding_id: str) -> EarlierHours | None:
        """What is put together of a wedding, if anything is."""
        item = self._large.get(_earlier_key(tenant, wedding_id)) if plausible(wedding_id) else None
        return None if item is None else _earlier(item)

    def earlier_of(self, tenant: Tenant, wedding_ids: Iterable[str]) -> dict[str, EarlierHours]:
        """What is put together of those of these weddings of which anything is."""
        keys = {_earlier_key(tenant, each): each for each in wedding_ids if plausible(each)}
        return {keys[item.key]: _earlier(item) for item in self._large.get_many(keys)}

    def put_record(
        self, tenant: Tenant, wedding_id: str, record: HourRecord, *, version: int, now: datetime
    ) -> None:
        """Store what a wedding's hour leaves, unless a newer one is there."""
        if not plausible(wedding_id):
            return
        item = Item(
            Key(tenant.partition("success", wedding_id), f"{record.hour:010d}"),
            {
                "known": record.known,
                "well": record.well,
                "completed": record.completed,
                "failed": record.failed,
                "began": json.dumps(dict(record.began_ms)),
                "version": version,
                EXPIRES_AT: int((now + RECORDS_KEPT).timestamp()),
            },
        )
        self._large.put_newer(item)

    def records(
        self, tenant: Tenant, wedding_id: str, *, first: int, last: int
    ) -> tuple[HourRecord, ...]:
        """What a wedding's hours within these bounds, inclusive, leave."""
        if not plausible(wedding_id):
            return ()
        sort = Sort(at_least=f"{first:010d}", at_most=f"{last:010d}")
        return tuple(
            HourRecord(
                hour=int(item.key.sk),
                known=item.number("known"),
                well=item.number("well"),
                completed=item.number("completed"),
                failed=item.number("failed"),
                began_ms=json.loads(item.text("began")),
            )
            for item in self._large.query(tenant.partition("success", wedding_id), sort)
        )

    def judged(self) -> JudgedTicks:
        """Through which tick weddings have been judged, and whose have not."""
        item = self._table.get(_JUDGED)
        if item is None:
            return JudgedTicks()
        left = json.loads(item.text("left")) if "left" in item.attributes else {}
        return JudgedTicks(
            through=datetime.fromtimestamp(item.number("at"), UTC),
            left={Tenant(each): datetime.fromtimestamp(at, UTC) for each, at in left.items()},
        )

    def advance_judged(self, tick: datetime, *, left: Mapping[Tenant, datetime]) -> None:
        """Move that tick on, with what is ``left``; it never moves back."""
        at = int(tick.timestamp())
        since = {tenant.id: int(each.timestamp()) for tenant, each in left.items()}
        item = Item(_JUDGED, {"at": at, "left": json.dumps(since)})
        try:
            self._table.put(item, when=LessThan("at", at))
        except ConditionFailed:
            return

    def mark_active(self, tenant: Tenant, pack: int, minute: int, *, now: datetime) -> None:
        """Remember that this pack has data around this minute. Written before the data itself."""
        attributes: dict[str, Attribute] = {
            "tenant": tenant.id,
            "pack": pack,
            EXPIRES_AT: int((now + ACTIVE_KEPT).timestamp()),
        }
        stretch = minute // ACTIVE_MINUTES
        for key in (
            Key(f"active#{minute // 60}", f"{tenant.id}#{pack:05d}"),
            Key(tenant.partition("active"), f"{stretch:011d}#{pack:05d}"),
        ):
            self._table.put(Item(key, attributes))

    def active(self, hour: int) -> Iterator[ActivePack]:
        """The packs that had data in this hour, of every tenant."""
        for item in every(self._table, f"active#{hour}"):
            yield ActivePack(Tenant(item.text("tenant")), item.number("pack"))

    def active_packs(
        self, tenant: Tenant, *, first: int, last: int
    ) -> Mapping[int, frozenset[int]]:
        """The packs of one tenant that had data in each of these stretches, inclusive."""
        found: dict[int, set[int]] = {stretch: set() for stretch in range(first, last + 1)}
        sort = Sort(at_least=f"{first:011d}", at_most=f"{last + 1:011d}")
        for item in every(self._table, tenant.partition("active"), sort=sort):
            found[int(item.key.sk.partition("#")[0])].add(item.number("pack"))
        return {stretch: frozenset(packs) for stretch, packs in found.items()}

    def _put_newer(self, key: Key, item: ClosedMinute, *, now: datetime) -> None:
        self._large.put_newer(
            Item(
                key,
                {
                    "version": item.version,
                    "on_time": item.on_time,
                    "late": item.late,
                    "sent_on_time": item.sent_on_time,
                    "sent_late": item.sent_late,
                    "duplicates": item.duplicates,
                    "newest_ms": item.newest_ms,
                    EXPIRES_AT: int((now + KEPT).timestamp()),
                },
            )
        )


_JUDGED = Key("watch", "judged")
_MOST_TIMES = 2**53


def _made_key(tenant: Tenant, pack: int, hour: int) -> Key:
    return Key(tenant.partition("made", hour), f"{pack:05d}")


def _earlier_key(tenant: Tenant, wedding_id: str) -> Key:
    return Key(tenant.partition("earlier", wedding_id), "hours")


def _earlier(item: Item) -> EarlierHours:
    return EarlierHours(
        through=item.number("version"),
        opened=item.number("opened"),
        before=Block.decode(item.raw("before")),
        since=Block.decode(item.raw("since")),
    )


def _closed(item: Item) -> ClosedMinute:
    return ClosedMinute(
        version=item.number("version"),
        on_time=item.raw("on_time"),
        late=item.raw("late"),
        sent_on_time=item.number("sent_on_time"),
        sent_late=item.number("sent_late"),
        duplicates=item.number("duplicates"),
        newest_ms=item.number("newest_ms"),
    )
