"""Minutes in which nothing can be in breach of any platform rule: most minutes, cheaply told."""

import functools

from wedsync.alerting.infrastructure import HOST_PERCENT
from wedsync.alerting.performance import RESPONSE_MS
from wedsync.alerting.photos import PHOTO_FAILURE_PERCENT
from wedsync.alerting.thresholds import Levels
from wedsync.flows.observe import FAILURE_RATE_GAUGE, HOSTS, RESPONSE_GAUGE
from wedsync.flows.reading import SMALL_BYTES, MinuteRead, block_of
from wedsync.metrics.block import PHOTO_UPLOAD, Block
from wedsync.metrics.selection import Selection
from wedsync.metrics.series import API_REQUEST, HEALTH_CHECK, is_server_error

_GAUGES: dict[str, Levels] = {
    RESPONSE_GAUGE: RESPONSE_MS,
    FAILURE_RATE_GAUGE: PHOTO_FAILURE_PERCENT,
    **dict.fromkeys(HOSTS, HOST_PERCENT),
}


def is_quiet(read: MinuteRead) -> bool:
    """Whether no rule can find a breach in a window of such minutes, of whatever scope.

    No request failed, no upload, no health check; nothing that was measured lies beyond its
    mildest threshold. Shares and quantiles of such minutes then do not either.
    """
    if len(read.encoded) <= SMALL_BYTES:
        return _is_quiet_small(read.encoded)
    return is_quiet_block(read.on_time)


@functools.lru_cache(maxsize=1024)
def _is_quiet_small(encoded: bytes) -> bool:
    return is_quiet_block(block_of(encoded))


def is_quiet_block(block: Block) -> bool:
    """The same of one block."""
    requests = block.select(API_REQUEST)
    return not (
        _beyond(requests, RESPONSE_MS)
        or any(map(is_server_error, requests.values("status")))
        or "failed" in block.select(PHOTO_UPLOAD).values("outcome")
        or block.select(HEALTH_CHECK).values("outcome") - {"ok"}
        or any(_beyond(block.select(metric), levels) for metric, levels in _GAUGES.items())
    )


def _beyond(measured: Selection, levels: Levels) -> bool:
    greatest = measured.greatest()
    return greatest is not None and levels.exceeded(greatest) is not None
