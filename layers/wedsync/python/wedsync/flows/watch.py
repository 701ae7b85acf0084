"""What the clock alone brings on: durations, silence, ladders."""

import math
from datetime import datetime, timedelta

from wedsync.alerting.model import Alert
from wedsync.flows.alerts import settle
from wedsync.flows.evaluate import evaluate_tenant
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.wake import LadderWake, WatchWake, wake_later
from wedsync.incidents.ladder import next_due_at
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

LOOK_AHEAD = timedelta(seconds=75)
"""Longer than a sweep's period: a tier is found before it is due even if a sweep is late."""
WATCH_SECONDS = 10


def sweep(services: Services, now: datetime) -> int:
    """Send a wake for everything on a ladder that falls due before the next sweep but one."""
    count = 0
    for tenant, incident in services.incidents.due(now + LOOK_AHEAD):
        due = next_due_at(incident)
        if due is None:
            continue
        wake_later(
            services,
            LadderWake(tenant_id=tenant.id, incident_id=incident.incident_id),
            after_seconds=max(0, math.ceil((due - now).total_seconds())),
        )
        count += 1
    return count


def plan_watches(services: Services, now: datetime) -> None:
    """Ask to be woken every 10 s of this minute, if there is anything to watch."""
    for second in range(0, 60, WATCH_SECONDS):
        due = now + timedelta(seconds=second)
        wake_later(services, WatchWake(due=due.isoformat()), after_seconds=second)


def watch(services: Services) -> int:
    """Judge every wedding whose window is open, and whatever has an open alert."""
    now = services.now()
    weddings: dict[Tenant, set[str]] = {}
    names: dict[Tenant, set[str]] = {}
    unsettled: list[tuple[Tenant, Alert]] = []
    for mark in services.weddings.live_marks(now):
        weddings.setdefault(mark.tenant, set()).add(mark.wedding_id)
    opened: dict[Tenant, set[str]] = {}
    for tenant, alert in services.alerts.open_of_all():
        if alert.wedding_id is not None:
            opened.setdefault(tenant, set()).add(alert.wedding_id)
        elif alert.service is not None:
            names.setdefault(tenant, set()).add(alert.service)
        if alert.unsettled_since is not None:
            unsettled.append((tenant, alert))
    for tenant in sorted({*weddings, *names, *opened}):
        day = TenantDay(tenant, services.weddings, now)
        open_now = {each.wedding_id: each for each in day.open_windows}
        missing = opened.get(tenant, set()) - set(open_now)
        open_now |= services.weddings.find_many(tenant, missing)
        if open_now or tenant in names:
            live = [open_now[wedding_id] for wedding_id in sorted(open_now)]
            evaluate_tenant(services, tenant, live, names.get(tenant, set()))
    for tenant, alert in unsettled:
        stored = services.alerts.get(tenant, alert.alert_id)
        settle(services, tenant, stored, TenantDay(tenant, services.weddings, now))
    return len(weddings) + len(names) + len(opened)
