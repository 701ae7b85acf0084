"""The machine's own time and randomness: the one file of the library that reads them."""

import os
import time
from datetime import UTC, datetime, timedelta

from wedsync.cloud import Clock
from wedsync.cloud.ids import RANDOM_BYTES, sortable_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RealClock:
    """The system's clock."""

    def now(self) -> datetime:
        """The present instant, to the microsecond."""
        return _EPOCH + timedelta(microseconds=time.time_ns() // 1000)


class RandomIds:
    """Ids and secrets from the system's source of randomness."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new_id(self, prefix: str) -> str:
        """A fresh id that sorts by the clock's millisecond."""
        made_at_ms = (self._clock.now() - _EPOCH) // timedelta(milliseconds=1)
        return sortable_id(prefix, made_at_ms=made_at_ms, randomness=os.urandom(RANDOM_BYTES))

    def secret(self, size_bytes: int) -> bytes:
        """Random bytes fit for keys."""
        return os.urandom(size_bytes)
