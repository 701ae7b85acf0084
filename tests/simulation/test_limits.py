"""Callers of every temper, under faults: who keeps to the rate is let in, and nobody gets more.

I18: of one caller at most the burst and the rate's share of the time is admitted, beyond those
requests that nobody could count because the table did not answer.
"""

import random
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from infra.registry import registry
from tests.simulation.cloud import FaultyCloud, Watchers
from tests.simulation.faults import Faults, History, Rates
from wedsync.cloud.memory import Memory
from wedsync.rates import Rate
from wedsync.resources import Resource
from wedsync.settings import CLIENT_RATE, DEVICE_RATE
from wedsync.stores.limits import LimitStore
from wedsync.tenancy import Caller, Role, Tenant

START = datetime(2026, 6, 20, 14, 0, tzinfo=UTC)
SECONDS = 60
TENANTS = (Tenant("demo"), Tenant("rival"))
PACES = {"polite": 1.3, "eager": 0.3, "greedy": 0.03}
"""Seconds between two requests, on average; 0.6 is the rate of a client."""
ROUGH = Rates(throttled=0.05, answer_lost=0.05)


@dataclass(slots=True)
class Played:
    """What became of a caller's requests, by their times."""

    admitted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    uncounted: list[float] = field(default_factory=list)


def _played(seed: int, rates: Rates) -> dict[Caller, Played]:
    """A minute of requests, which three processes count."""
    rng = random.Random(seed)
    clock = ManualClock(START)
    played: dict[Caller, Played] = defaultdict(Played)
    (authorizer,) = (
        each.declaration for each in registry() if each.declaration.name == "account-authorizer"
    )
    with LocalCloud(None, clock=clock, ids=SeededIds(seed)) as cloud:
        faults = Faults(random.Random(f"faults {seed}"), rates, clock, History(), active=True)
        table = FaultyCloud(cloud, faults, Watchers()).table(Resource.LIMITS)
        processes = [LimitStore(table, Memory()) for _ in range(3)]
        paces = {
            Caller(tenant=tenant, subject=temper, role=role): pace
            for tenant in TENANTS
            for temper, pace in PACES.items()
            for role in (Role.OPERATOR, Role.DEVICE)
        }
        coming = {who: rng.random() for who in paces}
        while (at := min(coming.values())) < SECONDS:
            who = min(coming, key=lambda each: coming[each])
            coming[who] = at + paces[who] * rng.uniform(0.5, 1.5)
            clock.set(START + timedelta(seconds=at))
            with faults.invocation(authorizer):
                told = rng.choice(processes).take(who, _rate_of(who), now=clock.now())
            seen = played[who]
            if told is None:
                seen.uncounted.append(at)
            elif told.retry_after_seconds is None:
                seen.admitted.append(at)
            else:
                seen.refused.append(at)
    return played


def _rate_of(who: Caller) -> Rate:
    return DEVICE_RATE if who.role is Role.DEVICE else CLIENT_RATE


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("rates", [Rates(), ROUGH], ids=["calm", "rough"])
def test_nobody_gets_more_than_the_burst_and_the_rate(seed: int, rates: Rates) -> None:
    played = _played(seed, rates)
    assert len(played) == len(TENANTS) * len(PACES) * 2
    for who, seen in played.items():
        rate = _rate_of(who)
        for first, begin in enumerate(seen.admitted):
            # The number rises with time alone: the longest stretches are the ones that tell.
            for last in range(first, len(seen.admitted), 7):
                share = (seen.admitted[last] - begin) * 1_000_000 / rate.interval_us
                assert last - first + 1 <= rate.burst + share + 1e-6
        assert bool(seen.uncounted) <= (rates is ROUGH)


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_who_keeps_to_the_rate_is_refused_whatever_others_do(seed: int) -> None:
    for rates in (Rates(), ROUGH):
        for who, seen in _played(seed, rates).items():
            if who.subject == "polite":
                assert not seen.refused
            if who.subject == "greedy":
                assert seen.refused
                within = bisect_right(seen.admitted, SECONDS / 2)
                assert len(seen.admitted) > within > 0


def test_the_same_seed_gives_the_same_history() -> None:
    assert _played(5, ROUGH) == _played(5, ROUGH)
