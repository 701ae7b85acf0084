"""What clients that aggregate tell instead of single values: sums, and counts by bin.

A distribution comes back as observations that stand for its bins and never leave them. Where
bounds are explicit, all stand at the same height of their bins: the one at which the stated sum
comes out, as near as that can be, else the middle. A bin of an exponential histogram at scale ``s``
spans a factor of
``b = 2^(2^-s)``; its harmonic midpoint is at most ``(b - 1) / (b + 1)`` off (35 % at scale 0,
1.1 % at 5, 0.03 % at 10), which adds to the error of our own bins.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wedsync.metrics.body import Poison

LOWEST_SCALE, HIGHEST_SCALE = -10, 20

Observed: TypeAlias = tuple[float, int]
"""A value, and how many observations it stands for."""
_Bin: TypeAlias = tuple[float, float, int]


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum; whole numbers are exact, however large."""

    value: int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Counts by explicit bounds: ``counts[i]`` lies above ``bounds[i - 1]``, up to ``bounds[i]``.

    Without bounds there is one bin. The sum and the extremes are ``None`` where they are not told.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Counts by bins ``(b^i, b^(i+1)]`` of either sign, and those around zero."""

    scale: int
    zero: int
    positive: Mapping[int, int]
    negative: Mapping[int, int]


Reading: TypeAlias = Amount | Distribution | Exponential
"""One data point's content."""


def since(newer: Reading, older: Reading) -> Reading:
    """What came between two readings of the same running total.

    Raises:
        Poison: it went back, or the two are not readings of one thing.

    """
    match newer, older:
        case Amount(), Amount():
            if newer.value < older.value:
                raise _went_back()
            return Amount(newer.value - older.value)
        case Distribution(), Distribution() if newer.bounds == older.bounds:
            counts = tuple(a - b for a, b in zip(newer.counts, older.counts, strict=True))
            if min(counts) < 0:
                raise _went_back()
            total = None
            if newer.total is not None and older.total is not None:
                total = newer.total - older.total
            return Distribution(
                bounds=newer.bounds,
                counts=counts,
                total=total,
                lowest=newer.lowest,
                highest=newer.highest,
            )
        case Exponential(), Exponential():
            return _exponential_since(newer, older)
        case _:
            raise Poison("changed-series", "a series changed its type or its bounds")


def observations(reading: Reading) -> list[Observed]:
    """The observations that a reading stands for, those of equal value once."""
    match reading:
        case Amount(value):
            return [(float(value), 1)]
        case Distribution():
            return _of_distribution(reading)
        case Exponential():
            return _of_exponential(reading)


def _went_back() -> Poison:
    return Poison("went-back", "a running total is smaller than it was before")


def _exponential_since(newer: Exponential, older: Exponential) -> Exponential:
    """At the coarser of both scales: a client that meets wider values merges its bins."""
    scale = min(newer.scale, older.scale)
    positive = _less(newer.positive, newer.scale - scale, older.positive, older.scale - scale)
    negative = _less(newer.negative, newer.scale - scale, older.negative, older.scale - scale)
    if newer.zero < older.zero:
        raise _went_back()
    return Exponential(
        scale=scale, zero=newer.zero - older.zero, positive=positive, negative=negative
    )


def _less(
    newer: Mapping[int, int], newer_halvings: int, older: Mapping[int, int], older_halvings: int
) -> dict[int, int]:
    counts = _merged(newer, newer_halvings)
    for index, count in _merged(older, older_halvings).items():
        left = counts.get(index, 0) - count
        if left < 0:
            raise _went_back()
        counts[index] = left
    return {index: count for index, count in counts.items() if count}


def _merged(counts: Mapping[int, int], halvings: int) -> dict[int, int]:
    merged: dict[int, int] = {}
    for index, count in counts.items():
        merged[index >> halvings] = merged.get(index >> halvings, 0) + count
    return merged


def _of_distribution(told: Distribution) -> list[Observed]:
    bins = [(*_ends(told, place), count) for place, count in enumerate(told.counts) if count]
    if not bins:
        return []
    if not told.bounds and told.total is not None:
        return [(told.total / told.counts[0], told.counts[0])]
    height = 0.5
    if told.total is not None:
        bins = _ended_by_sum(bins, told.total)
        span = sum(count * (high - low) for low, high, count in bins)
        rest = told.total - sum(count * low for low, _, count in bins)
        if span > 0:
            height = min(max(rest / span, 0.0), 1.0)
    return [(low + height * (high - low), count) for low, high, count in bins]


def _ends(told: Distribution, place: int) -> tuple[float, float]:
    """Where a bin begins and ends; a bin without an end has the other one twice."""
    bounds, last = told.bounds, len(told.bounds)
    low = bounds[place - 1] if place else told.lowest
    high = bounds[place] if place < last else told.highest
    if low is None:
        low = min(0.0, high) if high is not None else 0.0
        if bounds and bounds[0] <= 0:
            low = bounds[0]
    if high is None:
        high = low
    if told.lowest is not None and told.lowest <= high:
        low = max(low, told.lowest)
    if told.highest is not None and told.highest >= low:
        high = min(high, told.highest)
    return low, max(low, high)


def _ended_by_sum(bins: list[_Bin], total: float) -> list[_Bin]:
    """The bins, the last of them ending where the sum wants it if nobody said where it ends."""
    low, high, count = bins[-1]
    if high > low:
        return bins
    others = sum(each * (a + b) / 2 for a, b, each in bins[:-1])
    mean = (total - others) / count
    return [*bins[:-1], (low, max(low, 2 * mean - low), count)]


def _of_exponential(told: Exponential) -> list[Observed]:
    found: dict[float, int] = {0.0: told.zero} if told.zero else {}
    for sign, counts in ((1.0, told.positive), (-1.0, told.negative)):
        for index, count in counts.items():
            value = sign * _midpoint(index, told.scale)
            found[value] = found.get(value, 0) + count
    return sorted(found.items())


def _midpoint(index: int, scale: int) -> float:
    """The harmonic midpoint of a bin: as far from either end in proportion."""
    width = math.pow(2.0, -scale)
    try:
        low, high = math.pow(2.0, index * width), math.pow(2.0, (index + 1) * width)
        value = 2 * low / (1 + low / high)
    except (OverflowError, ZeroDivisionError):
        raise Poison("value-out-of-range", "a bin lies outside of all doubles") from None
    if not math.isfinite(value):
        raise Poison("value-out-of-range", "a bin lies outside of all doubles")
    return value
