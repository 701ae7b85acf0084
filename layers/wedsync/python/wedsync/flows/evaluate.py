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
from wedsync.flows.observe import SEEN_MINUTES, observe_services, observe_wedding
from wedsync.flows.reading import WindowReader, packs_of
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import minute_of
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
    def services(self) -> frozenset[Tenant]:
        """Tenants with points that belong to no wedding."""


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
        if known or tenant in touched.services:
            evaluate_tenant(services, tenant, known, beside=tenant in touched.services)


def evaluate_tenant(
    services: Services,
    tenant: Tenant,
    weddings: Sequence[Wedding],
    *,
    beside: bool,
    also_services: Iterable[str] = (),
) -> None:
    """Judge these weddings, and what belongs to none if ``beside``, at the present time."""
    now = services.now()
    reader = WindowReader(
        services.hot_windows,
        services.windows,
        tenant,
        packs=packs_of(services.settings),
        now=now,
    )
    day = TenantDay(tenant, services.weddings, now)
    last = minute_of(now)
    first = last - SEEN_MINUTES + 1
    judged: list[Judged] = []
    for wedding in weddings:
        minutes = reader.minutes_of_wedding(wedding.wedding_id, first, last)
        observation = observe_wedding(wedding.wedding_id, minutes, now)
        judged += _judge(observation, wedding, day, now)
    if beside:
        packs = [reader.minutes(pack, first, last) for pack in range(reader.packs)]
        for observation in observe_services(packs, now, also=also_services):
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
