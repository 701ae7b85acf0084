"""What a step of a runbook is measured by: two minutes of a wedding, or of its tenant."""

from wedsync.flows.readers import window_reader
from wedsync.flows.recent import RecentWedding
from wedsync.flows.times import minute_of
from wedsync.incidents.model import Incident
from wedsync.metrics.block import Block
from wedsync.metrics.selection import Selection
from wedsync.metrics.series import API_REQUEST, HEALTH_CHECK
from wedsync.metrics.shares import (
    available_percent,
    error_percent,
    error_percent_of_totals,
    share,
)
from wedsync.runbooks.model import Metric
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

MINUTES = 2
"""The present minute and the one before it."""
PHOTOS = "photo.upload"


def measure(services: Services, tenant: Tenant, incident: Incident, metric: Metric) -> float | None:
    """The metric now; None where nothing was heard."""
    if metric is Metric.OPEN_ALERTS:
        return float(sum(each.resolved_at is None for each in incident.alerts))
    wedding = None
    if incident.wedding_id is not None:
        wedding = services.weddings.find(tenant, incident.wedding_id)
    if wedding is None:
        return _of_tenant(services, tenant, metric)
    now = services.now()
    recent = RecentWedding(services, window_reader(services, tenant, now), wedding, now)
    block = recent.last_minutes(MINUTES)
    requests = block.select(API_REQUEST)
    match metric:
        case Metric.ERROR_PERCENT:
            return error_percent(requests)
        case Metric.P95_MS:
            return requests.summary().quantile(0.95) if requests else None
        case Metric.AVAILABILITY_PERCENT:
            return available_percent(block.select(HEALTH_CHECK))
        case Metric.PHOTO_FAILURE_PERCENT:
            return _failed_percent(block.select(PHOTOS))


def _of_tenant(services: Services, tenant: Tenant, metric: Metric) -> float | None:
    last = minute_of(services.now())
    block = Block.merge(
        item.on_time
        for minute in range(last - MINUTES + 1, last + 1)
        for item in services.windows.totals(tenant, minute)
    )
    requests = block.totals(API_REQUEST)
    match metric:
        case Metric.ERROR_PERCENT:
            return error_percent_of_totals(requests)
        case Metric.P95_MS:
            return requests.summary().quantile(0.95) if requests else None
        case Metric.AVAILABILITY_PERCENT:
            return available_percent(block.totals(HEALTH_CHECK))
        case _:
            return _failed_percent(block.totals(PHOTOS))


def _failed_percent(uploads: Selection) -> float | None:
    by_outcome = {outcome: each.count for (outcome,), each in uploads.by("outcome").items()}
    failed = by_outcome.get("failed", 0)
    return share(failed, failed + by_outcome.get("completed", 0))
