"""What the clock alone brings on: durations, silence, ladders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from wedsync.alerting.catalog import PLATFORM
from wedsync.alerting.model import Alert
from wedsync.alerting.refusals import REFUSED_KEYS
from wedsync.flows.alerts import settle
from wedsync.flows.cadence import LOOK_AHEAD, furthest, in_emergency, runs_of, unjudged
from wedsync.flows.evaluate import evaluate_tenant
from wedsync.flows.notices import tell_waiting, waits
from wedsync.flows.observe import SEEN_MINUTES
from wedsync.flows.own_rules import judge_open, judge_weddings
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import WindowReader
from wedsync.flows.refusals import judge_present
from wedsync.flows.removal import end_alerts
from wedsync.flows.rulebook import rulebook
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of, seconds_until
from wedsync.flows.wake import LadderWake, RunbookWake, wake_later
from wedsync.incidents.ladder import next_due_at
from wedsync.incidents.model import Incident
from wedsync.isolation import Units, in_turn
from wedsync.stores.services import Services
from wedsync.stores.weddings import OPENING_SHARDS
from wedsync.stores.windows import ActivePack, JudgedTicks
from wedsync.tenancy import Tenant
from wedsync.weddings.phase import TICK, tick_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one wake came to: weddings that were run, and those among them that had to be judged.

    The others had no data in the window and no alert, so that judging them changes nothing.
    """

    runs: int = 0
    judged: int = 0


def sweep(services: Services, now: datetime) -> int:
    """Send a wake for all that falls due on ladders and in runbooks before the sweep after next.

    Answers how many. Raises Unavailable or UnitsFailed at its end where some were not sent.
    """
    count = 0
    units = Units(out_of_time=services.out_of_time)

    def ladder(tenant: Tenant, incident: Incident) -> None:
        nonlocal count
        # A ladder keeps its time also where its runbooks cannot be begun.
        looks = [now] if incident.runbooks_due else []
        step = next_due_at(incident)
        looks += [step] if step is not None and step <= now + LOOK_AHEAD else []
        for due in dict.fromkeys(looks):
            wake = LadderWake(tenant_id=tenant.id, incident_id=incident.incident_id)
            wake_later(services, wake, after_seconds=seconds_until(due, now))
            count += 1

    def runbook(tenant: Tenant, execution_id: str, due: datetime) -> None:
        nonlocal count
        wake = RunbookWake(tenant_id=tenant.id, execution_id=execution_id)
        wake_later(services, wake, after_seconds=seconds_until(due, now))
        count += 1

    for tenant, incident in services.incidents.due(now + LOOK_AHEAD):
        units.done(tenant.id, f"ladder of {incident.incident_id}", ladder, tenant, incident)
    for tenant, execution_id, due in services.executions.due(now + LOOK_AHEAD):
        units.done(tenant.id, f"runbook {execution_id}", runbook, tenant, execution_id, due)
    units.finish()
    return count


def watch(services: Services, due: datetime) -> Watched:
    """Run every wedding that is due by now and was not run, and whatever has an open alert.

    A wake that comes twice finds that its tick was judged. One that comes late judges for all
    the ticks before it, once. Where judging one tenant fails, all others are judged, and its runs
    are left to the next tick: Unavailable or UnitsFailed is raised at the end then.
    """
    now = services.now()
    through = max(due, tick_at(now))
    judged = services.windows.judged()
    if judged.through is not None and judged.through >= (through if judged.left else due):
        return Watched()
    alerts = _OpenAlerts.of(services)
    turn = int(through.timestamp()) // int(TICK.total_seconds())
    # What has an open alert is looked at with every tick, whether the last look failed or not: it
    # is little, and comes first, so that all the weddings leave time for it.
    looks = _look_at_open(services, alerts, now, turn)
    units = Units(out_of_time=services.out_of_time)
    watched, missing = _run(services, units, alerts, now, judged, through, turn)
    if units.nothing_works:
        units.finish()
    since = judged.through or through - TICK
    left = {tenant: judged.left.get(tenant, since) for tenant in sorted(missing)}
    services.windows.advance_judged(through, left=left)
    for each in (units, *looks):
        each.finish()
    return watched


def _look_at_open(
    services: Services, alerts: "_OpenAlerts", now: datetime, turn: int
) -> tuple[Units, ...]:
    """Settle what is unsettled, and judge the own rules that have open alerts, each for itself.

    And the records that were refused, where an alert tells of them.
    """
    settling = Units(out_of_time=services.out_of_time)
    for tenant in in_turn(alerts.unsettled, turn):
        unsettled = alerts.unsettled[tenant]
        settling.done(tenant.id, "unsettled alerts", _settle, services, tenant, unsettled, now)
    judging = Units(out_of_time=services.out_of_time)
    for tenant in in_turn(alerts.own, turn):
        own = alerts.own[tenant]
        judging.done(tenant.id, "rules with open alerts", judge_open, services, tenant, own)
    refusing = Units(out_of_time=services.out_of_time)
    for tenant in in_turn(sorted(alerts.refused), turn):
        refusing.done(tenant.id, "refused keys", judge_present, services, tenant)
    return settling, judging, refusing


