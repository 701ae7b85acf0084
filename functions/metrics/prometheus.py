"""The tenant's current figures, for Prometheus to scrape."""

from wedsync.flows.exposition import prometheus_text
from wedsync.flows.grants import LOOKING
from wedsync.metrics.exposition import CONTENT_TYPE
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer, Freshness
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/prometheus",
    summary="Read current figures in the text format of Prometheus",
    uses=(Resource.ALERTS.read(), *LOOKING),
    layers=("numeric",),
)
def handler(caller: FromCaller, services: Injected) -> Answer[str]:
    """Answer gauges as they are now, and counts since midnight UTC."""
    found = prometheus_text(services, caller.tenant)
    freshness = Freshness(as_of=found.as_of, hit=found.hit)
    return Answer(found.value, {"content-type": CONTENT_TYPE}, freshness=freshness)
