"""What is a steady climb, and what only looks like one."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from wedsync.alerting.climbing import Filled, may_lead_there, minutes_left, resource_forecast
from wedsync.alerting.finding import Outcome
from wedsync.alerting.observation import HostReading, HostResource

NOW = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)


def hour(value: Callable[[int], float]) -> list[tuple[float, float]]:
    return [(float(minute), value(minute)) for minute in range(60)]


def outcome(points: list[tuple[float, float]], *, seconds_ago: float = 20.0) -> Outcome:
    reading = HostReading(
        host="db-1",
        resource=HostResource.MEMORY,
        percent=points[-1][1],
        sampled_at=NOW - timedelta(seconds=seconds_ago),
    )
    filled = Filled(newest=reading, points=points)
    return resource_forecast(filled, any_wedding_today=False, now=NOW).outcome


@pytest.mark.parametrize(
    ("end", "pace", "expected"),
    [
        (80.0, 0.51, Outcome.BREACH),
        (80.0, 0.49, Outcome.HOLD),
        (80.0, 0.26, Outcome.HOLD),
        (80.0, 0.24, Outcome.CLEAR),
        (95.1, 0.51, Outcome.HOLD),
        (80.0, 0.0, Outcome.CLEAR),
        (80.0, -0.5, Outcome.CLEAR),
    ],
)
def test_a_line_breaches_when_it_gets_there_within_half_an_hour(
    end: float, pace: float, expected: Outcome
) -> None:
    assert outcome(hour(lambda minute: end - pace * (59 - minute))) is expected


def test_the_prediction_is_tagged_and_says_when() -> None:
    points = hour(lambda minute: 80.0 - 0.6 * (59 - minute))
    reading = HostReading(host="db-1", resource=HostResource.DISK, percent=80.0, sampled_at=NOW)
    filled = Filled(newest=reading, points=points)
    finding = resource_forecast(filled, any_wedding_today=False, now=NOW)
    assert finding.tags == ("predicted",)
    assert "reaches 95 % in 25 min" in finding.reasons[0].reason


@pytest.mark.parametrize("seed", range(200))
def test_noise_about_a_level_leads_nowhere(seed: int) -> None:
    rng = random.Random(seed)
    level = rng.uniform(60, 92)
    assert outcome(hour(lambda _: min(94.9, rng.gauss(level, 2.0)))) is Outcome.CLEAR


@pytest.mark.parametrize("seed", range(50))
def test_a_climb_with_some_noise_is_still_seen(seed: int) -> None:
    rng = random.Random(seed)
    found = outcome(hour(lambda minute: 84.0 - 0.7 * (59 - minute) + rng.gauss(0, 0.5)))
    assert found is Outcome.BREACH


@pytest.mark.parametrize("at", range(40, 60))
@pytest.mark.parametrize("height", [5.0, 20.0])
def test_a_step_is_no_climb(at: int, height: float) -> None:
    assert outcome(hour(lambda minute: 70.0 + height * (minute >= at))) is Outcome.CLEAR


@pytest.mark.parametrize("period", [3, 8, 15, 25, 40])
@pytest.mark.parametrize("shift", range(0, 40, 5))
def test_a_saw_is_no_climb(period: int, shift: int) -> None:
    saw = hour(lambda minute: 60.0 + 30.0 * ((minute + shift) % period) / period)
    assert outcome(saw) is Outcome.CLEAR


def test_a_climb_that_has_come_to_rest_is_over() -> None:
    assert outcome(hour(lambda minute: min(85.0, 60.0 + minute * 0.5))) is Outcome.CLEAR


def test_too_few_minutes_are_no_line() -> None:
    climb = hour(lambda minute: 84.0 - 0.7 * (59 - minute))
    assert minutes_left(climb[-14:]) is None
    assert minutes_left(climb[-15:]) is not None


def test_what_is_not_heard_of_any_more_says_nothing() -> None:
    climb = hour(lambda minute: 84.0 - 0.7 * (59 - minute))
    assert outcome(climb, seconds_ago=301) is Outcome.NO_DATA


def test_only_what_climbs_towards_the_threshold_is_looked_at_closely() -> None:
    assert may_lead_there([(1.0, 80.0), (5.0, 82.1)])
    assert not may_lead_there([(1.0, 80.0), (5.0, 81.0)])
    assert not may_lead_there([(1.0, 95.0), (5.0, 99.0)])
    assert not may_lead_there([(5.0, 82.0)])
