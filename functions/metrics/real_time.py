"""The tenant's live snapshot."""

import json

from wedsync.api.live import LIVE, RealTimeReply
from wedsync.flows.grants import LOOKING
from wedsync.flows.live import snapshot
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer, Freshness
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.runtime.reads import weak_etag


@endpoint(
    "GET /api/metrics/real-time",
    summary="Read the live snapshot",
    uses=(Resource.ALERTS.read(), *LOOKING),
    layers=("numeric",),
    exact=True,
)
def handler(caller: FromCaller, services: Injected) -> Answer[RealTimeReply]:
    """Answer figures that are at most a second old; null where nothing is known."""
    found = snapshot(services, caller.tenant)
    body = RealTimeReply.of(found.value)
    # The same figures a second later are the same answer, whose time X-As-Of tells.
    headers = {**LIVE, "etag": weak_etag(body.model_dump_json(exclude={"timestamp"}))}
    worst = found.value.worst_wedding
    if worst is not None:
        headers["x-worst-wedding"] = json.dumps(
            {"weddingId": worst.wedding_id, "score": worst.score}
        )
    freshness = Freshness(as_of=found.as_of, hit=found.hit, quality=found.value.quality)
    return Answer(body, headers, freshness=freshness)
