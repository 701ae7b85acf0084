"""How far the consumer of the metrics stream is behind, as it tells itself while it is.

Key: ``pressure / stream:shard``, which is nobody's: it tells of no tenant. Nothing is written
while there is nothing to tell.
"""

from datetime import datetime, timedelta

from wedsync.cloud import Item, Key, Table
from wedsync.cloud.paging import every
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import Unavailable

HOLDS = timedelta(minutes=1)
"""How long a report holds. A batch takes a minute at most, and each begins with a report."""
_PARTITION = "pressure"
_LAG, _AT = "lag_ms", "at_ms"


class PressureStore:
    """Reports by shard. Whoever cannot store or read them goes on without."""

    def __init__(self, table: Table) -> None:
        """On the limits table."""
        self._table = table

    def report(self, shard: str, lag: timedelta, *, now: datetime) -> None:
        """What was taken from this shard just now had waited so long."""
        attributes = {
            _LAG: round(lag.total_seconds() * 1000),
            _AT: round(now.timestamp() * 1000),
            EXPIRES_AT: int((now + HOLDS).timestamp()),
        }
        try:
            self._table.put(Item(Key(_PARTITION, shard), attributes))
        except Unavailable:
            return

    def lag(self, *, now: datetime) -> timedelta:
        """The longest that anything waited of late; none where nobody can tell."""
        oldest_ms = round((now - HOLDS).timestamp() * 1000)
        longest_ms = 0
        try:
            for item in every(self._table, _PARTITION, consistent=False):
                if item.number(_AT) > oldest_ms:
                    longest_ms = max(longest_ms, item.number(_LAG))
        except Unavailable:
            return timedelta()
        return timedelta(milliseconds=longest_ms)
