"""Why a point that could be read does not count, in words for whoever sent it."""

from wedsync.metrics.catalog import BY_NAME
from wedsync.metrics.intake import (
    AHEAD_OF_FRAME,
    FUTURE,
    NO_TENANT,
    OTHER_TENANT,
    OTHER_VENDOR,
    OTHER_WEDDING,
    TOO_LATE,
    TOO_OLD,
    UNKNOWN_OUTCOME,
    Reason,
)
from wedsync.metrics.point import Point
from wedsync.metrics.times import unit_hint
from wedsync.spelling import one_of

_MEMBERS = {
    AHEAD_OF_FRAME: "ts",
    FUTURE: "ts",
    TOO_LATE: "ts",
    TOO_OLD: "ts",
    NO_TENANT: "tenantId",
    OTHER_TENANT: "tenantId",
    OTHER_VENDOR: "vendorId",
    OTHER_WEDDING: "weddingId",
    UNKNOWN_OUTCOME: "dims/outcome",
}


def member_of(reason: Reason) -> str:
    """The member of the point that is at fault."""
    return _MEMBERS[reason]


def detail_of(reason: Reason, point: Point) -> str:
    """The reason, with what is probably wrong with this point."""
    if reason == UNKNOWN_OUTCOME:
        outcome = dict(point.dims).get("outcome")
        return f"the outcome of {point.name} {one_of(outcome, BY_NAME[point.name].outcomes)}"
    hint = unit_hint(point.ts_ms) if _MEMBERS[reason] == "ts" else ""
    return f"{reason[1]}{hint}"