def _run(
    services: Services,
    units: Units,
    alerts: "_OpenAlerts",
    now: datetime,
    judged: JudgedTicks,
    through: datetime,
    turn: int,
) -> tuple[Watched, set[Tenant]]:
    """What was judged, and the tenants whose runs were not."""
    due = _due_now(services, judged, through)
    active = _active_packs(services, now) if due else frozenset()
    count = 0

    def judge(tenant: Tenant) -> None:
        nonlocal count
        count += _judge(
            services,
            tenant,
            due=due.get(tenant, set()),
            opened=alerts.weddings.get(tenant, set()),
            names=alerts.services.get(tenant, set()),
            active=active,
        )

    missing = {
        tenant
        for tenant in in_turn(sorted({*due, *alerts.weddings, *alerts.services}), turn)
        if not units.done(tenant.id, "runs of weddings", judge, tenant)
    }
    runs = sum(
        len(due.get(tenant, set()) | alerts.weddings.get(tenant, set()))
        for tenant in {*due, *alerts.weddings}
    )
    return Watched(runs=runs, judged=count), missing


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenAlerts:
    """The open alerts of all tenants: whom they are about, those of own rules, those unsettled.

    ``refused``: the tenants with an open alert of records that were refused.
    """

    weddings: dict[Tenant, set[str]] = field(default_factory=dict)
    services: dict[Tenant, set[str]] = field(default_factory=dict)
    own: dict[Tenant, list[Alert]] = field(default_factory=dict)
    unsettled: dict[Tenant, list[Alert]] = field(default_factory=dict)
    refused: set[Tenant] = field(default_factory=set)

    @classmethod
    def of(cls, services: Services) -> Self:
        """As they are now."""
        found = cls()
        for tenant, alert in services.alerts.open_of_all():
            if not alert.rule_id.startswith(PLATFORM):
                found.own.setdefault(tenant, []).append(alert)
            if alert.wedding_id is not None:
                found.weddings.setdefault(tenant, set()).add(alert.wedding_id)
            elif alert.service is not None:
                found.services.setdefault(tenant, set()).add(alert.service)
            if alert.rule_id == PLATFORM + REFUSED_KEYS:
                found.refused.add(tenant)
            if alert.unsettled_since is not None:
                found.unsettled.setdefault(tenant, []).append(alert)
        return found


def _due_now(services: Services, judged: JudgedTicks, through: datetime) -> dict[Tenant, set[str]]:
    """The weddings that have a run by now, those that are left, and those that others force."""
    due = _due(services, unjudged(judged.through, through))
    if judged.left:
        before = _due(services, unjudged(min(judged.left.values()), through))
        for tenant in before.keys() & judged.left.keys():
            due.setdefault(tenant, set()).update(before[tenant])
    for tenant, wedding_id in services.incidents.about_weddings():
        due.setdefault(tenant, set()).add(wedding_id)
    for tenant, wedding_id in in_emergency(services, services.now()):
        due.setdefault(tenant, set()).add(wedding_id)
    return due


def _settle(services: Services, tenant: Tenant, alerts: Sequence[Alert], now: datetime) -> None:
    """Do what is left of what others have begun, and tell of what waits for its group."""
    day = TenantDay(tenant, services.weddings, now)
    stored = [services.alerts.get(tenant, alert.alert_id) for alert in alerts]
    tell_waiting(services, tenant, [each for each in stored if waits(each.value)])
    for each in stored:
        settle(services, tenant, each, day)


def _due(services: Services, at: tuple[datetime, ...]) -> dict[Tenant, set[str]]:
    found: dict[Tenant, set[str]] = {}
    for shard in OPENING_SHARDS:
        for tenant, wedding in services.weddings.opening(
            shard, at[0], at[-1], ahead=furthest(services, at)
        ):
            if runs_of(services, wedding, at):
                found.setdefault(tenant, set()).add(wedding.wedding_id)
    return found


def _judge(
    services: Services,
    tenant: Tenant,
    *,
    due: set[str],
    opened: set[str],
    names: set[str],
    active: frozenset[ActivePack],
) -> int:
    """Judge a tenant's weddings that have data or an alert; how many there were."""
    now = services.now()
    reader = window_reader(services, tenant, now)
    others = due - opened
    if not rulebook(services, tenant).awaits_weddings:
        others = _told_of(reader, tenant, others, active, now)
    wanted = opened | others
    found = services.weddings.find_many(tenant, wanted)
    for wedding_id in sorted(opened - set(found)):
        end_alerts(services, tenant, wedding_id)
    if found or names:
        weddings = [found[wedding_id] for wedding_id in sorted(found)]
        evaluate_tenant(services, tenant, weddings, names, reader=reader)
        judge_weddings(services, tenant, weddings, reader)
    return len(found)


def _told_of(
    reader: WindowReader,
    tenant: Tenant,
    wedding_ids: Iterable[str],
    active: frozenset[ActivePack],
    now: datetime,
) -> set[str]:
    """Those of these weddings that the present window holds any point of."""
    last = minute_of(now)
    first = last - SEEN_MINUTES + 1
    by_pack: dict[int, set[str]] = {}
    for wedding_id in wedding_ids:
        for pack in reader.packs.homes(wedding_id, first, last):
            by_pack.setdefault(pack, set()).add(wedding_id)
    told: set[str] = set()
    for pack, ids in sorted(by_pack.items()):
        if ActivePack(tenant, pack) in active:
            for read in reader.minutes(pack, first, last):
                told |= ids.intersection(read.on_time.wedding_ids())
    return told


def _active_packs(services: Services, now: datetime) -> frozenset[ActivePack]:
    """The packs of which the present window can hold anything: they are marked before they do."""
    last = minute_of(now)
    hours = {minute // MINUTES_PER_HOUR for minute in (last - SEEN_MINUTES + 1, last)}
    return frozenset(each for hour in sorted(hours) for each in services.windows.active(hour))
