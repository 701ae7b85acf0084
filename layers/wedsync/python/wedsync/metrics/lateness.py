"""Which windows a point still changes, by how long after its own time it arrived."""

from enum import StrEnum

ON_TIME_MS = 15 * 60 * 1000
ACCEPTED_MS = 24 * 60 * 60 * 1000
AHEAD_MS = 5 * 60 * 1000


class Lateness(StrEnum):
    """What becomes of a point that took this long to arrive."""

    ON_TIME = "on_time"
    """Changes every window."""
    LATE = "late"
    """Changes the hour and the day alone."""
    TOO_LATE = "too_late"
    """Refused: nothing that it would change is still open."""
    FUTURE = "future"
    """Refused: a clock is wrong."""


def classify(ts_ms: int, arrival_ms: int) -> Lateness:
    """Judge by arrival, never by the consumer's clock; each bound belongs to the kinder side."""
    late_by_ms = arrival_ms - ts_ms
    if late_by_ms < -AHEAD_MS:
        return Lateness.FUTURE
    if late_by_ms <= ON_TIME_MS:
        return Lateness.ON_TIME
    if late_by_ms <= ACCEPTED_MS:
        return Lateness.LATE
    return Lateness.TOO_LATE
