"""Tenants' own rules, judged: after every batch that may raise one, and by the clock.

**After a batch** the rules whose metrics it holds are judged, from windows that are read after
they were written, for the weddings (or the tenant) that it tells of; not where nothing that it
brings can put the value past its threshold. A batch that is delivered again asks the same again,
so that a crash between counting and judging is made good; minutes that the present window holds
no more are judged by the windows that ended since.

**By the clock**, what slides out of windows, what does not come, and what lasts: weddings with
their runs (:mod:`wedsync.flows.watch`), rules of the tenant every minute, and those with an open
alert every ten seconds. Windows of more than 15 minutes are judged each minute alone, those of
more than an hour every five.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wedsync.alerting.finding import Outcome
from wedsync.alerting.model import Alert
from wedsync.alerting.observation import Scope
from wedsync.alerting.own.book import Rulebook, Touched
from wedsync.alerting.own.condition import Comparison, grouping
from wedsync.alerting.own.judging import NOTHING, Measured, judge_rule
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.surroundings import Surroundings
from wedsync.flows.alerts import Judged, apply_findings
from wedsync.flows.answering import resolve_alert
from wedsync.flows.observe import UNNAMED
from wedsync.flows.own_windows import (
    Figures,
    Group,
    Minutes,
    first_minute,
    long_figures,
    needs_totals_alone,
)
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import WindowReader
from wedsync.flows.rule_changes import speaks_of
from wedsync.flows.rulebook import rulebook
from wedsync.flows.series import blocks_between
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTE_MS, MINUTES_PER_HOUR, minute_of, minute_start
from wedsync.incidents.ladder import SYSTEM
from wedsync.isolation import Units, in_turn
from wedsync.metrics.block import Block
from wedsync.metrics.columns import Columns
from wedsync.metrics.lateness import AHEAD_MS, ON_TIME_MS
from wedsync.metrics.reached import reached_by, tenants_in
from wedsync.stores.rollups import WHOLE, ScopeKind
from wedsync.stores.rollups import Scope as RolledScope
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import Wedding

LONG_EVERY_MINUTES = 5
OpenGroups = Mapping[tuple[str, str | None], AbstractSet[Group]]
"""The groups that have an open alert, by rule and wedding: they are judged though nothing came."""


def judge_batch(services: Services, columns: Columns) -> None:
    """Judge the rules that a batch may have put into breach; its points have been counted."""
    books = {name: rulebook(services, Tenant(name)) for name in tenants_in(columns)}
    wanted = {name: book.metrics for name, book in books.items() if book.metrics}
    if not wanted:
        return
    reached = reached_by(columns, wanted)
    for name in sorted(wanted):
        book = books[name]
        touched = book.touched([each for each in reached if each.tenant == name])
        if touched:
            _judge_touched(services, Tenant(name), book, touched)


def _judge_touched(services: Services, tenant: Tenant, book: Rulebook, touched: Touched) -> None:
    now = services.now()
    current = minute_of(now)
    ids = {wedding for of in touched.values() for wedding in of if wedding is not None}
    weddings = services.weddings.find_many(tenant, ids)
    newest = max(each.last for of in touched.values() for each in of.values())
    look = OwnLook(services, tenant, now, leniency=book.leniency)
    present: list[Judged] = []
    late: dict[int, dict[str, list[Rule]]] = {}
    whole_late: dict[int, list[Rule]] = {}
    by_wedding: dict[str, list[Rule]] = {}
    whole: list[Rule] = []
    for rule_id, of in touched.items():
        rule = book.by_id[rule_id]
        for wedding_id, minutes in of.items():
            if wedding_id is None:
                whole.append(rule)
            elif wedding_id in weddings:
                by_wedding.setdefault(wedding_id, []).append(rule)
            for last in _windows_over(rule, minutes.first, minutes.last, current):
                if wedding_id is None:
                    whole_late.setdefault(last, []).append(rule)
                elif wedding_id in weddings:
                    late.setdefault(last, {}).setdefault(wedding_id, []).append(rule)
    ahead = min(max(current, newest), current + AHEAD_MS // MINUTE_MS)
    present += look.weddings(weddings, by_wedding, at=now, last=ahead)
    present += look.tenant_wide(whole, at=now, last=ahead)
    past: list[Judged] = []
    for last in sorted({*late, *whole_late}):
        ends = minute_start(last + 1) - timedelta(seconds=1)
        past += look.weddings(weddings, late.get(last, {}), at=ends, last=last)
        past += look.tenant_wide(whole_late.get(last, []), at=ends, last=last)
    # What must hold for a while cannot be told from a window that is over.
    past = [
        each
        for each in past
        if each.finding.outcome is Outcome.BREACH and not each.finding.for_seconds
    ]
    apply_findings(services, tenant, present, look.day, past=past)


def _windows_over(rule: Rule, first: int, last: int, current: int) -> range:
    """The last minutes of the windows that are over and hold something of these minutes."""
    width = rule.window_minutes
    if first > current - width:
        return range(0)
    earliest = max(first, current - ON_TIME_MS // MINUTE_MS)
    return range(earliest, min(last + width, current))


def judge_weddings(
    services: Services,
    tenant: Tenant,
    weddings: Sequence[Wedding],
    reader: WindowReader,
) -> None:
    """Judge every rule of weddings for these, as the clock asks for it."""
    book = rulebook(services, tenant)
    if not book.of_weddings or not weddings:
        return
    look = OwnLook(
        services,
        tenant,
        reader.now,
        reader=reader,
        opened=open_groups(book, services.alerts.open_of(tenant)),
        leniency=book.leniency,
    )
    by_id = {each.wedding_id: each for each in weddings}
    rules = dict.fromkeys(by_id, book.of_weddings)
    found = look.weddings(by_id, rules, at=reader.now, last=minute_of(reader.now))
    apply_findings(services, tenant, found, look.day)


def judge_tenant(services: Services, tenant: Tenant, *, rules: Sequence[Rule]) -> None:
    """Judge these rules for the tenant as a whole, as the clock asks for it."""
    if not rules:
        return
    now = services.now()
    book = rulebook(services, tenant)
    look = OwnLook(
        services,
        tenant,
        now,
        opened=open_groups(book, services.alerts.open_of(tenant)),
        leniency=book.leniency,
    )
    found = look.tenant_wide(rules, at=now, last=minute_of(now))
    apply_findings(services, tenant, found, look.day)


def judge_open(services: Services, tenant: Tenant, alerts: Sequence[Alert]) -> None:
    """Judge the rules of the tenant that have open alerts; end those whose rule is no more."""
    book = rulebook(services, tenant)
    judged: dict[str, Rule] = {}
    for alert in alerts:
        rule = book.by_id.get(alert.rule_id)
        if rule is None or not speaks_of(rule, alert):
            resolve_alert(services, tenant, alert.alert_id, by=SYSTEM)
        elif not rule.wedding_specific:
            judged[rule.rule_id] = rule
    judge_tenant(services, tenant, rules=list(judged.values()))


def due_rules(book: Rulebook, now: datetime) -> tuple[Rule, ...]:
    """The rules of the tenant that this minute's look judges."""
    long_too = minute_of(now) % LONG_EVERY_MINUTES == 0
    return tuple(rule for rule in book.of_tenant if rule.is_recent or long_too)


