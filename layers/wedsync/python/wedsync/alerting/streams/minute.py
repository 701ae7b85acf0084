"""One minute of one stream of requests, as counts."""

import math
from functools import lru_cache
from typing import NamedTuple

BINS_PER_OCTAVE = 4
TIME_BINS = 68
"""Octaves from 1 ms to beyond two minutes in four equal parts; the ends take what lies outside.

The bins are the exponent and the first two bits of a double: the same on every machine.
"""
OCTAVES = tuple(
    each // BINS_PER_OCTAVE + math.log2(1 + (each % BINS_PER_OCTAVE + 0.5) / BINS_PER_OCTAVE)
    for each in range(TIME_BINS)
)
"""The binary logarithm of the milliseconds in the middle of each bin."""
STALLED_MS = 5000.0
"""A request this slow has stalled, whatever its service is used to."""


class Counts(NamedTuple):
    """What a minute's requests come to.

    A status of 400 to 499 is the caller's doing: such a request is counted in ``total`` and
    nowhere else. ``judged`` are all others, ``failed`` those of status 500 and above. ``times``
    are the response times of requests that were answered well, by bin, in order.
    """

    minute: int
    total: int
    judged: int
    failed: int
    stalled: int
    times: tuple[tuple[int, int], ...]

    def joined(self, other: "Counts") -> "Counts":
        """Add other requests of the same minute."""
        times = dict(self.times)
        for each, count in other.times:
            times[each] = times.get(each, 0) + count
        return Counts(
            self.minute,
            self.total + other.total,
            self.judged + other.judged,
            self.failed + other.failed,
            self.stalled + other.stalled,
            tuple(sorted(times.items())),
        )


class Minute(NamedTuple):
    """A minute as a stream remembers it.

    ``timed`` requests were answered well; ``slow`` of them took longer than the objective of that
    time; ``octaves`` is the sum of the binary logarithms of their milliseconds. Of a ``blind``
    minute nothing is known: it says neither that all was well nor that nobody came.
    """

    minute: int
    total: int
    judged: int
    failed: int
    stalled: int
    timed: int
    slow: int
    octaves: float
    blind: bool


def time_bin(ms: float) -> int:
    """Find the bin of a response time."""
    if ms < 1.0:
        return 0
    mantissa, exponent = math.frexp(ms)
    quarter = int((2 * mantissa - 1) * BINS_PER_OCTAVE)
    return min(TIME_BINS - 1, (exponent - 1) * BINS_PER_OCTAVE + quarter)


def ms_of(time_bin: int) -> float:
    """Find where a bin begins, in ms."""
    octave, quarter = divmod(time_bin, BINS_PER_OCTAVE)
    return float(2**octave * (1 + quarter / BINS_PER_OCTAVE))


@lru_cache(maxsize=16384)
def remembered(counts: Counts, objective: int | None) -> Minute:
    """Reduce a minute to what is kept; ``objective``: the first bin that is too slow.

    Pure, and asked of the same minute several times while it is young.
    """
    timed = slow = 0
    octaves = 0.0
    for each, count in counts.times:
        timed += count
        octaves += OCTAVES[each] * count
        if objective is not None and each >= objective:
            slow += count
    return Minute(
        counts.minute,
        counts.total,
        counts.judged,
        counts.failed,
        counts.stalled,
        timed,
        slow,
        round(octaves, 2),
        blind=False,
    )


def blind(minute: int) -> Minute:
    """Make a minute of which nothing is known."""
    return Minute(minute, 0, 0, 0, 0, 0, 0, 0.0, blind=True)


def quiet(minute: int) -> Counts:
    """Make a minute without any request."""
    return Counts(minute, 0, 0, 0, 0, ())
