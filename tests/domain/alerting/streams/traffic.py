"""Minutes of requests, and streams that have seen days of them."""

from collections.abc import Callable

from wedsync.alerting.streams.minute import Counts, time_bin
from wedsync.alerting.streams.stream import REREAD, Stream

MONDAY = 29_563_200
"""A Monday, 00:00 UTC, in minutes since 1970."""
HOUR = 60
DAY = 24 * HOUR
WEEK = 7 * DAY


def counts(
    minute: int, total: int, *, failed: int = 0, refused: int = 0, ms: float = 100.0, slow: int = 0
) -> Counts:
    """A minute's requests; ``slow`` of those that were answered took ten times as long."""
    answered = total - failed - refused
    times: dict[int, int] = {}
    for at, count in ((ms, answered - slow), (10 * ms, slow)):
        if count:
            times[time_bin(at)] = times.get(time_bin(at), 0) + count
    stalled = (answered if ms > 5000 else 0) + (slow if 10 * ms > 5000 >= ms else 0)
    return Counts(minute, total, total - refused, failed, stalled, tuple(sorted(times.items())))


class Watch:
    """A stream that is fed minute by minute, as the look at the end of each minute does."""

    def __init__(self, *, start: int = MONDAY) -> None:
        self.now = start
        self.stream: Stream | None = None
        self.read: dict[int, Counts] = {}
        self.blinded: set[int] = set()

    def sees(self, minute: Counts | None, *, blinded: bool = False) -> "Watch":
        """Let one minute pass."""
        self.read.pop(self.now - REREAD, None)
        if minute is not None:
            self.read[self.now] = minute
        known = self.stream or Stream(through=self.now - 1)
        if blinded:
            self.blinded.add(self.now)
        self.stream = known.step(self.read, self.now, frozenset(self.blinded))
        self.now += 1
        return self

    def for_minutes(self, minutes: int, of: Callable[[int], Counts | None]) -> "Watch":
        """Let minutes pass."""
        for _ in range(minutes):
            self.sees(of(self.now))
        return self

    @property
    def known(self) -> Stream:
        """What is known of it by now."""
        assert self.stream is not None
        return self.stream


def steady(rate: int, *, failed_every: int = 0) -> Callable[[int], Counts]:
    """So many requests each minute, of which one fails every so many minutes."""

    def of(minute: int) -> Counts:
        failed = 1 if failed_every and minute % failed_every == 0 else 0
        return counts(minute, rate, failed=failed)

    return of


def a_stream(
    rate: int = 60, *, minutes: int = 2 * DAY, failed_every: int = 0, start: int = MONDAY
) -> Watch:
    """A stream with a past in which nothing happened."""
    return Watch(start=start).for_minutes(minutes, steady(rate, failed_every=failed_every))
