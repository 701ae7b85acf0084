"""Metric records, counted: each point once, whatever is delivered again."""

from collections.abc import Sequence

from wedsync.cloud import Arrived
from wedsync.flows.grants import EVALUATING
from wedsync.flows.ingest import ingest
from wedsync.resources import Resource
from wedsync.runtime.log import log_figures
from wedsync.runtime.stream_consumers import stream_consumer
from wedsync.stores.services import Services


@stream_consumer(
    Resource.METRICS_STREAM,
    summary="Fold metric records into windows and judge what they touched",
    uses=(
        Resource.KEYS.read(),
        Resource.SIGNING.read(),
        Resource.REJECTIONS.read_write(),
        Resource.QUARANTINE.write(),
        Resource.HOT_WINDOWS.write(),
        Resource.RUNNING_TOTALS.read_write(),
        Resource.WINDOWS.write(),
        Resource.TENANT_SETTINGS.write(),
        Resource.VIEWS.read(),
        Resource.LIMITS.write(),
        *EVALUATING,
    ),
    layers=("numeric",),
)
def handler(records: Sequence[Arrived], services: Services) -> None:
    """Count the batch, then judge; what is poison is parked and costs only itself."""
    begun = services.now()
    done = ingest(records, services)
    ended = services.now()
    found = done.evaluated
    log_figures(
        "batch processed",
        at=ended,
        figures={
            "dataPoints": done.accepted,
            "processingTime": round((ended - begun).total_seconds() * 1000, 1),
            "qualityScore": done.quality_score,
            "anomaliesDetected": found.anomalies,
            "duplicates": done.duplicates,
            "rejected": done.rejected,
        },
        units={"processingTime": "Milliseconds", "qualityScore": "None"},
        told={
            "processedAt": ended.isoformat(),
            "alerts": sorted(found.rules),
            "trends": sorted(found.trends),
        },
    )
