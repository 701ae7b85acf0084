"""What was deployed in a stretch of time: by the minute while those are kept, else by the hour."""

from datetime import datetime, timedelta

from wedsync.flows.series import MINUTES_KEPT, blocks_between
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of, minute_start
from wedsync.incidents.postmortem import Deployment
from wedsync.metrics.series import DEPLOYED
from wedsync.stores.rollups import WHOLE
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

LONGEST = timedelta(hours=25)
"""Only the first of a longer stretch is looked at: what came later than that caused nothing."""
_BY_MINUTE = timedelta(hours=6)


def deployments(
    services: Services, tenant: Tenant, since: datetime, until: datetime
) -> tuple[Deployment, ...]:
    """Those that were told of in time, the oldest first."""
    until = min(until, since + LONGEST)
    kept = services.now() - MINUTES_KEPT + timedelta(hours=1)
    by_minute = since >= kept and until - since <= _BY_MINUTE
    first, end = minute_of(since), minute_of(until) + 1
    if not by_minute:
        first = first // MINUTES_PER_HOUR * MINUTES_PER_HOUR
        end = -(-end // MINUTES_PER_HOUR) * MINUTES_PER_HOUR
    blocks = blocks_between(services, tenant, WHOLE, first, end, late=not by_minute)
    return tuple(
        Deployment(
            at=minute_start(minute),
            exact=by_minute,
            service=service or "unnamed",
            version=version,
        )
        for minute, block in blocks
        for (service, version), _ in sorted(
            block.totals(DEPLOYED).by("service", "version").items(),
            key=lambda each: [part or "" for part in each[0]],
        )
    )
