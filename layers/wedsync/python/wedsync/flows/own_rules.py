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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wedsync.alerting.finding import Outcome
from wedsync.alerting.model import Alert
from wedsync.alerting.own.book import Rulebook, Touched
from wedsync.alerting.own.rule import Rule
from wedsync.flows.alerts import Judged, apply_findings
from wedsync.flows.answering import resolve_alert
from wedsync.flows.own_look import OwnLook, open_groups
from wedsync.flows.reading import WindowReader
from wedsync.flows.rule_changes import speaks_of
from wedsync.flows.rulebook import rulebook
from wedsync.flows.times import MINUTE_MS, minute_of, minute_start
from wedsync.incidents.ladder import SYSTEM
from wedsync.isolation import Units, in_turn
from wedsync.metrics.columns import Columns
from wedsync.metrics.lateness import AHEAD_MS, ON_TIME_MS
from wedsync.metrics.reached import reached_by, tenants_in
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding

LONG_EVERY_MINUTES = 5


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
    present = _Asked()
    over: dict[int, _Asked] = {}
    for rule_id, of in touched.items():
        rule = book.by_id[rule_id]
        for wedding_id, minutes in of.items():
            if wedding_id is not None and wedding_id not in weddings:
                continue
            present.ask(rule, wedding_id)
            for last in _windows_over(rule, minutes.first, minutes.last, current):
                over.setdefault(last, _Asked()).ask(rule, wedding_id)
    ahead = min(max(current, newest), current + AHEAD_MS // MINUTE_MS)
    found = present.judged(look, weddings, at=now, last=ahead)
    past: list[Judged] = []
    for last, asked in sorted(over.items()):
        ends = minute_start(last + 1) - timedelta(seconds=1)
        past += asked.judged(look, weddings, at=ends, last=last)
    # What must hold for a while cannot be told from a window that is over.
    past = [
        each
        for each in past
        if each.finding.outcome is Outcome.BREACH and not each.finding.for_seconds
    ]
    apply_findings(services, tenant, found, look.day, past=past)


@dataclass(slots=True)
class _Asked:
    """The rules that are to be judged in the windows that end with one minute."""

    by_wedding: dict[str, list[Rule]] = field(default_factory=dict)
    whole: list[Rule] = field(default_factory=list)

    def ask(self, rule: Rule, wedding_id: str | None) -> None:
        """Have the rule judged for a wedding, or for the tenant as a whole."""
        if wedding_id is None:
            self.whole.append(rule)
        else:
            self.by_wedding.setdefault(wedding_id, []).append(rule)

    def judged(
        self, look: OwnLook, weddings: Mapping[str, Wedding], *, at: datetime, last: int
    ) -> list[Judged]:
        """What is found."""
        return [
            *look.weddings(weddings, self.by_wedding, at=at, last=last),
            *look.tenant_wide(self.whole, at=at, last=last),
        ]


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
