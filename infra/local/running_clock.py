"""The clock of a server that runs by itself at another speed than the system's."""

from datetime import datetime, timedelta

from infra.local.clock import RealClock


class FastClock:
    """Starts at an instant and runs ``speed`` times as fast as the system's clock."""

    def __init__(self, start: datetime, *, speed: float) -> None:
        self._real = RealClock()
        self._began = self._real.now()
        self._start = start
        self._speed = speed

    def now(self) -> datetime:
        """The present instant of this clock."""
        return self._start + (self._real.now() - self._began) * self._speed

    def catch_up(self, instant: datetime) -> None:
        """Move to an instant, unless that has passed."""
        self._start += max(instant - self.now(), timedelta())
