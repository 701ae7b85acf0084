"""Judge what has changed, from reads made after the writes: nothing critical is missed.

What has to be judged after a batch, and why nothing is missed, is told in ``flows.heard``.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from wedsync.alerting.finding import Outcome
from wedsync.alerting.observation import Scope, WeddingObservation
from wedsync.alerting.rules import judge
from wedsync.alerting.streams.findings import together
from wedsync.flows.alerts import Judged, apply_findings
from wedsync.flows.observe import (
    SEEN_MINUTES,
    WINDOW_MINUTES,
    observe_services,
    observe_weddings,
)
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import WindowReader
from wedsync.flows.streams import confirmed, judge_streams
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTE_MS, minute_of, minute_start
from wedsync.metrics.lateness import AHEAD_MS, ON_TIME_MS
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import Wedding
from wedsync.weddings.season import SeasonMonths


class Touched(Protocol):
    """What must be judged."""

    @property
    def scopes(self) -> Mapping[Tenant, frozenset[Scope]]:
        """Weddings, and services, components and hosts beside them."""

    @property
    def late(self) -> Mapping[tuple[Tenant, Scope], frozenset[int]]:
        """Minutes that may lie before the present window, and were not judged in their time."""

    @property
    def through(self) -> int:
        """The newest minute that a point lies in; it may be ahead of the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What was found to be wrong: how often, by which rules, and by which that know the past."""

    anomalies: int = 0
    rules: frozenset[str] = frozenset()
    trends: frozenset[str] = frozenset()

    def __add__(self, other: "Evaluated") -> "Evaluated":
        return Evaluated(
            anomalies=self.anomalies + other.anomalies,
            rules=self.rules | other.rules,
            trends=self.trends | other.trends,
        )


def evaluate(services: Services, touched: Touched) -> Evaluated:
    """Judge everything that was touched; weddings that are not registered feed no rule."""
    evaluated = Evaluated()
    for tenant, scopes in sorted(touched.scopes.items()):
        ids = {scope.wedding_id for scope in scopes if scope.wedding_id is not None}
        found = services.weddings.find_many(tenant, ids)
        known = [found[each] for each in sorted(found)]
        names = {scope.service for scope in scopes if scope.service is not None}
        if known or names:
            evaluated += evaluate_tenant(
                services,
                tenant,
                known,
                names,
                late={scope: at for (of, scope), at in touched.late.items() if of == tenant},
                through=touched.through,
            )
    return evaluated


def evaluate_tenant(
    services: Services,
    tenant: Tenant,
    weddings: Sequence[Wedding],
    names: AbstractSet[str],
    *,
    late: Mapping[Scope, frozenset[int]] | None = None,
    through: int = 0,
    reader: WindowReader | None = None,
) -> Evaluated:
    """Judge these weddings, and these services beside them, by every window that was touched.

    What a device whose clock is fast has sent counts as the present: the present window reaches
    ahead to the minute ``through``, since nothing may come that would have it judged later.
    A ``late`` minute is judged by every window that is over and holds it; such a window can open
    an alert, and says nothing about recovery.

    ``reader``: one that has read some of the windows just now.
    """
    now = services.now()
    settings = settings_of(services, tenant)
    reader = reader or window_reader(services, tenant, now)
    day = TenantDay(tenant, services.weddings, now)
    current = minute_of(now)
    ahead = min(max(current, through), current + AHEAD_MS // MINUTE_MS)
    past: list[Judged] = []
    for minute, scopes in sorted(_windows_over(late or {}, current).items()):
        ends = minute_start(minute + 1) - timedelta(seconds=1)
        then = TenantDay(tenant, services.weddings, ends)
        window = _Window(reader, then, settings.season, at=ends, last=minute)
        past += _breaches(
            window.judged(
                [each for each in weddings if Scope(wedding_id=each.wedding_id) in scopes],
                {name for name in names if Scope(service=name) in scopes},
            )
        )
    judged = _Window(reader, day, settings.season, at=now, last=ahead).judged(weddings, names)
    trends: frozenset[str] = frozenset()
    if names:
        fresh = [
            each
            for minutes in reader.minutes_of_all(current - WINDOW_MINUTES, ahead)
            for each in minutes
        ]
        found = judge_streams(services, tenant, names, fresh)
        judged += [Judged(finding=finding, context=None, at=now) for finding in found]
        trends = frozenset(each.rule_id for each in found if each.outcome is Outcome.BREACH)
        shared = together([each.finding for each in judged])
        judged = [
            replace(each, finding=finding) for each, finding in zip(judged, shared, strict=True)
        ]
    known = {_identity(each): each for each in _breaches(judged)}
    past = [each for each in past if _worse(each, known.get(_identity(each)))]
    apply_findings(services, tenant, judged, day, past=past)
    wrong = [*_breaches(judged), *past]
    return Evaluated(
        anomalies=len(wrong),
        rules=frozenset(each.finding.rule_id for each in wrong),
        trends=trends,
    )


def _windows_over(late: Mapping[Scope, frozenset[int]], current: int) -> dict[int, set[Scope]]:
    """The last minutes of the windows that are over and hold a late minute, with its scopes."""
    earliest = current - ON_TIME_MS // MINUTE_MS
    found: dict[int, set[Scope]] = {}
    for scope, minutes in late.items():
        for minute in minutes.intersection(range(earliest, current - WINDOW_MINUTES + 1)):
            for last in range(minute, min(minute + WINDOW_MINUTES, current)):
                found.setdefault(last, set()).add(scope)
    return found


def _worse(past: Judged, present: Judged | None) -> bool:
    """Whether a window that is over tells of more than the present one."""
    if present is None or present.finding.severity is None:
        return True
    severity = past.finding.severity
    return severity is not None and severity > present.finding.severity


def _breaches(judged: Iterable[Judged]) -> list[Judged]:
    return [each for each in judged if each.finding.outcome is Outcome.BREACH]


def _identity(judged: Judged) -> tuple[str, Scope, tuple[tuple[str, str], ...]]:
    return judged.finding.rule_id, judged.finding.scope, judged.finding.group


@dataclass(frozen=True, slots=True)
class _Window:
    """The minutes that end with ``last``, as they looked at the instant ``at``."""

    reader: WindowReader
    day: TenantDay
    season: SeasonMonths
    at: datetime
    last: int

    def judged(self, weddings: Sequence[Wedding], names: AbstractSet[str]) -> list[Judged]:
        """What every rule finds in this window."""
        first = minute_of(self.at) - SEEN_MINUTES + 1
        first = min(first, self.last - SEEN_MINUTES + 1)
        judged: list[Judged] = []
        by_packs: dict[tuple[int, ...], dict[str, Wedding]] = {}
        for wedding in weddings:
            packs = self.reader.packs.homes(wedding.wedding_id, first, self.last)
            by_packs.setdefault(packs, {})[wedding.wedding_id] = wedding
        for packs, known in sorted(by_packs.items()):
            minutes = self.reader.minutes_of_packs(packs, first, self.last)
            for observation in observe_weddings(known, minutes, self.at):
                judged += self._judge(observation, known[observation.scope.wedding_id or ""])
        if names:
            everywhere = self.reader.minutes_of_all(first, self.last)
            every = [each for minutes in everywhere for each in minutes]
            for observation in observe_services(everywhere, self.at, names):
                for each in self._judge(observation, None):
                    finding = confirmed(each.finding, every, self.last)
                    judged.append(replace(each, finding=finding))
        return judged

    def _judge(self, observation: WeddingObservation, wedding: Wedding | None) -> list[Judged]:
        context = None
        if wedding is not None:
            context = wedding_context(wedding, self.at, self.season)
        # What a wedding's own day does not decide is decided by the tenant's: looked up if so.
        asks = wedding is None or bool(observation.components)
        findings = judge(
            observation,
            context=context,
            guest_count=wedding.guest_count if wedding is not None else None,
            any_wedding_today=asks and self.day.any_wedding_today,
            now=self.at,
        )
        return [Judged(finding=finding, context=context, at=self.at) for finding in findings]
