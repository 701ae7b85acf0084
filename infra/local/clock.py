"""The clocks and the sources of ids that a local machine can run on."""

import random
import secrets
from datetime import datetime, timedelta
from threading import RLock

from wedsync.aws.clock import RandomIds, RealClock
from wedsync.cloud import Clock
from wedsync.cloud.ids import RANDOM_BYTES, sortable_id

__all__ = ["CountedIds", "ManualClock", "RandomIds", "RealClock", "SeededIds"]


class ManualClock:
    """A clock that moves only when it is told to, and never backwards by itself."""

    def __init__(self, start: datetime) -> None:
        self._lock = RLock()
        self._now = _aware(start)

    def now(self) -> datetime:
        """The instant that was set last."""
        return self._now

    def set(self, instant: datetime) -> None:
        """Jump to an instant; an earlier one is allowed, as real clocks are corrected too."""
        with self._lock:
            self._now = _aware(instant)

    def advance(self, seconds: float) -> datetime:
        """Move on, and answer the new instant."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            return self._now


class SeededIds:
    """Ids and secrets that repeat for the same seed: for simulations, never for a real key.

    The count of ids made stands where the time would, so they sort in the order of their making.
    """

    def __init__(self, seed: int) -> None:
        self._lock = RLock()
        self._random = random.Random(seed)  # noqa: S311 - repeatable is the point
        self._made = 0

    def new_id(self, prefix: str) -> str:
        """The next id of this seed."""
        with self._lock:
            self._made += 1
            randomness = self._random.randbytes(RANDOM_BYTES)
            return sortable_id(prefix, made_at_ms=self._made, randomness=randomness)

    def secret(self, size_bytes: int) -> bytes:
        """The next bytes of this seed."""
        with self._lock:
            return self._random.randbytes(size_bytes)


class CountedIds:
    """Ids that repeat for the same run of the same data, under a clock that is moved by hand.

    Secrets stay random: only what stands in answers and notifications must repeat.
    """

    def __init__(self, clock: Clock) -> None:
        self._lock = RLock()
        self._clock = clock
        self._random = random.Random(0)  # noqa: S311 - repeatable is the point

    def begin(self, run: int) -> None:
        """Number this run of the data, so that no id of an earlier one comes again."""
        with self._lock:
            self._random = random.Random(run)  # noqa: S311 - repeatable is the point

    def new_id(self, prefix: str) -> str:
        """The next id of this run."""
        with self._lock:
            randomness = self._random.randbytes(RANDOM_BYTES)
        made_at_ms = int(self._clock.now().timestamp() * 1000)
        return sortable_id(prefix, made_at_ms=made_at_ms, randomness=randomness)

    def secret(self, size_bytes: int) -> bytes:
        """Random bytes fit for keys."""
        return secrets.token_bytes(size_bytes)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("a clock needs an aware instant")
    return instant
