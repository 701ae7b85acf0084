import pytest

from wedsync.metrics.lateness import Lateness, classify

MINUTE = 60_000
ARRIVAL = 1_750_000_000_000


@pytest.mark.parametrize(
    ("late_by_ms", "expected"),
    [
        (-5 * MINUTE - 1, Lateness.FUTURE),
        (-5 * MINUTE, Lateness.ON_TIME),
        (0, Lateness.ON_TIME),
        (15 * MINUTE, Lateness.ON_TIME),
        (15 * MINUTE + 1, Lateness.LATE),
        (24 * 60 * MINUTE, Lateness.LATE),
        (24 * 60 * MINUTE + 1, Lateness.TOO_LATE),
    ],
)
def test_lateness_has_three_bounds(late_by_ms: int, expected: Lateness) -> None:
    assert classify(ARRIVAL - late_by_ms, ARRIVAL) is expected
