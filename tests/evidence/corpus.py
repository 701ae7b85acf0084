"""Labelled traffic: streams of requests with rhythms of their own, faults, and what is no fault.

Everything follows from a seed. A corpus is a number of streams over a number of days; each
minute of each stream has counts and response times, and every event says when it began and
ended, what it is, and whether somebody must be called.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from wedsync.alerting.streams.minute import TIME_BINS, Counts, ms_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAY = 1440
FIRST_MINUTE = 29_563_200
"""Where every corpus begins: a Monday, 00:00 UTC, in minutes since 1970."""
STALLED_BIN = 49
"""The first bin that lies wholly beyond 5 s."""


class Family(StrEnum):
    """What an event is."""

    OUTAGE = "outage"
    PARTIAL = "partial failure"
    SLOW = "slow answers"
    DROP = "silent drop"
    STORM = "retry storm"
    BLIP = "blip"
    SPIKE = "deployment spike"
    SURGE = "surge"
    BAD_CLIENT = "bad client"
    MAINTENANCE = "maintenance"
    GAP = "collector gap"
    STRAY = "stray failures"


FAULTS = frozenset({Family.OUTAGE, Family.PARTIAL, Family.SLOW, Family.DROP, Family.STORM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a stream, from minute ``start`` to ``end``, exclusive."""

    stream: int
    start: int
    end: int
    family: Family

    @property
    def is_fault(self) -> bool:
        """Somebody must be called."""
        return self.family in FAULTS


