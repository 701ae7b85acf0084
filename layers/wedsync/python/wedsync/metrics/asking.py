"""The words in which series are asked for: widths of buckets, and what is told of each."""

from datetime import timedelta
from enum import StrEnum

DAYS_ASKED = timedelta(days=5 * 366)
"""The longest range that is answered in days: as long as days are kept."""


class Window(StrEnum):
    """The width of a bucket. A day is the calendar's, in some zone."""

    SECOND = "1s"
    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    HOUR = "1h"
    DAY = "1d"

    @property
    def seconds(self) -> int:
        """How long one bucket is; a day may be an hour shorter or longer."""
        return {"1s": 1, "1m": 60, "5m": 300, "1h": 3600, "1d": 86400}[self.value]

    @property
    def holds_late(self) -> bool:
        """Whether it tells of points that came more than 15 minutes late."""
        return self in (Window.HOUR, Window.DAY)

    @property
    def longest(self) -> timedelta:
        """The longest range that is answered in these buckets."""
        return {
            "1s": timedelta(minutes=15),
            "1m": timedelta(hours=6),
            "5m": timedelta(hours=24),
            "1h": timedelta(days=31),
            "1d": DAYS_ASKED,
        }[self.value]

    @property
    def usual(self) -> str:
        """The range that is answered where none is asked for."""
        return {"1s": "5m", "1m": "1h", "5m": "6h", "1h": "24h", "1d": "30d"}[self.value]


class Stat(StrEnum):
    """What is told of a bucket's observations. ``rate`` is observations per second."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    RATE = "rate"
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
