"""Emergency mode is switched on and off, and whoever is on call hears of both.

It ends by itself at its time, or with the incident for which a runbook has begun it. Who switches
it stores that, and asks for a wake; the wake tells people, and notes that. The minute's sweep asks
for a wake of whatever lasts, or is over untold, so that a crash at any place is made up for.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from wedsync.alerting.severity import Severity
from wedsync.errors import IncidentNotFound, TooMuchContention
from wedsync.flows.cadence import LOOK_AHEAD, CloseLook
from wedsync.flows.incidents import TRIES, publish
from wedsync.flows.times import seconds_until
from wedsync.flows.wake import EmergencyWake, wake_later
from wedsync.incidents.ladder import SYSTEM
from wedsync.incidents.message import notice_messages
from wedsync.isolation import Units
from wedsync.stores.emergency import Emergency
from wedsync.stores.episodes import Overtaken
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

LONGEST = timedelta(hours=4)
PATH = "/api/operations/emergency-mode"
MEANWHILE = (
    "Meanwhile live pages may be 10 s old, points of low priority are refused unless their wedding "
    "is under way, and weddings from two days before to a day after are looked at every 10 s"
)
_TOLD_TO = ("on_call_engineer",)


Check: TypeAlias = Callable[[Emergency | None], None]
"""Raises where the present one may not be changed."""


def anything(present: Emergency | None) -> None:
    """Whatever is there may be changed."""
    del present


def switch_on(
    services: Services, tenant: Tenant, wanted: Emergency, *, check: Check = anything
) -> Emergency:
    """Begin it, or replace the one that lasts.

    What lasts as it is wanted stays as it is, and nobody hears of it twice.
    """

    def begun(last: Emergency | None, now: datetime) -> Emergency:
        check(last)
        if last is None:
            return replace(wanted, since=now, number=1, version=1)
        if last.is_on(now) and _same(last, wanted):
            return last
        return replace(
            wanted,
            since=last.since if last.is_on(now) else now,
            number=last.number + 1,
            version=last.version + 1,
        )

    return _changed(services, tenant, begun)


def switch_off(services: Services, tenant: Tenant, *, by: str, check: Check = anything) -> None:
    """End it now; what is over stays as it is."""

    def ended(last: Emergency | None, now: datetime) -> Emergency | None:
        check(last)
        if last is None or not last.is_on(now):
            return last
        return replace(last, ended_at=now, ended_by=by, version=last.version + 1)

    _changed(services, tenant, ended)


def sweep_emergencies(services: Services, now: datetime) -> None:
    """Ask for a look at all that lasts or is untold, and at the time at which it ends."""
    units = Units(out_of_time=services.out_of_time)
    for tenant, emergency in services.emergency.every():
        times = {now}
        if now < emergency.until <= now + LOOK_AHEAD:
            times.add(emergency.until)
        units.done(tenant.id, "emergency mode", _wake, services, tenant, now, *sorted(times))
    units.finish()


def look_at_emergency(services: Services, tenant: Tenant) -> None:
    """End what is over with its incident, and tell what nobody was told yet."""
    for _ in range(TRIES):
        found = services.emergency.last(tenant)
        if found is None:
            return
        after = _looked_at(services, tenant, found, services.now())
        if after is found:
            return
        with suppress(Overtaken):
            services.emergency.save(tenant, after, former=found)
    raise TooMuchContention


E = TypeVar("E", Emergency, Emergency | None)


def _changed(
    services: Services, tenant: Tenant, change: Callable[[Emergency | None, datetime], E]
) -> E:
    """Load, change, save, and have it looked at."""
    for _ in range(TRIES):
        now = services.now()
        last = services.emergency.last(tenant)
        after = change(last, now)
        if after is None:
            return after
        if after is not last:
            if after.is_on(now):
                # Before it is stored, so that no tick is missed however this ends.
                CloseLook(services).ask()
            try:
                services.emergency.save(tenant, after, former=last)
            except Overtaken:
                continue
        if after.is_untold(now):
            _wake(services, tenant, now, now)
        return after
    raise TooMuchContention


def _looked_at(services: Services, tenant: Tenant, found: Emergency, now: datetime) -> Emergency:
    """The emergency after the next thing that is to be done; the same where there is nothing."""
    if not found.told_on:
        _tell(services, tenant, found, "on", now, _of_beginning(found))
        return replace(found, told_on=True)
    if found.is_on(now):
        if not _has_recovered(services, tenant, found):
            return found
        return replace(found, ended_at=now, ended_by=SYSTEM, version=found.version + 1)
    if not found.told_off:
        _tell(services, tenant, found, "off", now, _of_end(found))
        return replace(found, told_off=True)
    return found


def _has_recovered(services: Services, tenant: Tenant, emergency: Emergency) -> bool:
    if emergency.incident_id is None:
        return False
    try:
        return not services.incidents.get(tenant, emergency.incident_id).value.is_active
    except IncidentNotFound:
        return True


def _tell(
    services: Services,
    tenant: Tenant,
    emergency: Emergency,
    what: str,
    now: datetime,
    lines: Iterable[str],
) -> None:
    for message in notice_messages(
        roles=_TOLD_TO,
        tenant=tenant.id,
        about="emergency-mode",
        digest=f"{emergency.number}-{what}",
        severity=Severity.HIGH,
        title=f"Emergency mode is {what}: {emergency.reason}",
        lines=lines,
        now=now,
    ):
        publish(services, message)


def _of_beginning(emergency: Emergency) -> tuple[str, ...]:
    until = "" if emergency.incident_id is None else f", or with incident {emergency.incident_id}"
    return (
        f"Switched on by {emergency.by} at {_clock(emergency.since)}",
        f"It ends by itself at {_clock(emergency.until)}{until}",
        MEANWHILE,
        f"End it: DELETE {PATH}",
    )


def _of_end(emergency: Emergency) -> tuple[str, ...]:
    if emergency.ended_at is None:
        return (f"It ended by itself at {_clock(emergency.until)}",)
    if emergency.ended_by == SYSTEM:
        over = f"incident {emergency.incident_id} is over"
        return (f"It ended at {_clock(emergency.ended_at)}: {over}",)
    return (f"Switched off by {emergency.ended_by} at {_clock(emergency.ended_at)}",)


def _clock(at: datetime) -> str:
    return f"{at:%H:%M} UTC"


def _same(former: Emergency, wanted: Emergency) -> bool:
    return (former.until, former.reason, former.incident_id) == (
        wanted.until,
        wanted.reason,
        wanted.incident_id,
    )


def _wake(services: Services, tenant: Tenant, now: datetime, *at: datetime) -> None:
    for time in at:
        wake = EmergencyWake(tenant_id=tenant.id)
        wake_later(services, wake, after_seconds=seconds_until(time, now))
