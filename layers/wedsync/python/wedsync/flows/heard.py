"""What a batch tells rules, and what has to be judged for it.

**Never missed.** A point that speaks against its wedding or service leaves two traces. *Trouble*,
stored before it is counted: its scope is in trouble until some minutes on, and whoever counts a
point for that scope afterwards, be it a good one, judges. Of two writers that do not see each
other's points the one that reads last sees both, for it has seen the trouble before it decided
whether to read. *A debt*, stored with the count itself: the item names the record, and beside it
stands whether the record has been judged.

A batch that is delivered again decides by all of its points, also those merged before; a minute
that the present window does not hold any more is judged for those of which the debt still stands.
So a crash, or an outage however long, between counting and judging is made good by the next
delivery, and a replay of what was judged tells nobody.

What speaks for a scope that is in no trouble is not judged, and no window is read for it. An open
alert hears of its recovery from the ten-second watch.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from wedsync.alerting.observation import Scope
from wedsync.cloud import Arrived
from wedsync.flows.bearing import trouble_above
from wedsync.flows.observe import SEEN_MINUTES, UNNAMED, WINDOW_MINUTES
from wedsync.flows.times import MINUTE_MS, minute_of
from wedsync.metrics.columns import Accepted
from wedsync.metrics.fold import SlotKey
from wedsync.metrics.series import HEALTH_CHECK, Dims
from wedsync.stores.hot_windows import NOTHING_OWED, Merged
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

NAMING = ("service", "component", "host")
TROUBLE_MINUTES = 5
"""Trouble is told of for whole stretches of so many minutes: one write in each."""
_REMEMBERED_SECONDS = 2 * TROUBLE_MINUTES * 60
_Series = tuple[str, str | None, str, Dims]


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """A record, by its token, told something of a scope in a minute.

    A point that several records may bring is a record by itself.
    """

    record: int
    minute: int
    trouble: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What the rules are told by a batch, as far as it came on time.

    ``owed``: by item, the frames for which they are to be judged, and the record of each.
    """

    said: Mapping[tuple[Tenant, Scope], frozenset[Said]]
    owed: Mapping[SlotKey, Mapping[int, int]]

    def records(self, key: SlotKey) -> frozenset[int]:
        """The records that bring something to this item for which it is to be judged."""
        return frozenset(self.owed.get(key, NOTHING_OWED).values())

    @property
    def through(self) -> int:
        """The newest minute that is told of; it may be ahead of the clock."""
        return max((each.minute for said in self.said.values() for each in said), default=0)

    def of_tenants(self) -> dict[Tenant, dict[Scope, frozenset[Said]]]:
        """The same by tenant, in order."""
        found: dict[Tenant, dict[Scope, frozenset[Said]]] = {}
        for tenant, scope in sorted(self.said, key=_order):
            found.setdefault(tenant, {})[scope] = self.said[tenant, scope]
        return found


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch has to have judged: scopes, and for some of them minutes that are over."""

    scopes: Mapping[Tenant, frozenset[Scope]]
    late: Mapping[tuple[Tenant, Scope], frozenset[int]]
    through: int


def hear(
    accepted: Iterable[Accepted],
    *,
    told_by: Callable[[Accepted], int],
    key_of: Callable[[Accepted], SlotKey],
    now: datetime,
) -> Heard:
    """Whatever of these points any rule looks at. ``told_by`` answers the record's token."""
    series: dict[_Series, tuple[tuple[tuple[Tenant, Scope], ...], float] | None] = {}
    said: defaultdict[tuple[Tenant, Scope], set[Said]] = defaultdict(set)
    owed: defaultdict[SlotKey, dict[int, int]] = defaultdict(dict)
    for each in accepted:
        point = each.point
        key = (each.tenant, point.wedding_id, point.name, point.dims)
        if key not in series:
            series[key] = _heard_of(key)
        known = series[key]
        if known is None or each.late:
            continue
        scopes, bound = known
        told = Said(told_by(each), point.ts_ms // MINUTE_MS, max(point.values) > bound)
        for scope in scopes:
            said[scope].add(told)
        if told.trouble or _leaves(told.minute, now):
            owed[key_of(each)][each.frame_id] = told.record
    return Heard({scope: frozenset(each) for scope, each in said.items()}, owed)


def _heard_of(key: _Series) -> tuple[tuple[tuple[Tenant, Scope], ...], float] | None:
    tenant_id, wedding_id, metric, pairs = key
    tenant, dims = Tenant(tenant_id), dict(pairs)
    bound = trouble_above(metric, dims)
    if bound is None:
        return None
    if wedding_id is not None:
        return ((tenant, Scope(wedding_id=wedding_id)),), bound
    names = {dims[dim] for dim in NAMING if dim in dims}
    if _named_by(metric) not in dims:
        names.add(UNNAMED)
    return tuple((tenant, Scope(service=name)) for name in sorted(names)), bound


def _named_by(metric: str) -> str:
    """The dimension that says what such a point tells of."""
    if metric == HEALTH_CHECK:
        return "component"
    return "host" if metric.startswith("host.") else "service"


def tell_of_trouble(services: Services, heard: Heard) -> None:
    """Store, before anything is counted, which scopes something speaks against."""
    now = services.now()
    for (tenant, scope), said in sorted(heard.said.items(), key=lambda each: _order(each[0])):
        for stretch in sorted({each.minute // TROUBLE_MINUTES for each in said if each.trouble}):
            _tell_of_trouble(services, tenant, scope, stretch, now)


def note_judged(services: Services, heard: Heard, merged: Iterable[Merged]) -> None:
    """The debts of this batch are settled."""
    for each in merged:
        for item in each.items:
            settled = item.owed & heard.records(each.key)
            if settled:
                services.judged.note(each.key, item.place, settled, now=services.now())


def touched_by(services: Services, heard: Heard, merged: Sequence[Merged]) -> Touched:
    """What has to be judged, asked after everything was counted.

    Trouble is told of weddings that nobody has registered yet, too: once they are, it counts.
    """
    now = services.now()
    debts = _debts(services, heard, merged, now)
    scopes: dict[Tenant, frozenset[Scope]] = {}
    late: dict[tuple[Tenant, Scope], frozenset[int]] = {}
    for tenant, told in heard.of_tenants().items():
        scopes[tenant] = _in_trouble(services, tenant, told, now)
        for scope in scopes[tenant]:
            minutes = {
                each.minute
                for each in told[scope]
                if (tenant.id, each.minute, each.record) in debts
            }
            if minutes:
                late[tenant, scope] = frozenset(minutes)
    return Touched(scopes, late, heard.through)


def _debts(
    services: Services, heard: Heard, merged: Iterable[Merged], now: datetime
) -> set[tuple[str, int, int]]:
    """Tenant, minute and record of what was counted, now or before, and never judged."""
    debts: set[tuple[str, int, int]] = set()
    for each in merged:
        if not _leaves(each.key.minute, now):
            continue
        for item in each.items:
            owed = item.owed & heard.records(each.key)
            if owed:
                owed -= services.judged.records(each.key, item.place)
            debts |= {(each.key.tenant, each.key.minute, record) for record in owed}
    return debts


def _in_trouble(
    services: Services, tenant: Tenant, told: Mapping[Scope, frozenset[Said]], now: datetime
) -> frozenset[Scope]:
    """The scopes that rules may object to: they were spoken against now, or a while ago."""
    against = {scope for scope, said in told.items() if any(each.trouble for each in said)}
    others = [scope for scope in told if scope not in against]
    until = services.trouble.until(tenant, others)
    current = minute_of(now)
    return frozenset(against) | {
        scope
        for scope, minute in until.items()
        if minute >= min(current, *(each.minute for each in told[scope])) - SEEN_MINUTES
    }


def _leaves(minute: int, now: datetime) -> bool:
    """Whether the present window holds the minute no longer, or may lose it during this run."""
    return minute <= minute_of(now) - WINDOW_MINUTES + 1


def _tell_of_trouble(
    services: Services, tenant: Tenant, scope: Scope, stretch: int, now: datetime
) -> None:
    last = (stretch + 1) * TROUBLE_MINUTES - 1

    def told() -> None:
        services.trouble.tell(tenant, scope, until=last, now=now)

    services.memory.recall(
        (tenant, "trouble", scope, stretch), told, now=now, for_seconds=_REMEMBERED_SECONDS
    )


def record_token(record: Arrived) -> int:
    """A record is delivered whole, and under this name however batches are cut."""
    place = f"{record.stream}:{record.shard}:{record.sequence}"
    return int.from_bytes(blake2b(place.encode(), digest_size=8).digest(), "little")


def _order(each: tuple[Tenant, Scope]) -> tuple[str, str, str]:
    tenant, scope = each
    return tenant.id, scope.wedding_id or "", scope.service or ""
