"""Overload: what can wait is refused before it is taken, and told when to come again.

The consumer tells how long what it takes has waited; what comes over HTTP is measured by that, and
by what its tenant may send. Records that devices put on the stream themselves are acknowledged by
the stream, and are counted however late.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from wedsync.cloud import Arrived
from wedsync.errors import TooManyRequests
from wedsync.flows.emergency import emergency_of
from wedsync.flows.times import at_ms
from wedsync.metrics.point import Priority
from wedsync.metrics.shedding import (
    LONGEST_WAIT_SECONDS,
    SHED_FROM_LAG_SECONDS,
    TENANT_SHARE_PERCENT,
    Standing,
    wait_for_consumer,
)
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Phase
from wedsync.weddings.phase import phase

_TOLD_FROM = timedelta(seconds=min(SHED_FROM_LAG_SECONDS.values())) / 2
_TOLD_EVERY_SECONDS = 5.0
_KNOWN_SECONDS = 2.0
_OPEN_KNOWN_SECONDS = 60.0


def report_lag(services: Services, records: Sequence[Arrived]) -> None:
    """Tell how long these records have waited, where that is long, or was until now."""
    if not services.settings.sheds_load:
        return
    now = services.now()
    oldest: dict[str, int] = {}
    for record in records:
        shard = f"{record.stream}:{record.shard}"
        oldest[shard] = min(oldest.get(shard, record.arrived_at_ms), record.arrived_at_ms)
    for shard, arrived_at_ms in sorted(oldest.items()):
        lag = now - at_ms(arrived_at_ms)
        behind = lag >= _TOLD_FROM
        if not behind and not services.memory.noted(("behind", shard), bool):
            continue

        def tell(shard: str = shard, lag: timedelta = lag) -> None:
            services.pressure.report(shard, lag, now=now)

        services.memory.recall(
            ("lag told", shard, behind), tell, now=now, for_seconds=_TOLD_EVERY_SECONDS
        )
        services.memory.note(("behind", shard), behind)


def admit(
    services: Services,
    tenant: Tenant,
    *,
    points: int,
    priority: Priority,
    wedding_ids: Iterable[str],
) -> None:
    """Take so many points of this tenant. Raises TooManyRequests, before anything has an effect.

    Whether one of their weddings is open is looked up only where it decides.
    """
    wait = _wait(services, tenant, points, Standing(priority.rank))
    if wait is not None and _any_open(services, tenant, frozenset(wedding_ids)):
        wait = _wait(services, tenant, points, Standing.OF_OPEN_WEDDING)
    if wait is not None:
        detail, seconds = wait
        raise TooManyRequests(detail, retry_after_seconds=seconds)


def _wait(
    services: Services, tenant: Tenant, points: int, standing: Standing
) -> tuple[str, int] | None:
    """Why to wait, and how many seconds; what is admitted is counted."""
    # Nothing else is asked for it: most points are of normal priority.
    if standing is Standing.LOW and emergency_of(services, tenant) is not None:
        return "low priority waits while the tenant is in emergency mode", LONGEST_WAIT_SECONDS
    if services.settings.sheds_load:
        lag = services.memory.recall(
            "consumer's lag",
            lambda: services.pressure.lag(now=services.now()),
            now=services.now(),
            for_seconds=_KNOWN_SECONDS,
        ).value
        seconds = wait_for_consumer(standing, lag.total_seconds())
        if seconds is not None:
            return "more points wait to be counted than can be at once", seconds
    rate = services.settings.tenant_points
    if rate is None:
        return None
    seconds = services.limits.take_points(
        tenant,
        rate,
        points=points,
        share_percent=TENANT_SHARE_PERCENT[standing],
        now=services.cloud.wall_clock.now(),
    )
    return None if seconds is None else ("the tenant sends more points than it may", seconds)


def _any_open(services: Services, tenant: Tenant, wedding_ids: frozenset[str]) -> bool:
    """Whether the window of one of these weddings is open."""
    now = services.now()
    return services.memory.recall(
        (tenant, "open of", wedding_ids),
        lambda: any(
            phase(each, now) is Phase.LIVE
            for each in services.weddings.find_many(tenant, wedding_ids).values()
        ),
        now=now,
        for_seconds=_OPEN_KNOWN_SECONDS,
    ).value
