"""Who has to wait first where not everything can be taken.

What is refused was never acknowledged: its sender keeps it, and sends it again.
"""

from enum import IntEnum

from wedsync.metrics.point import Priority


class Standing(IntEnum):
    """What a request may expect; it stands as its most urgent point does."""

    LOW = Priority.LOW.rank
    NORMAL = Priority.NORMAL.rank
    HIGH = Priority.HIGH.rank
    CRITICAL = Priority.CRITICAL.rank
    OF_OPEN_WEDDING = Priority.CRITICAL.rank + 1
    """It tells of a wedding whose window is open, with whatever priority."""


SHED_FROM_LAG_SECONDS = {
    Standing.LOW: 60,
    Standing.NORMAL: 120,
    Standing.HIGH: 300,
    Standing.CRITICAL: 900,
    Standing.OF_OPEN_WEDDING: 3600,
}
"""How far the consumer may be behind until a request has to wait.

From a minute on the bundle does not keep its own promise; after six hours, which is how long a
record is tried, it would lose what it took: so everything stops long before.
"""
TENANT_SHARE_PERCENT = {
    Standing.LOW: 50,
    Standing.NORMAL: 70,
    Standing.HIGH: 85,
    Standing.CRITICAL: 95,
    Standing.OF_OPEN_WEDDING: 100,
}
"""How much of what its tenant may send at once a request may find taken, and still be admitted."""
SHORTEST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 60


def wait_for_consumer(standing: Standing, lag_seconds: float) -> int | None:
    """After how many seconds to ask again, because so much waits to be counted; None: take it."""
    beyond = lag_seconds - SHED_FROM_LAG_SECONDS[standing]
    if beyond < 0:
        return None
    return min(max(SHORTEST_WAIT_SECONDS, round(beyond)), LONGEST_WAIT_SECONDS)
