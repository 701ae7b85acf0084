"""When weddings are looked at: the runs that their cadence asks for, planned on the delay queue.

Every run lies on a tick, a whole multiple of 10 s. The minute's job asks to be woken at those
ticks of the next 75 s at which some wedding has a run, or at each while an alert is open or an
incident about a wedding is active, or a tenant in emergency mode. What begins in between (one of
these, or a wedding's own change) asks for its ticks itself, before it is stored. So a wake costs
something only where there is something to do, and wakes may come twice: the tick through which
everything was judged is kept, and a run that has been is not run again.

What this reads at 10,000 weddings, 27 a day over the year to come, 2 KB each, from an index that
costs half a read unit for 4 KB. Judging reads the weddings that are due: 4 days' worth every 10 s
(those that are open, those just closed and, to be told apart from them, those closed for good:
108 of them, 39,000 an hour), the next two days' every 60 s (3,200), the rest of the week's every
120 s (4,000), of the month's every 300 s (7,500), all others' every 900 s (37,000); planning reads
a page of 50 at most of each shard a minute (12,000). That is 103,000 weddings, or 26,000 read
units, an hour: 0.3 cents. Windows are read for the packs that had data in this hour, and alerts
for the weddings that are told of in them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wedsync.flows.emergency import CONCERNED
from wedsync.flows.times import seconds_until
from wedsync.flows.wake import WatchWake, wake_later
from wedsync.stores.services import Services
from wedsync.stores.weddings import LONG_ONES, OPENING_SHARDS
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding
from wedsync.weddings.phase import EVE, LONGEST_INTERVAL, TICK, has_run, phase, reach, tick_at
from wedsync.weddings.timeline import operational_window

LOOK_AHEAD = timedelta(seconds=75)
"""Longer than the minute job's period: what falls due is planned even if the job is late."""
_PAGE = 50


def ticks(after: datetime, through: datetime) -> tuple[datetime, ...]:
    """Every tick after one instant and up to another."""
    first = tick_at(after) + TICK
    return tuple(first + number * TICK for number in range(max(0, (through - first) // TICK + 1)))


def unjudged(judged: datetime | None, through: datetime) -> tuple[datetime, ...]:
    """The ticks up to ``through`` that were not judged; however many, they are one catching-up.

    No interval is longer than 900 s: within these every wedding that is watched has a run.
    """
    earliest = through - LONGEST_INTERVAL
    return ticks(through - TICK if judged is None else max(judged, earliest), through)


def runs_of(services: Services, wedding: Wedding, at: Sequence[datetime]) -> bool:
    """Whether the wedding has a run at one of these ticks; before it was registered, none."""
    since = [tick for tick in at if tick > wedding.created_at]
    return has_run(wedding, since, stage=services.settings.stage)


def furthest(services: Services, at: Iterable[datetime]) -> timedelta | None:
    """How far ahead of these ticks a window may open for a wedding that is due."""
    furthest = timedelta()
    for tick in at:
        ahead = reach(tick, stage=services.settings.stage)
        if ahead is None:
            return None
        furthest = max(furthest, ahead)
    return furthest


def plan_runs(services: Services, now: datetime) -> None:
    """Ask to be woken at the ticks of the next 75 s at which there is something to judge.

    What an earlier wake should have judged and has not is asked for at once.
    """
    present = tick_at(now)
    judged = services.windows.judged()
    missed = unjudged(judged.through, present)
    coming = ticks(present, now + LOOK_AHEAD)
    if _anything_forced(services):
        _ask(services, [*missed[-1:], *coming], now)
        return
    wanted = _wanted(services, missed, coming)
    if judged.left:
        # Those whose runs have failed are run again, whatever else is due.
        wanted = sorted({*wanted, present if missed else coming[0]})
    _ask(services, wanted, now)
    if missed and present not in wanted:
        services.windows.advance_judged(present, left={})


@dataclass(slots=True)
class CloseLook:
    """Every tick until the minute's job knows of an alert or incident about to be stored."""

    services: Services
    _asked: bool = field(default=False, init=False)

    def ask(self) -> None:
        """Ask to be woken at these ticks, once however much is stored at once."""
        if self._asked:
            return
        now = self.services.now()
        _ask(self.services, ticks(now, now + LOOK_AHEAD), now)
        self._asked = True


def plan_wedding(services: Services, wedding: Wedding) -> None:
    """Ask for this wedding's own runs until the minute's job knows of what is about to be stored.

    A wedding that is changed may have a run sooner than it had.
    """
    now = services.now()
    coming = ticks(now, now + LOOK_AHEAD)
    _ask(services, [tick for tick in coming if runs_of(services, wedding, (tick,))], now)


def forced_by(services: Services, tenant: Tenant, wedding: Wedding) -> str | None:
    """What has the wedding looked at every 10 s whatever its phase; None: nothing."""
    emergency = services.emergency.find(tenant, now=services.now())
    if emergency is not None and phase(wedding, services.now()) in CONCERNED:
        return f"emergency mode is on until {emergency.until:%H:%M} UTC: {emergency.reason}"
    for alert in services.alerts.open_of_wedding(tenant, wedding.wedding_id):
        return f"alert {alert.type} is {alert.state}"
    for incident in services.incidents.of_wedding(tenant, wedding.wedding_id):
        return f"incident {incident.incident_id} is {incident.status}"
    return None


def in_emergency(services: Services, now: datetime) -> Iterator[tuple[Tenant, str]]:
    """The weddings that are looked at every 10 s because their tenant is in emergency mode."""
    tenants = {tenant for tenant, each in services.emergency.every() if each.is_on(now)}
    for shard in OPENING_SHARDS if tenants else ():
        for tenant, wedding in services.weddings.opening(shard, now, now, ahead=EVE):
            if tenant in tenants and phase(wedding, now) in CONCERNED:
                yield tenant, wedding.wedding_id


def _anything_forced(services: Services) -> bool:
    for _ in services.alerts.open_of_all():
        return True
    for _ in services.incidents.about_weddings():
        return True
    return any(each.is_on(services.now()) for _, each in services.emergency.every())


def _wanted(
    services: Services, missed: Sequence[datetime], coming: Sequence[datetime]
) -> list[datetime]:
    """The coming ticks at which some wedding has a run, and the present one for what was missed.

    Each shard is read from the earliest opening on, and only as far as it can still tell.
    """
    open_questions: dict[datetime, Sequence[datetime]] = {tick: (tick,) for tick in coming}
    if missed:
        open_questions[missed[-1]] = missed
    wanted: list[datetime] = []
    for shard in OPENING_SHARDS:
        asked = [tick for each in open_questions.values() for tick in each]
        if not asked:
            break
        for _, wedding in services.weddings.opening(
            shard, min(asked), max(asked), ahead=furthest(services, asked), page_size=_PAGE
        ):
            opens = operational_window(wedding).start
            for tick, at in tuple(open_questions.items()):
                if runs_of(services, wedding, at):
                    wanted.append(tick)
                    del open_questions[tick]
            further = any(_in_reach(services, opens, at) for at in open_questions.values())
            if not open_questions or (shard != LONG_ONES and not further):
                break
    return sorted(wanted)


def _in_reach(services: Services, opens: datetime, at: Sequence[datetime]) -> bool:
    """Whether a wedding that opens then or later may have a run at one of these ticks."""
    ahead = furthest(services, at)
    return ahead is None or opens <= at[-1] + ahead


def _ask(services: Services, at: Iterable[datetime], now: datetime) -> None:
    for tick in at:
        wake_later(
            services,
            WatchWake(due=tick),
            after_seconds=seconds_until(tick, now),
        )
