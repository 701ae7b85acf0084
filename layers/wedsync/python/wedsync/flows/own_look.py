"""One look at a tenant's windows by its own rules: what each of them measures and finds."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from wedsync.alerting.finding import Finding
from wedsync.alerting.model import Alert
from wedsync.alerting.observation import Scope
from wedsync.alerting.own.book import Rulebook
from wedsync.alerting.own.condition import Comparison, grouping
from wedsync.alerting.own.groups import (
    MOST_GROUPS,
    MOST_NEW,
    OTHERS,
    GroupFinding,
    chosen,
    of_the_rest,
)
from wedsync.alerting.own.judging import NOTHING, Measured, judge_rule
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.surroundings import Surroundings
from wedsync.flows.alerts import Judged
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
from wedsync.flows.series import blocks_between
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.metrics.block import Block
from wedsync.stores.rollups import WHOLE, ScopeKind
from wedsync.stores.rollups import Scope as RolledScope
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import Wedding

OpenGroups = Mapping[tuple[str, str | None], AbstractSet[Group]]
"""The groups that have an open alert, by rule and wedding: they are judged though nothing came.

The alert that stands for the rest of the groups is here as ``REST``.
"""
REST: Group = ()


def open_groups(book: Rulebook, alerts: Iterable[Alert]) -> OpenGroups:
    """The groups of open alerts that rules of this book opened."""
    found: dict[tuple[str, str | None], set[Group]] = {}
    for alert in alerts:
        rule = book.by_id.get(alert.rule_id)
        if rule is not None and alert.group == OTHERS:
            found.setdefault((rule.rule_id, alert.wedding_id), set()).add(REST)
        elif rule is not None:
            labels = dict(alert.group)
            if alert.service is not None:
                labels["service"] = alert.service
            group = tuple(labels.get(name, UNNAMED) for name in grouping(rule.condition))
            found.setdefault((rule.rule_id, alert.wedding_id), set()).add(group)
    return found


@dataclass(slots=True)
class OwnLook:
    """One look at a tenant's windows by its own rules: each minute is read once.

    ``opened`` None: only what came is judged, and open alerts are read where there are many groups.
    """

    services: Services
    tenant: Tenant
    now: datetime
    reader: WindowReader | None = None
    opened: OpenGroups | None = None
    leniency: Mapping[str, float] = field(default_factory=dict)
    _minutes: dict[tuple[object, ...], Minutes] = field(default_factory=dict, init=False)
    _open_alerts: tuple[Alert, ...] | None = field(default=None, init=False)
    _new: int = field(default=0, init=False)
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
        opened = (self.opened or {}).get((rule.rule_id, wedding_id), set())
        found |= opened - {REST} if names else set()
        judged: list[GroupFinding] = []
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
            judged.append(GroupFinding(group=group, finding=finding))
        findings = [each.finding for each in judged]
        if names:
            findings = self._bounded(rule, wedding_id, judged, around)
        return [
            Judged(finding=finding, context=around.context, at=around.now) for finding in findings
        ]

    def _bounded(
        self,
        rule: Rule,
        wedding_id: str | None,
        judged: Sequence[GroupFinding],
        around: Surroundings,
    ) -> list[Finding]:
        """What is told of a rule's groups, however many they are: first, that they are too many."""
        breaches = sum(each.is_breach for each in judged)
        many = len(judged) > MOST_GROUPS or self._new + breaches > MOST_GROUPS
        opened = self._opened(rule, wedding_id, ask=many)
        followed, rest = list(judged), 0
        if many:
            room = max(1, MOST_NEW - self._new)
            followed, rest = chosen(judged, opened, room=room)
        self._new += sum(each.is_breach and each.group not in opened for each in followed)
        findings = [each.finding for each in followed]
        if rest or REST in opened:
            told = sum(each.is_breach for each in followed)
            findings.insert(0, of_the_rest(rule, rest, told, around))
        return findings

    def _opened(self, rule: Rule, wedding_id: str | None, *, ask: bool) -> AbstractSet[Group]:
        if self.opened is not None:
            return self.opened.get((rule.rule_id, wedding_id), set())
        if not ask:
            return set()
        if self._open_alerts is None:
            self._open_alerts = tuple(self.services.alerts.open_of(self.tenant))
        found = open_groups(Rulebook((rule,)), self._open_alerts)
        return found.get((rule.rule_id, wedding_id), set())

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