def open_groups(book: Rulebook, alerts: Iterable[Alert]) -> OpenGroups:
    """The groups of open alerts that rules of this book opened."""
    found: dict[tuple[str, str | None], set[Group]] = {}
    for alert in alerts:
        rule = book.by_id.get(alert.rule_id)
        if rule is not None:
            labels = dict(alert.group)
            if alert.service is not None:
                labels["service"] = alert.service
            group = tuple(labels.get(name, UNNAMED) for name in grouping(rule.condition))
            found.setdefault((rule.rule_id, alert.wedding_id), set()).add(group)
    return found


@dataclass(slots=True)
class OwnLook:
    """One look at a tenant's windows by its own rules: each minute is read once."""

    services: Services
    tenant: Tenant
    now: datetime
    reader: WindowReader | None = None
    opened: OpenGroups = field(default_factory=dict)
    leniency: Mapping[str, float] = field(default_factory=dict)
    _minutes: dict[tuple[object, ...], Minutes] = field(default_factory=dict, init=False)
    _day: TenantDay | None = field(default=None, init=False)

    @property
    def day(self) -> TenantDay:
        """The tenant's day."""
        if self._day is None:
            self._day = TenantDay(self.tenant, self.services.weddings, self.now)
        return self._day

    def weddings(
        self,
        weddings: Mapping[str, Wedding],
        rules: Mapping[str, Sequence[Rule]],
        *,
        at: datetime,
        last: int,
    ) -> list[Judged]:
        """Judge, for each of these weddings, the rules that are named for it."""
        by_home: dict[tuple[tuple[int, ...], str], list[str]] = {}
        needed: dict[str, Rule] = {rule.rule_id: rule for of in rules.values() for rule in of}
        if not needed:
            return []
        first = min(_first(rule, last) for rule in needed.values())
        for wedding_id, of in rules.items():
            packs = self._reader.packs.homes(wedding_id, first, last)
            for rule in of:
                by_home.setdefault((packs, rule.rule_id), []).append(wedding_id)
        season = settings_of(self.services, self.tenant).season
        judged: list[Judged] = []
        for (packs, rule_id), ids in sorted(by_home.items()):
            rule = needed[rule_id]
            only = ids[0] if len(ids) == 1 else None
            figures = [
                self._of_packs(packs, first, last, at, only).figures(each, last)
                for each in rule.comparisons
            ]
            for wedding_id in sorted(ids):
                wedding = weddings[wedding_id]
                context = wedding_context(wedding, at, season)
                around = Surroundings(
                    scope=Scope(wedding_id=wedding_id),
                    context=context,
                    guest_count=wedding.guest_count,
                    any_wedding_today=False,
                    now=at,
                )
                judged += self._judged(rule, wedding_id, figures, around)
        return judged

    def tenant_wide(self, rules: Sequence[Rule], *, at: datetime, last: int) -> list[Judged]:
        """Judge these rules for the tenant as a whole."""
        around = Surroundings(
            scope=Scope(tenant_wide=True),
            context=None,
            guest_count=None,
            any_wedding_today=False,
            now=at,
        )
        judged: list[Judged] = []
        for rule in rules:
            figures = [self._figures(each, last, at) for each in rule.comparisons]
            judged += self._judged(rule, None, figures, around)
        return judged

    def _judged(
        self, rule: Rule, wedding_id: str | None, figures: Sequence[Figures], around: Surroundings
    ) -> list[Judged]:
        names = grouping(rule.condition)
        own = [each.get(wedding_id, {}) for each in figures]
        found: set[Group] = set() if names else {()}
        for comparison, each in zip(rule.comparisons, own, strict=True):
            if comparison.group_by:
                found |= {_reordered(key, comparison.group_by, names) for key in each}
        found |= self.opened.get((rule.rule_id, wedding_id), set())
        judged: list[Judged] = []
        for group in sorted(found):
            measured = [
                _measured(comparison, each, group, names)
                for comparison, each in zip(rule.comparisons, own, strict=True)
            ]
            labels = tuple(zip(names, group, strict=True))
            service = dict(labels).get("service")
            scope = around.scope
            if service is not None:
                scope = replace(scope, service=service, tenant_wide=False)
            finding = judge_rule(
                rule,
                labels,
                measured,
                replace(around, scope=scope),
                leniency=self.leniency.get(rule.rule_id, 0.0),
            )
            judged.append(Judged(finding=finding, context=around.context, at=around.now))
        return judged

    def _figures(self, comparison: Comparison, last: int, at: datetime) -> Figures:
        if not comparison.is_recent:
            return self._long(comparison, at)
        if needs_totals_alone(comparison):
            return self._totals(first_minute(comparison, last), last, at).figures(comparison, last)
        first = first_minute(comparison, last)
        return self._of_all(first, last, at).figures(comparison, last)

    def _long(self, comparison: Comparison, at: datetime) -> Figures:
        end = minute_of(at) + 1
        # Cut at full hours: what is older than minutes are kept is kept by hours.
        first = (-(-end // MINUTES_PER_HOUR)) * MINUTES_PER_HOUR - comparison.window_seconds // 60
        vendor = comparison.vendor_id
        scope = WHOLE if vendor is None else RolledScope(ScopeKind.VENDOR, vendor)
        read = blocks_between(self.services, self.tenant, scope, first, end, late=True)
        blocks = [block for _, block in read]
        heard = any(blocks) or (vendor is not None and self._anything(first, end))
        totals = vendor is None
        return long_figures(comparison, blocks, totals=totals, heard=heard, now=at)

    def _anything(self, first: int, end: int) -> bool:
        """Whether the tenant told of anything in this stretch."""
        read = blocks_between(self.services, self.tenant, WHOLE, first, end, late=True)
        return any(bool(block) for _, block in read)

    @property
    def _reader(self) -> WindowReader:
        if self.reader is None:
            self.reader = window_reader(self.services, self.tenant, self.now)
        return self.reader

    def _of_packs(
        self, packs: tuple[int, ...], first: int, last: int, at: datetime, only: str | None
    ) -> Minutes:
        key = ("packs", packs, first, last, at, only)
        if key not in self._minutes:
            read = self._reader.minutes_of_packs(packs, first, last)
            blocks = [
                (each.minute, each.on_time if only is None else each.on_time.only(only))
                for each in read
            ]
            self._minutes[key] = Minutes(blocks, at, by_wedding=True)
        return self._minutes[key]

    def _of_all(self, first: int, last: int, at: datetime) -> Minutes:
        key = ("all", first, last, at)
        if key not in self._minutes:
            joined: dict[int, list[Block]] = {}
            for pack in self._reader.minutes_of_all(first, last):
                for each in pack:
                    joined.setdefault(each.minute, []).append(each.on_time)
            blocks = [(minute, Block.merge(parts)) for minute, parts in sorted(joined.items())]
            self._minutes[key] = Minutes(blocks, at)
        return self._minutes[key]

    def _totals(self, first: int, last: int, at: datetime) -> Minutes:
        key = ("totals", first, last, at)
        if key not in self._minutes:
            blocks = [
                (
                    minute,
                    Block.merge(
                        item.on_time for item in self.services.windows.totals(self.tenant, minute)
                    ),
                )
                for minute in range(first, last + 1)
            ]
            self._minutes[key] = Minutes(blocks, at, totals=True)
        return self._minutes[key]


def _first(rule: Rule, last: int) -> int:
    return min(first_minute(each, last) for each in rule.comparisons)


def _reordered(key: Group, own: Sequence[str], names: Sequence[str]) -> Group:
    labels = dict(zip(own, key, strict=True))
    return tuple(labels[name] for name in names)


def _measured(
    comparison: Comparison, found: Mapping[Group, Measured], group: Group, names: Sequence[str]
) -> Measured:
    """What concerns this group: its own, or what was measured for all of them."""
    if not comparison.group_by:
        return found.get((), NOTHING)
    return found.get(_reordered(group, names, comparison.group_by), NOTHING)


def look_at_rules(services: Services) -> int:
    """Judge every tenant's rules that are not a wedding's; how many were."""
    now = services.now()
    count = 0
    units = Units(out_of_time=services.out_of_time)

    def judge(tenant: Tenant) -> None:
        nonlocal count
        rules = due_rules(rulebook(services, tenant), now)
        judge_tenant(services, tenant, rules=rules)
        count += len(rules)

    for tenant in in_turn(services.rules.tenants(), minute_of(now)):
        units.done(tenant.id, "a look at the rules", judge, tenant)
    units.finish()
    return count
