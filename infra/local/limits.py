"""Rate limits of the gateway: so many requests a second and client, with a burst, in real time."""

from threading import Lock

from wedsync.cloud import Clock
from wedsync.errors import TooManyRequests

_MOST_CLIENTS = 10_000


class RateLimit:
    """GCRA: a client is refused while its theoretical arrival time lies a burst ahead of now."""

    def __init__(self, clock: Clock, *, per_second: float = 50.0, burst: int = 100) -> None:
        self._clock = clock
        self._interval_seconds = 1.0 / per_second
        self._tolerance_seconds = (burst - 1) * self._interval_seconds
        self._arrivals: dict[str, float] = {}
        self._lock = Lock()

    def admit(self, client: str) -> None:
        """Count one request; TooManyRequests with the seconds to wait where it is one too many."""
        now = self._clock.now().timestamp()
        with self._lock:
            arrival = max(self._arrivals.get(client, now), now)
            ahead_seconds = arrival - now - self._tolerance_seconds
            if ahead_seconds > 1e-9:
                raise TooManyRequests(retry_after_seconds=int(ahead_seconds) + 1)
            if len(self._arrivals) >= _MOST_CLIENTS:
                self._arrivals = {k: at for k, at in self._arrivals.items() if at > now}
            self._arrivals[client] = arrival + self._interval_seconds
