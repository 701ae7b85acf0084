"""How good a tenant's figures are: told beside every answer, and found without numpy."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from wedsync.flows.times import MINUTE_MS, epoch_ms, minute_of
from wedsync.metrics.quality import DataQuality, data_quality
from wedsync.stores.counts import Counts
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

QUALITY_MINUTES = 15
MOST_REJECTIONS = 1000
REMEMBERED_SECONDS = 5.0
"""How old the quality may be that stands beside what is no figure itself."""


def quality_minutes(now: datetime) -> range:
    """The minutes that quality is told of."""
    current = minute_of(now)
    return range(current - QUALITY_MINUTES + 1, current + 1)


def tenant_quality(services: Services, tenant: Tenant) -> DataQuality:
    """How good the tenant's figures are, as of some seconds ago."""
    now = services.now()
    return services.memory.recall(
        (tenant, "quality"),
        lambda: quality_of(
            services,
            tenant,
            {minute: services.counts.of(tenant, minute) for minute in quality_minutes(now)},
            now,
        ),
        now=now,
        for_seconds=REMEMBERED_SECONDS,
    ).value


def quality_of(
    services: Services, tenant: Tenant, minutes: Mapping[int, Sequence[Counts]], now: datetime
) -> DataQuality:
    """How good figures are that come of points in these numbers."""
    every = [each for counts in minutes.values() for each in counts]
    filled = sorted(
        minute for minute, counts in minutes.items() if any(each.sent_on_time for each in counts)
    )
    # What came late stands in the minute of its arrival.
    late = sum(each.sent_late for each in every)
    newest_ms = max((each.newest_ms for each in every), default=0)
    return data_quality(
        accepted=sum(each.sent_on_time for each in every) + late,
        late=late,
        duplicates=sum(each.duplicates for each in every),
        rejected=services.rejections.count_since(
            tenant, now - timedelta(minutes=QUALITY_MINUTES), most=MOST_REJECTIONS
        ),
        freshness_seconds=max(0, epoch_ms(now) - newest_ms) / 1000 if newest_ms else None,
        completeness=len(filled) / (minute_of(now) - filled[0] + 1) if filled else None,
        cadence_seconds=MINUTE_MS / 1000,
    )
