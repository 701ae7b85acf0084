"""Callers are limited exactly as the algorithm says, on either cloud, one by one and at once."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.stage import NOW, TENANT, RecordingCloud, Stage, on_sqlite
from wedsync.rates import MICROSECONDS, Rate
from wedsync.resources import Access, Resource
from wedsync.stores.limits import key_of
from wedsync.stores.services import Services
from wedsync.tenancy import Caller, Role, Tenant

RIVAL = Tenant("rival")
A_HUNDRED = Rate(per_minute=100, burst=100)


def caller(subject: str = "mia", *, tenant: Tenant = TENANT, role: Role = Role.OPERATOR) -> Caller:
    return Caller(tenant=tenant, subject=subject, role=role)


def admitted(stage: Stage, who: Caller, rate: Rate, *, now: datetime = NOW) -> bool:
    told = stage.services.limits.take(who, rate, now=now)
    assert told is not None
    return told.retry_after_seconds is None


def test_of_101_requests_at_once_100_are_admitted(stage: Stage) -> None:
    answers = [admitted(stage, caller(), A_HUNDRED) for _ in range(101)]
    assert answers == [True] * 100 + [False]
    later = NOW + timedelta(milliseconds=600)
    assert [admitted(stage, caller(), A_HUNDRED, now=later) for _ in range(2)] == [True, False]


def test_what_one_caller_does_is_nobody_elses_number(stage: Stage) -> None:
    one = Rate(per_minute=1, burst=1)
    others = [
        caller(),
        caller("tom"),
        caller(tenant=RIVAL),
        caller(role=Role.DEVICE),
        caller("client\nmia"),
    ]
    for who in others:
        assert admitted(stage, who, one)
        assert not admitted(stage, who, one)


def test_a_caller_has_one_number_under_whatever_role(stage: Stage) -> None:
    two = Rate(per_minute=1, burst=2)
    roles = (Role.ADMIN, Role.VIEWER, Role.VENDOR)
    assert [admitted(stage, caller(role=role), two) for role in roles] == [True, True, False]


def test_a_refusal_that_a_process_remembers_costs_no_call(stage: Stage) -> None:
    used: set[tuple[Resource, Access]] = set()
    services = Services(RecordingCloud(stage.cloud, used, set()), stage.settings)
    one = Rate(per_minute=1, burst=1)
    services.limits.take(caller(), one, now=NOW)
    refused = services.limits.take(caller(), one, now=NOW)
    used.clear()
    assert services.limits.take(caller(), one, now=NOW) == refused
    assert used == set()
    later = services.limits.take(caller(), one, now=NOW + timedelta(minutes=1))
    assert later is not None
    assert later.retry_after_seconds is None


def test_while_nobody_can_count_everybody_is_admitted(stage: Stage) -> None:
    down = RecordingCloud(stage.cloud, set(), set(), down=frozenset({Resource.LIMITS}))
    services = Services(down, stage.settings)
    assert services.limits.take(caller(), Rate(per_minute=1, burst=1), now=NOW) is None


def test_eight_at_once_get_the_burst_and_no_more() -> None:
    """On SQLite alone: moto looks at conditions and writes without a lock between them."""
    rate = Rate(per_minute=60, burst=20)
    with on_sqlite() as stage, ThreadPoolExecutor(8) as eight:
        answers = list(eight.map(lambda _: admitted(stage, caller(), rate), range(50)))
        assert sum(answers) == 20


class Exact:
    """The algorithm as it is published, in exact fractions of a second."""

    def __init__(self, rate: Rate) -> None:
        self._interval = Fraction(rate.interval_us, MICROSECONDS)
        self._limit = self._interval * (rate.burst - 1)
        self._arrivals: dict[Caller, Fraction] = {}

    def admits(self, who: Caller, at: Fraction) -> bool:
        arrival = max(self._arrivals.get(who, at), at)
        if arrival - self._limit > at:
            return False
        self._arrivals[who] = arrival + self._interval
        return True


CALLERS = (caller(), caller("tom"), caller(tenant=RIVAL), caller(role=Role.DEVICE))
asked = st.lists(
    st.tuples(st.sampled_from(CALLERS), st.integers(0, 3_000_000)), min_size=1, max_size=40
)
rates = st.builds(Rate, per_minute=st.integers(20, 200), burst=st.integers(1, 6))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rate=rates, requests=asked, warm=st.booleans())
def test_exactly_those_are_admitted_whom_the_algorithm_admits(
    stage: Stage, rate: Rate, requests: list[tuple[Caller, int]], *, warm: bool
) -> None:
    _forget(stage)
    exact = Exact(rate)
    at_us = int(NOW.timestamp()) * MICROSECONDS
    times: dict[Caller, list[int]] = defaultdict(list)
    services = stage.services
    for who, gap_us in requests:
        at_us += gap_us
        now = NOW + timedelta(microseconds=at_us - int(NOW.timestamp()) * MICROSECONDS)
        told = (services if warm else stage.services).limits.take(who, rate, now=now)
        assert told is not None
        admits = told.retry_after_seconds is None
        assert admits == exact.admits(who, Fraction(at_us, MICROSECONDS))
        assert 0 <= told.remaining < rate.burst
        if admits:
            times[who].append(at_us)
    for each in times.values():
        _within(rate, each)


def _within(rate: Rate, admitted_us: Sequence[int]) -> None:
    """In any stretch of time: the burst, and the rate's share of the time."""
    for first, begin in enumerate(admitted_us):
        for last in range(first, len(admitted_us)):
            share = Fraction(admitted_us[last] - begin, rate.interval_us)
            assert last - first + 1 <= rate.burst + share


def _forget(stage: Stage) -> None:
    """Examples begin anew."""
    table = stage.cloud.table(Resource.LIMITS)
    for who in CALLERS:
        table.delete(key_of(who))
