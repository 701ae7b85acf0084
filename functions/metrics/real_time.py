"""The tenant's live snapshot."""

import json

from wedsync.api.live import RealTimeReply, freshness_headers
from wedsync.flows.grants import LOOKING
from wedsync.flows.live import snapshot
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/real-time",
    summary="Read the live snapshot",
    uses=(Resource.ALERTS.read(), *LOOKING),
    layers=("numeric",),
)
def handler(caller: FromCaller, services: Injected) -> Answer[RealTimeReply]:
    """Answer figures that are at most a second old; null where nothing is known."""
    found = snapshot(services, caller.tenant)
    headers = freshness_headers(found, found.value.quality)
    worst = found.value.worst_wedding
    if worst is not None:
        headers["x-worst-wedding"] = json.dumps(
            {"weddingId": worst.wedding_id, "score": worst.score}
        )
    return Answer(RealTimeReply.of(found.value), headers)
