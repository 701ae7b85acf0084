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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from wedsync.alerting.observation import Scope
from wedsync.cloud import Arrived
from wedsync.flows.bearing import trouble_above
from wedsync.flows.observe import SEEN_MINUTES, UNNAMED, WINDOW_MINUTES
from wedsync.flows.times import minute_of
from wedsync.metrics.columns import Columns
from wedsync.metrics.histogram import Words
from wedsync.metrics.series import HEALTH_CHECK
from wedsync.metrics.told import Subject, Told, told_by
from wedsync.stores.hot_windows import Merged
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

NAMING = ("service", "component", "host")
TROUBLE_MINUTES = 5
"""Trouble is told of for whole stretches of so many minutes: one write in each."""
_REMEMBERED_SECONDS = 2 * TROUBLE_MINUTES * 60


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the rules are told by a batch, as far as it came on time.

    A record is named by its token; a point that several records may bring is one by itself.
    ``scopes`` are those that each subject of what was told bears on.
    """

    told: Told
    scopes: Mapping[Subject, tuple[tuple[Tenant, Scope], ...]]


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch has to have judged: scopes, and for some of them minutes that are over."""

    scopes: Mapping[Tenant, frozenset[Scope]]
    late: Mapping[tuple[Tenant, Scope], frozenset[int]]
    through: int


def hear(
    columns: Columns, tokens: Sequence[int], *, alone: Sequence[Words], now: datetime
) -> tuple[Heard, Columns]:
    """Whatever of these rows any rule looks at, and the rows with the debts that they leave.

    ``tokens`` names the records by their ordinals; frames of the ids ``alone`` may come with other
    records too, and stand for themselves.
    """
    told, columns = told_by(
        columns,
        tokens,
        alone=alone,
        bound=lambda metric, dims: trouble_above(metric, dict(dims)),
        owing_until=_last_leaving(now),
    )
    return Heard(told, {subject: _scopes_of(subject) for subject in told.subjects}), columns


def _scopes_of(subject: Subject) -> tuple[tuple[Tenant, Scope], ...]:
    tenant = Tenant(subject.tenant)
    if subject.wedding_id is not None:
        return ((tenant, Scope(wedding_id=subject.wedding_id)),)
    dims = dict(subject.dims)
    names = {dims[dim] for dim in NAMING if dim in dims}
    if _named_by(subject.metric) not in dims:
        names.add(UNNAMED)
    return tuple((tenant, Scope(service=name)) for name in sorted(names))


def _named_by(metric: str) -> str:
    """The dimension that says what such a point tells of."""
    if metric == HEALTH_CHECK:
        return "component"
    return "host" if metric.startswith("host.") else "service"


def tell_of_trouble(services: Services, heard: Heard) -> None:
    """Store, before anything is counted, which scopes something speaks against."""
    now = services.now()
    told = {
        (tenant, scope, stretch)
        for subject, stretch in heard.told.troubled(TROUBLE_MINUTES)
        for tenant, scope in heard.scopes[subject]
    }
    for tenant, scope, stretch in sorted(told, key=lambda each: (_order(each[:2]), each[2])):
        _tell_of_trouble(services, tenant, scope, stretch, now)


def note_judged(services: Services, merged: Iterable[Merged]) -> None:
    """The debts of this batch are settled."""
    for each in merged:
        for item in each.items:
            settled = item.owed & each.debts
            if settled:
                services.judged.note(each.key, item.place, settled, now=services.now())


def touched_by(services: Services, heard: Heard, merged: Sequence[Merged]) -> Touched:
    """What has to be judged, asked after everything was counted.

    Trouble is told of weddings that nobody has registered yet, too: once they are, it counts.
    """
    now = services.now()
    judged = _in_trouble(services, heard, now)
    scopes: dict[Tenant, set[Scope]] = {}
    for tenant, scope in judged:
        scopes.setdefault(tenant, set()).add(scope)
    late: dict[tuple[Tenant, Scope], set[int]] = {}
    debts = _debts(services, merged, now)
    for subject, minute, record in heard.told.by({record for _, _, record in debts}):
        for told in heard.scopes[subject]:
            if told in judged and (told[0].id, minute, record) in debts:
                late.setdefault(told, set()).add(minute)
    return Touched(
        {tenant: frozenset(each) for tenant, each in scopes.items()},
        {told: frozenset(minutes) for told, minutes in late.items()},
        heard.told.through,
    )


def _debts(
    services: Services, merged: Iterable[Merged], now: datetime
) -> set[tuple[str, int, int]]:
    """Tenant, minute and record of what was counted, now or before, and never judged."""
    debts: set[tuple[str, int, int]] = set()
    for each in merged:
        if each.key.minute > _last_leaving(now):
            continue
        for item in each.items:
            owed = item.owed & each.debts
            if owed:
                owed -= services.judged.records(each.key, item.place)
            debts |= {(each.key.tenant, each.key.minute, record) for record in owed}
    return debts


def _in_trouble(services: Services, heard: Heard, now: datetime) -> set[tuple[Tenant, Scope]]:
    """The scopes that rules may object to: they were spoken against now, or a while ago."""
    current = minute_of(now)
    found = {
        scope
        for subject, _ in heard.told.troubled(TROUBLE_MINUTES)
        for scope in heard.scopes[subject]
    }
    others: dict[Tenant, dict[Scope, int]] = {}
    for subject, earliest in zip(heard.told.subjects, heard.told.earliest(), strict=True):
        for tenant, scope in heard.scopes[subject]:
            if (tenant, scope) not in found:
                since = others.setdefault(tenant, {})
                since[scope] = min(since.get(scope, current), earliest)
    for tenant, since in sorted(others.items(), key=lambda each: each[0]):
        until = services.trouble.until(tenant, since)
        found |= {
            (tenant, scope)
            for scope, minute in until.items()
            if minute >= since[scope] - SEEN_MINUTES
        }
    return found


def _last_leaving(now: datetime) -> int:
    """The newest minute that the present window holds no longer, or may lose during this run."""
    return minute_of(now) - WINDOW_MINUTES + 1


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
    # Zero stands for no record.
    return int.from_bytes(blake2b(place.encode(), digest_size=8).digest(), "little") or 1


def _order(each: tuple[Tenant, Scope]) -> tuple[str, str, str]:
    tenant, scope = each
    return tenant.id, scope.wedding_id or "", scope.service or ""
