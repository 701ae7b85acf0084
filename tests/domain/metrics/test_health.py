import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.metrics.health import Band, WeddingScore, health_score, wedding_system_health


@pytest.mark.parametrize(
    ("p95_ms", "error_percent", "availability_percent", "score", "band"),
    [
        (500, 0.1, 99.9, 100.0, Band.HEALTHY),
        (2000, 0, 100, 68.0, Band.UNHEALTHY),
        (3000, 0, 100, 44.0, Band.UNHEALTHY),
        (100, 10, 100, 20.0, Band.CRITICAL),
        (1250, 1.05, 99.45, 80.0, Band.DEGRADED),
        (2500, 3.5, 98, 45.0, Band.UNHEALTHY),
        (5000, 10, 95, 0.0, Band.CRITICAL),
        (60_000, 100, 0, 0.0, Band.CRITICAL),
        (None, None, 99.45, 80.0, Band.DEGRADED),
        (1250, None, None, 80.0, Band.DEGRADED),
    ],
)
def test_the_worked_rows(
    p95_ms: float | None,
    error_percent: float | None,
    availability_percent: float | None,
    score: float,
    band: Band,
) -> None:
    health = health_score(p95_ms, error_percent, availability_percent)
    assert (health.score, health.band) == (score, band)


def test_blind_is_neither_healthy_nor_broken() -> None:
    health = health_score(None, None, None)
    assert (health.score, health.band, health.axes) == (None, None, ())


@given(st.floats(0, 10_000), st.floats(0, 100), st.floats(0, 100), st.floats(0, 5_000))
@settings(max_examples=100, deadline=None)
def test_slower_is_never_healthier(p95: float, errors: float, up: float, slower: float) -> None:
    better = health_score(p95, errors, up).score
    worse = health_score(p95 + slower, errors, up).score
    assert better is not None
    assert worse is not None
    assert 0 <= worse <= better <= 100


def test_the_worst_wedding_is_named_and_blind_ones_are_left_out() -> None:
    health = wedding_system_health([("w1", 100.0), ("w2", 40.0), ("w3", None)])
    assert health.score == 70.0
    assert health.worst == WeddingScore(wedding_id="w2", score=40.0)
    assert wedding_system_health([("w3", None)]).score is None
