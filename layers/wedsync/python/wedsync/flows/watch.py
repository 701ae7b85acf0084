"""What the clock alone brings on: durations, silence, ladders."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.catalog import PLATFORM
from wedsync.alerting.model import Alert
from wedsync.flows.alerts import settle
from wedsync.flows.cadence import LOOK_AHEAD, furthest, runs_of, unjudged
from wedsync.flows.evaluate import evaluate_tenant
from wedsync.flows.notices import tell_waiting, waits
from wedsync.flows.observe import SEEN_MINUTES
from wedsync.flows.own_rules import judge_open, judge_weddings
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import WindowReader
from wedsync.flows.removal import end_alerts
from wedsync.flows.rulebook import rulebook
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.flows.wake import LadderWake, RunbookWake, wake_later
from wedsync.incidents.ladder import next_due_at
from wedsync.stores.services import Services
from wedsync.stores.weddings import OPENING_SHARDS
from wedsync.stores.windows import ActivePack
from wedsync.tenancy import Tenant
from wedsync.weddings.phase import tick_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one wake came to: weddings that were run, and those among them that had to be judged.

    The others had no data in the window and no alert, so that judging them changes nothing.
    """

    runs: int = 0
    judged: int = 0


def sweep(services: Services, now: datetime) -> int:
    """Send a wake for all that falls due on ladders and in runbooks before the sweep after next."""
    count = 0
    for tenant, incident in services.incidents.due(now + LOOK_AHEAD):
        # A ladder keeps its time also where its runbooks cannot be begun.
        looks = [now] if incident.runbooks_due else []
        step = next_due_at(incident)
        looks += [step] if step is not None and step <= now + LOOK_AHEAD else []
        for due in dict.fromkeys(looks):
            wake_later(
                services,
                LadderWake(tenant_id=tenant.id, incident_id=incident.incident_id),
                after_seconds=max(0, math.ceil((due - now).total_seconds())),
            )
            count += 1
    for tenant, execution_id, due in services.executions.due(now + LOOK_AHEAD):
        wake_later(
            services,
            RunbookWake(tenant_id=tenant.id, execution_id=execution_id),
            after_seconds=max(0, math.ceil((due - now).total_seconds())),
        )
        count += 1
    return count


def watch(services: Services, due: datetime) -> Watched:
    """Run every wedding that is due by now and was not run, and whatever has an open alert.

    A wake that comes twice finds that its tick was judged. One that comes late judges for all
    the ticks before it, once.
    """
    now = services.now()
    through = max(due, tick_at(now))
    judged = services.windows.judged_through()
    if judged is not None and judged >= due:
        return Watched()
    watched = _run(services, now, unjudged(judged, through))
    services.windows.advance_judged(through)
    return watched


def _run(services: Services, now: datetime, at: tuple[datetime, ...]) -> Watched:
    due = _due(services, at)
    for tenant, wedding_id in services.incidents.about_weddings():
        due.setdefault(tenant, set()).add(wedding_id)
    opened: dict[Tenant, set[str]] = {}
    names: dict[Tenant, set[str]] = {}
    unsettled: dict[Tenant, list[Alert]] = {}
    own: dict[Tenant, list[Alert]] = {}
    for tenant, alert in services.alerts.open_of_all():
        if not alert.rule_id.startswith(PLATFORM):
            own.setdefault(tenant, []).append(alert)
        if alert.wedding_id is not None:
            opened.setdefault(tenant, set()).add(alert.wedding_id)
        elif alert.service is not None:
            names.setdefault(tenant, set()).add(alert.service)
        if alert.unsettled_since is not None:
            unsettled.setdefault(tenant, []).append(alert)
    active = _active_packs(services, now) if due else frozenset()
    count = 0
    for tenant in sorted({*due, *opened, *names}):
        count += _judge(
            services,
            tenant,
            due=due.get(tenant, set()),
            opened=opened.get(tenant, set()),
            names=names.get(tenant, set()),
            active=active,
        )
    for tenant, alerts in sorted(own.items()):
        judge_open(services, tenant, alerts)
    for tenant, alerts in sorted(unsettled.items()):
        _settle(services, tenant, alerts, now)
    runs = sum(
        len(due.get(tenant, set()) | opened.get(tenant, set())) for tenant in {*due, *opened}
    )
    return Watched(runs=runs, judged=count)


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
