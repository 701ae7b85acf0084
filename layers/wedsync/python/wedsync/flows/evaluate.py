"""Judge what has changed, from reads made after the writes: nothing critical is missed.

Whatever a batch touched is judged even when every frame of it had been merged before, so that a
crash between counting and judging is made good by the batch's next delivery. Of two writers that
do not see each other yet, the one that reads last sees both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from wedsync.alerting.finding import Outcome
from wedsync.alerting.observation import Scope, WeddingObservation
from wedsync.alerting.rules import judge
from wedsync.flows.alerts import Judged, apply_findings
from wedsync.flows.observe import (
    SEEN_MINUTES,
    WINDOW_MINUTES,
    observe_services,
    observe_weddings,
)
from wedsync.flows.quiet import is_quiet
from wedsync.flows.reading import WindowReader, packs_of
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import MINUTE_MS, minute_of, minute_start
from wedsync.metrics.lateness import AHEAD_MS, ON_TIME_MS
from wedsync.metrics.series import pack_of
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import Wedding


class Touched(Protocol):
    """What must be judged, by tenant."""

    @property
    def weddings(self) -> Mapping[Tenant, frozenset[str]]:
        """Weddings that points told of."""

    @property
    def services(self) -> Mapping[Tenant, frozenset[str]]:
        """Services, components and hosts that points of no wedding told of."""

    @property
    def late_minutes(self) -> frozenset[int]:
        """The minutes of points that came too late for the present window to hold them."""

    @property
    def through(self) -> int:
        """The newest minute that a point lies in; it may be ahead of the clock."""


def evaluate(
    services: Services, touched: Touched, weddings: Mapping[tuple[Tenant, str], Wedding]
) -> None:
    """Judge everything that was touched; weddings that are not registered feed no rule."""
    for tenant in sorted({*touched.weddings, *touched.services}):
        known = [
            weddings[tenant, wedding_id]
            for wedding_id in sorted(touched.weddings.get(tenant, ()))
            if (tenant, wedding_id) in weddings
        ]
        names = touched.services.get(tenant, frozenset())
        if known or names:
            evaluate_tenant(
                services,
                tenant,
                known,
                names,
                late_minutes=touched.late_minutes,
                through=touched.through,
            )


def evaluate_tenant(
    services: Services,
    tenant: Tenant,
    weddings: Sequence[Wedding],
    names: Iterable[str],
    *,
    late_minutes: frozenset[int] = frozenset(),
    through: int = 0,
    reader: WindowReader | None = None,
) -> None:
    """Judge these weddings, and these services beside them, by every window that was touched.

    What a device whose clock is fast has sent counts as the present: the present window reaches
    ahead to the minute ``through``, since nothing may come that would have it judged later.
    What came late, and yet in time for the minutes, is judged by every window that is over and
    holds its minute; such a window can open an alert, and says nothing about recovery.

    ``reader``: one that has read some of the windows just now.
    """
    now = services.now()
    reader = reader or window_reader(services, tenant, now)
    day = TenantDay(tenant, services.weddings, now)
    known_open = _Open(services, tenant)
    current = minute_of(now)
    ahead = min(max(current, through), current + AHEAD_MS // MINUTE_MS)
    earliest = current - ON_TIME_MS // MINUTE_MS
    past: list[Judged] = []
    missed = late_minutes.intersection(range(earliest, current - WINDOW_MINUTES + 1))
    ends_in = {minute + after for minute in missed for after in range(WINDOW_MINUTES)}
    for minute in sorted(each for each in ends_in if each < current):
        ends = minute_start(minute + 1) - timedelta(seconds=1)
        then = TenantDay(tenant, services.weddings, ends)
        past += _breaches(
            _Window(reader, then, known_open, at=ends, last=minute).judged(weddings, names)
        )
    judged = _Window(reader, day, known_open, at=now, last=ahead).judged(weddings, names)
    known = {_identity(each) for each in _breaches(judged)}
    past = [each for each in past if _identity(each) not in known]
    apply_findings(services, tenant, judged, day, past=past)


def window_reader(services: Services, tenant: Tenant, now: datetime) -> WindowReader:
    """What reads a tenant's minutes, each once."""
    return WindowReader(
        services.hot_windows,
        services.windows,
        tenant,
        packs=packs_of(services.settings),
        now=now,
    )


