"""A rule, played over windows of the past: what it would have told, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.alerting.feedback import leniency
from wedsync.alerting.lifecycle import advance
from wedsync.alerting.model import Alert, fingerprint
from wedsync.alerting.own.book import Rulebook
from wedsync.alerting.own.rule import Rule
from wedsync.alerting.transitions import Effect
from wedsync.errors import Invalid
from wedsync.flows.alerts import Judged
from wedsync.flows.own_look import OwnLook, open_groups
from wedsync.flows.own_windows import first_minute, needs_totals_alone
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import WindowReader
from wedsync.flows.series import MINUTES_KEPT
from wedsync.flows.times import (
    MINUTE_MS,
    MINUTES_PER_HOUR,
    epoch_ms,
    in_words,
    minute_of,
    minute_start,
)
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding

LONGEST = timedelta(hours=24)
MOST_READS = 12_000
"""Minutes of packs that one rehearsal reads at the most."""
MOST_WEDDINGS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What would have been: alerts as they ended, and how many windows were looked at."""

    alerts: tuple[Alert, ...]
    windows: int
    weddings: int


def rehearse(
    services: Services,
    tenant: Tenant,
    rule: Rule,
    *,
    start: datetime,
    end: datetime,
    wedding: Wedding | None = None,
) -> Rehearsed:
    """Judge the rule at the end of every minute (over days: every hour) of the range.

    As it is now and with what it has learned, and as if there were no silences. Raises Invalid for
    a range that is too long, or whose minutes are not kept any more.
    """
    now = services.now()
    end = min(end, now)
    if end - start > LONGEST:
        raise Invalid.field("/to", "too-long", f"at most {in_words(LONGEST)}")
    if start < now - MINUTES_KEPT:
        raise Invalid.field("/from", "not-kept", f"minutes are kept for {in_words(MINUTES_KEPT)}")
    lasts = range(minute_of(start), -(-epoch_ms(end) // MINUTE_MS))
    if not rule.is_recent:
        lasts = range(-(-lasts.start // MINUTES_PER_HOUR) * MINUTES_PER_HOUR - 1, lasts.stop, 60)
    reader = window_reader(services, tenant, now)
    weddings = _weddings(services, reader, rule, lasts, wedding)
    learned = {rule.rule_id: leniency(rule, services.tallies.get(tenant, rule.rule_id))}
    lives = _Lives(tenant)
    for last in lasts:
        at = min(now, minute_start(last + 1) - timedelta(seconds=1))
        look = OwnLook(
            services,
            tenant,
            now,
            reader=reader,
            opened=open_groups(Rulebook((rule,)), lives.open),
            leniency=learned,
        )
        if rule.wedding_specific:
            rules = dict.fromkeys(weddings, (rule,))
            lives.take(look.weddings(weddings, rules, at=at, last=last), at)
        else:
            lives.take(look.tenant_wide((rule,), at=at, last=last), at)
    return Rehearsed(
        alerts=tuple(lives.fired()),
        windows=len(lasts) * max(1, len(weddings)),
        weddings=len(weddings),
    )


class _Lives:
    """Alerts as they would have lived."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._present: dict[str, Alert] = {}
        self._over: list[Alert] = []
        self._told: set[str] = set()

    @property
    def open(self) -> tuple[Alert, ...]:
        """Those that are not over."""
        return tuple(each for each in self._present.values() if each.resolved_at is None)

    def take(self, judged: Sequence[Judged], at: datetime) -> None:
        """Move every life by what was found at this instant."""
        for each in judged:
            finding = each.finding
            name = fingerprint(
                tenant=self._tenant.id,
                rule_id=finding.rule_id,
                scope=finding.scope,
                group=finding.group,
            )
            former = self._present.get(name)
            step = advance(former, finding, tenant=self._tenant.id, context=each.context, now=at)
            if former is not None and (
                step.alert is None or step.alert.alert_id != former.alert_id
            ):
                self._over.append(former)
            if step.alert is None:
                self._present.pop(name, None)
                continue
            self._present[name] = step.alert
            if Effect.FIRED in step.effects:
                self._told.add(step.alert.alert_id)

    def fired(self) -> Iterator[Alert]:
        """Whatever somebody would have been told of, in the order in which it began."""
        lives = {each.alert_id: each for each in (*self._over, *self._present.values())}
        told = [each for each in lives.values() if each.alert_id in self._told]
        yield from sorted(told, key=lambda each: (each.started_at, each.alert_id))


def _weddings(
    services: Services, reader: WindowReader, rule: Rule, lasts: range, wedding: Wedding | None
) -> dict[str, Wedding]:
    """The weddings that the rule is played for, their minutes read at a go."""
    if not rule.is_recent or not lasts:
        return {}
    first = min(first_minute(each, lasts[0]) for each in rule.comparisons)
    if not rule.wedding_specific:
        if not all(map(needs_totals_alone, rule.comparisons)):
            _require_room(range(max(reader.packs.possible(first, lasts[-1]))), first, lasts)
            reader.minutes_of_all(first, lasts[-1])
        return {}
    if wedding is not None:
        packs: Sequence[int] = reader.packs.homes(wedding.wedding_id, first, lasts[-1])
        _require_room(packs, first, lasts)
        reader.minutes_of_packs(packs, first, lasts[-1])
        return {wedding.wedding_id: wedding}
    packs = range(max(reader.packs.possible(first, lasts[-1])))
    _require_room(packs, first, lasts)
    told = {
        wedding_id
        for pack in packs
        for each in reader.minutes(pack, first, lasts[-1])
        for wedding_id in each.on_time.wedding_ids()
    }
    found = services.weddings.find_many(reader.tenant, told)
    if len(found) > MOST_WEDDINGS:
        raise Invalid.field(
            "/weddingId", "too-many", f"over {MOST_WEDDINGS} weddings sent points: name one"
        )
    return found


def _require_room(packs: Sequence[int], first: int, lasts: range) -> None:
    if len(packs) * (lasts.stop - first) > MOST_READS:
        raise Invalid.field("/to", "too-much", "shorten the range, or name a wedding")