@dataclass(slots=True, kw_only=True)
class Minutes:
    """One stream, minute by minute; arrays of one length. Minutes with no request hold zeros."""

    total: Ints
    failed: Ints
    refused: Ints
    """Answered with a status of 400 to 499."""
    stalled: Ints
    times: npt.NDArray[np.int32]
    """Answers by time bin: one row a minute."""

    def counts(self, at: int) -> Counts | None:
        """One minute, as a detector reads it; None without requests."""
        total = int(self.total[at])
        if not total:
            return None
        row = self.times[at]
        bins = np.flatnonzero(row)
        return Counts(
            FIRST_MINUTE + at,
            total,
            total - int(self.refused[at]),
            int(self.failed[at]),
            int(self.stalled[at]),
            tuple(zip(bins.tolist(), row[bins].tolist(), strict=True)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Streams with the events that happened to them."""

    days: int
    streams: tuple[Minutes, ...]
    events: tuple[Event, ...]


@dataclass(slots=True, kw_only=True)
class _Plan:
    """What will happen to one stream, minute by minute."""

    rate: Floats
    failing: Floats
    refusing: Floats
    slower: Floats
    hung: Floats
    """The share of answers that take ten times as long."""


def corpus(seed: int, *, streams: int = 40, days: int = 28, density: float = 1.0) -> Corpus:
    """Make a corpus; ``density``: how many times as often as usual something happens."""
    rng = np.random.default_rng(seed)
    minutes = days * DAY
    gaps = _gaps(rng, days)
    made: list[Minutes] = []
    events: list[Event] = []
    for number in range(streams):
        plan = _usual(rng, minutes)
        own = list(_events(rng, number, days, density, plan.rate))
        for event in own:
            _apply(rng, plan, event)
        for start, end in gaps:
            plan.rate[start:end] = 0.0
            own.append(Event(stream=number, start=start, end=end, family=Family.GAP))
        made.append(_drawn(rng, plan))
        events += own
    return Corpus(days=days, streams=tuple(made), events=tuple(events))


def _gaps(rng: np.random.Generator, days: int) -> list[tuple[int, int]]:
    count = int(rng.poisson(days / 7))
    starts = rng.integers(DAY // 4, days * DAY - 60, count).tolist()
    return [(start, start + int(rng.integers(2, 11))) for start in starts]


def _usual(rng: np.random.Generator, minutes: int) -> _Plan:
    """A stream without events: its level, rhythm, wandering, failures and speed."""
    level = 3.0 * 10 ** rng.uniform(0, 3)
    at = np.arange(minutes)
    hour = (at / 60 + rng.uniform(0, 24)) % 24
    weekday = (at // DAY) % 7
    shape = rng.choice(["flat", "diurnal", "office", "evening"])
    if shape == "flat":
        rate = np.full(minutes, 1.0)
    elif shape == "diurnal":
        depth = rng.uniform(0.3, 0.8)
        rate = 1.0 - depth * np.cos(2 * math.pi * hour / 24)
    elif shape == "office":
        rate = 0.1 + 1.0 / (1 + np.exp(-(hour - 8.5) * rng.uniform(2, 5)))
        rate -= 1.0 / (1 + np.exp(-(hour - 17.5) * rng.uniform(2, 5)))
    else:
        rate = 0.3 + np.exp(-(((hour - 19) / rng.uniform(2, 4)) ** 2))
    weekend = rng.choice([1.0, rng.uniform(0.3, 0.9), rng.uniform(1.2, 2.5)])
    rate = rate * np.where(weekday >= 5, weekend, 1.0)
    rate = np.maximum(rate / rate.mean() * level, rng.choice([0.3, 2.0]))
    # Over-dispersed: each minute's own, and slow wandering of minutes to hours.
    own = rng.uniform(0.0005, 0.05)
    rate = rate * rng.gamma(1 / own, own, minutes)
    rate = rate * np.exp(_wandering(rng, minutes, hours=rng.uniform(0.3, 3)) * rng.uniform(0, 0.15))
    drift = rng.uniform(-0.3, 0.5)
    rate = rate * np.exp(drift * at / minutes)
    if rng.random() < 0.4:
        step = int(rng.integers(DAY, max(DAY + 1, minutes)))
        rate[step:] *= rng.choice([0.6, 0.75, 1.4, 2.0])
    usual_failing = rng.choice([0.0, 10 ** rng.uniform(-4, -2)])
    failing = usual_failing * rng.gamma(3, 1 / 3, minutes)
    refusing = np.full(minutes, rng.uniform(0, 0.05))
    slower = np.exp(_wandering(rng, minutes, hours=2.0) * rng.uniform(0, 0.12))
    slower *= np.exp(rng.normal(0, rng.uniform(0, 0.12), minutes))
    slower *= 1 + rng.uniform(0, 0.4) * (rate / max(rate.mean(), 1e-9) > 1.3)
    median = 10 ** rng.uniform(1.3, 2.6)
    if rng.random() < 0.3:
        step = int(rng.integers(DAY, max(DAY + 1, minutes)))
        slower[step:] *= rng.uniform(0.7, 1.4)
    plan = _Plan(
        rate=rate,
        failing=failing,
        refusing=refusing,
        slower=slower * median,
        hung=np.full(minutes, rng.choice([0.0, 0.005, 0.02])),
    )
    if rng.random() < 0.15:  # a stream that begins later
        plan.rate[: int(rng.integers(0, minutes // 2))] = 0.0
    return plan


def _wandering(rng: np.random.Generator, minutes: int, *, hours: float) -> Floats:
    """Slow noise of unit size: steps of that many hours, joined by lines."""
    knots = int(minutes / (60 * hours)) + 3
    return np.interp(np.arange(minutes), np.arange(knots) * 60 * hours, rng.normal(0, 1, knots))


_A_WEEK: dict[Family, float] = {
    Family.OUTAGE: 0.9,
    Family.PARTIAL: 0.8,
    Family.SLOW: 0.7,
    Family.DROP: 0.6,
    Family.STORM: 0.2,
    Family.BLIP: 3.0,
    Family.SPIKE: 1.5,
    Family.SURGE: 1.0,
    Family.BAD_CLIENT: 0.8,
    Family.STRAY: 4.0,
}
"""How often each happens to a stream in a week."""
_LASTS: dict[Family, tuple[int, int]] = {
    Family.OUTAGE: (8, 60),
    Family.PARTIAL: (10, 90),
    Family.SLOW: (10, 90),
    Family.DROP: (8, 60),
    Family.STORM: (8, 40),
    Family.BLIP: (1, 1),
    Family.SPIKE: (1, 3),
    Family.SURGE: (10, 120),
    Family.BAD_CLIENT: (5, 60),
    Family.STRAY: (1, 2),
}
_MAINTAINED = 0.4
"""How many streams are taken down for a while each week, at the same quiet time."""
_APART = 90
_LEAST_RATE = 3.0


def _events(
    rng: np.random.Generator,
    stream: int,
    days: int,
    density: float,
    rate: Floats,
) -> Iterator[Event]:
    """What happens to one stream. Faults happen while it has three requests a minute or more."""
    taken: list[tuple[int, int]] = []
    wanted = [
        family
        for family, often in _A_WEEK.items()
        for _ in range(int(rng.poisson(often * density * days / 7)))
    ]
    if rng.random() < _MAINTAINED:
        length = int(rng.choice([20, 30, 60, 120]))
        halves = [each * 30 for each in range(7 * 48)]
        load = [rate[each : each + length].mean() for each in halves if each + length < len(rate)]
        quiet = np.argsort(load)[: len(load) // 3]
        start = halves[int(rng.choice(quiet))]
        for week in range(days // 7):
            begins = start + week * 7 * DAY
            taken.append((begins - _APART, begins + length + _APART))
            yield Event(stream=stream, start=begins, end=begins + length, family=Family.MAINTENANCE)
    for index in rng.permutation(len(wanted)).tolist():
        family = wanted[index]
        low, high = _LASTS[family]
        length = int(rng.integers(low, high + 1))
        earliest = DAY if family in FAULTS else 120
        for _ in range(20):
            start = int(rng.integers(earliest, days * DAY - length - 10))
            if family in FAULTS and rate[start - 60 : start + length].mean() < _LEAST_RATE:
                continue
            if all(start >= end or start + length <= begin for begin, end in taken):
                taken.append((start - _APART, start + length + _APART))
                yield Event(stream=stream, start=start, end=start + length, family=family)
                break


def _apply(rng: np.random.Generator, plan: _Plan, event: Event) -> None:
    _EFFECTS[event.family](rng, plan, slice(event.start, event.end))


def _outage(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.failing[during] = rng.uniform(0.6, 1.0)
    plan.rate[during] *= rng.uniform(0.5, 1.3)


def _partial(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.failing[during] = rng.uniform(0.1, 0.5)


def _slow(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    if rng.random() < 0.7:
        plan.slower[during] *= rng.uniform(3, 10)
    else:
        plan.hung[during] = rng.uniform(0.3, 0.7)


def _drop(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.rate[during] *= rng.choice([0.0, 0.0, rng.uniform(0.0, 0.2)])


def _storm(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.rate[during] *= rng.uniform(2, 5)
    plan.failing[during] = rng.uniform(0.15, 0.6)
    plan.slower[during] *= rng.uniform(1, 4)


def _blip(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    kind = rng.choice(["failing", "slow", "both", "gone"])
    if kind in {"failing", "both"}:
        plan.failing[during] = rng.uniform(0.05, 1.0)
    if kind in {"slow", "both"}:
        plan.slower[during] *= rng.uniform(2, 20)
    if kind == "gone":
        plan.rate[during] = 0.0


def _spike(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.failing[during] = rng.uniform(0.03, 0.5)
    plan.slower[during] *= rng.uniform(1, 5)
    plan.rate[during] *= rng.uniform(0.7, 1.0)


def _surge(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.rate[during] *= rng.uniform(2, 6)
    plan.slower[during] *= rng.uniform(1, 1.5)


def _bad_client(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    if rng.random() < 0.5:
        share = rng.uniform(1, 10)
        plan.rate[during] *= 1 + share
        plan.refusing[during] = share / (1 + share)
    else:
        plan.refusing[during] = rng.uniform(0.2, 0.9)


def _maintenance(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.rate[during] *= rng.choice([0.0, 0.03])
    plan.failing[during] = 0.0


def _stray(rng: np.random.Generator, plan: _Plan, during: slice) -> None:
    plan.failing[during] = np.maximum(plan.failing[during], rng.uniform(0, 0.05))


_EFFECTS: dict[Family, Callable[[np.random.Generator, _Plan, slice], None]] = {
    Family.OUTAGE: _outage,
    Family.PARTIAL: _partial,
    Family.SLOW: _slow,
    Family.DROP: _drop,
    Family.STORM: _storm,
    Family.BLIP: _blip,
    Family.SPIKE: _spike,
    Family.SURGE: _surge,
    Family.BAD_CLIENT: _bad_client,
    Family.MAINTENANCE: _maintenance,
    Family.STRAY: _stray,
}


def _drawn(rng: np.random.Generator, plan: _Plan) -> Minutes:
    total = rng.poisson(plan.rate)
    refused = rng.binomial(total, np.clip(plan.refusing, 0, 1))
    failed = rng.binomial(total - refused, np.clip(plan.failing, 0, 1))
    answered = total - refused - failed
    spread = rng.uniform(0.35, 0.9)
    edges = np.log([ms_of(each) for each in range(TIME_BINS)])
    centre = np.log(plan.slower)[:, None]
    below = _normal((edges[None, 1:] - centre) / spread)
    below_hung = _normal((edges[None, 1:] - centre - math.log(10)) / spread)
    mixed = (1 - plan.hung[:, None]) * below + plan.hung[:, None] * below_hung
    shares = np.diff(np.pad(mixed, ((0, 0), (1, 1)), constant_values=(0.0, 1.0)), axis=1)
    times = rng.multinomial(answered, np.clip(shares, 0, 1)).astype(np.int32)
    stalled = times[:, STALLED_BIN:].sum(axis=1)
    return Minutes(
        total=total, failed=failed, refused=refused, stalled=stalled.astype(np.int64), times=times
    )


_POINTS = np.linspace(-6, 6, 2401)
_TABLE = np.array([0.5 * (1 + math.erf(x / math.sqrt(2))) for x in _POINTS])


def _normal(z: Floats) -> Floats:
    share: Floats = np.interp(z, _POINTS, _TABLE, left=0.0, right=1.0)
    return share
