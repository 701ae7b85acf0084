"""Which points can have a rule raise an alert, told by the point alone.

A window in which no point speaks against its wedding or service breaches no rule, however many
points it holds. What no rule looks at changes no finding. Both are tested against the rules.
"""

import math
from collections.abc import Mapping

from wedsync.alerting.infrastructure import HOST_PERCENT
from wedsync.alerting.performance import RESPONSE_MS
from wedsync.alerting.photos import PHOTO_FAILURE_PERCENT
from wedsync.alerting.thresholds import Levels
from wedsync.flows.observe import FAILURE_RATE_GAUGE, HOSTS, RESPONSE_GAUGE
from wedsync.metrics.block import PHOTO_UPLOAD
from wedsync.metrics.histogram import RELATIVE_ERROR
from wedsync.metrics.series import (
    API_REQUEST,
    GUEST_LIST,
    HEALTH_CHECK,
    TIMELINE_SYNC,
    is_server_error,
)

_TRIED = {PHOTO_UPLOAD, GUEST_LIST, TIMELINE_SYNC}
ALWAYS, NEVER = -math.inf, math.inf
_GAUGES = {
    RESPONSE_GAUGE: RESPONSE_MS,
    FAILURE_RATE_GAUGE: PHOTO_FAILURE_PERCENT,
    **dict.fromkeys(HOSTS, HOST_PERCENT),
}


def trouble_above(metric: str, dims: Mapping[str, str]) -> float | None:
    """Beyond which value a point speaks against what it tells of; None: no rule looks at it.

    Points that speak for it may still be what a rule was waiting for: a rate means something once
    enough was tried. So they count for nothing only while nothing else speaks against it.
    """
    if metric == API_REQUEST:
        return ALWAYS if is_server_error(dims.get("status")) else _mildest(RESPONSE_MS)
    if metric in _TRIED:
        return ALWAYS if dims.get("outcome") == "failed" else NEVER
    if metric == HEALTH_CHECK:
        return NEVER if dims.get("outcome") == "ok" else ALWAYS
    return _mildest(_GAUGES[metric]) if metric in _GAUGES else None


def _mildest(levels: Levels) -> float:
    """The threshold at which alerts begin, less what a histogram may add to a value."""
    return levels.steps[0][1] * (1 - RELATIVE_ERROR)
