"""Judge what has changed, from reads made after the writes: nothing critical is missed.

Whatever a batch touched is judged even when every frame of it had been merged before, so that a
crash between counting and judging is made good by the batch's next delivery. Of two writers that
do not see each other yet, the one that reads last sees both.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from wedsync.alerting.observation import WeddingObservation
from wedsync.alerting.rules import judge
from wedsync.flows.alerts import Judged, apply_findings
from wedsync.flows.observe import SEEN_MINUTES, observe_services, observe_weddings
from wedsync.flows.reading import WindowReader, packs_of
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import MINUTE_MS, minute_of
from wedsync.metrics.lateness import AHEAD_MS
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
            evaluate_tenant(services, tenant, known, names, through=touched.through)


def evaluate_tenant(
    services: Services,
    tenant: Tenant,
    weddings: Sequence[Wedding],
    names: Iterable[str],
    *,
    through: int = 0,
) -> None:
    """Judge these weddings, and these services beside them, at the present time.

    What a device whose clock is fast has sent counts as the present: up to the minute ``through``
    the window reaches ahead, since nothing may come that would have it judged later.
    """
    now = services.now()
    reader = WindowReader(
        services.hot_windows,
        services.windows,
        tenant,
        packs=packs_of(services.settings),
        now=now,
    )
    day = TenantDay(tenant, services.weddings, now)
    current = minute_of(now)
    first = current - SEEN_MINUTES + 1
    last = min(max(current, through), current + AHEAD_MS // MINUTE_MS)
    judged: list[Judged] = []
    by_pack: dict[int, dict[str, Wedding]] = {}
    for wedding in weddings:
        pack = pack_of(wedding.wedding_id, reader.packs)
        by_pack.setdefault(pack, {})[wedding.wedding_id] = wedding
    for pack, known in sorted(by_pack.items()):
        for observation in observe_weddings(known, reader.minutes(pack, first, last), now):
            judged += _judge(observation, known[observation.scope.wedding_id or ""], day, now)
    named = frozenset(names)
    if named:
        packs = [reader.minutes(pack, first, last) for pack in range(reader.packs)]
        for observation in observe_services(packs, now, named):
            judged += _judge(observation, None, day, now)
    apply_findings(services, tenant, judged, day)


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
    return [Judged(finding=finding, context=context) for finding in findings]