def _breaches(judged: Iterable[Judged]) -> list[Judged]:
    return [each for each in judged if each.finding.outcome is Outcome.BREACH]


def _identity(judged: Judged) -> tuple[str, Scope, tuple[tuple[str, str], ...]]:
    return judged.finding.rule_id, judged.finding.scope, judged.finding.group


@dataclass(frozen=True, slots=True)
class _Window:
    """The minutes that end with ``last``, as they looked at the instant ``at``."""

    reader: WindowReader
    day: TenantDay
    open: "_Open"
    at: datetime
    last: int

    def judged(self, weddings: Sequence[Wedding], names: Iterable[str]) -> list[Judged]:
        """What every rule finds in this window.

        Where it is quiet nothing can be in breach, and without an open alert only a breach
        changes anything: then there is nothing to find.
        """
        first = minute_of(self.at) - SEEN_MINUTES + 1
        first = min(first, self.last - SEEN_MINUTES + 1)
        judged: list[Judged] = []
        by_pack: dict[int, dict[str, Wedding]] = {}
        for wedding in weddings:
            pack = pack_of(wedding.wedding_id, self.reader.packs)
            by_pack.setdefault(pack, {})[wedding.wedding_id] = wedding
        for pack, every in sorted(by_pack.items()):
            minutes = self.reader.minutes(pack, first, self.last)
            known = every
            if all(map(is_quiet, minutes)):
                known = {each: every[each] for each in every if each in self.open.weddings}
            for observation in observe_weddings(known, minutes, self.at):
                wedding = known[observation.scope.wedding_id or ""]
                judged += _judge(observation, wedding, self.day, self.at)
        named = frozenset(names)
        if named:
            packs = [
                self.reader.minutes(pack, first, self.last) for pack in range(self.reader.packs)
            ]
            if all(is_quiet(read) for minutes in packs for read in minutes):
                named &= self.open.services
            for observation in observe_services(packs, self.at, named):
                judged += _judge(observation, None, self.day, self.at)
        return judged


@dataclass(slots=True)
class _Open:
    """What a tenant has an open alert about, looked up when first asked for.

    What opened a second ago may not be seen: it is looked at within ten more in any case.
    """

    services_of: Services
    tenant: Tenant
    _scopes: tuple[frozenset[str], frozenset[str]] | None = field(default=None, init=False)

    @property
    def weddings(self) -> frozenset[str]:
        """Weddings with an alert that is not over."""
        return self._known()[0]

    @property
    def services(self) -> frozenset[str]:
        """Services, components and hosts of no wedding with an alert that is not over."""
        return self._known()[1]

    def _known(self) -> tuple[frozenset[str], frozenset[str]]:
        if self._scopes is None:
            alerts = tuple(self.services_of.alerts.open_of(self.tenant))
            self._scopes = (
                frozenset(each.wedding_id for each in alerts if each.wedding_id is not None),
                frozenset(each.service for each in alerts if each.service is not None),
            )
        return self._scopes


def _judge(
    observation: WeddingObservation, wedding: Wedding | None, day: TenantDay, now: datetime
) -> list[Judged]:
    context = wedding_context(wedding, now) if wedding is not None else None
    findings = judge(
        observation,
        context=context,
        guest_count=wedding.guest_count if wedding is not None else None,
        any_wedding_today=day.any_wedding_today,
        now=now,
    )
    return [Judged(finding=finding, context=context, at=now) for finding in findings]
