"""What can wait longest waits first, and an open wedding last."""

from itertools import pairwise

import pytest

from wedsync.metrics.point import Priority, most_urgent
from wedsync.metrics.shedding import (
    LONGEST_WAIT_SECONDS,
    SHED_FROM_LAG_SECONDS,
    SHORTEST_WAIT_SECONDS,
    TENANT_SHARE_PERCENT,
    Standing,
    wait_for_consumer,
)


@pytest.mark.parametrize(
    ("lag", "waiting"),
    [
        (0, ""),
        (59.9, ""),
        (60, "LOW"),
        (120, "LOW NORMAL"),
        (300, "LOW NORMAL HIGH"),
        (900, "LOW NORMAL HIGH CRITICAL"),
        (3600, "LOW NORMAL HIGH CRITICAL OF_OPEN_WEDDING"),
    ],
)
def test_the_further_the_consumer_is_behind_the_more_has_to_wait(lag: float, waiting: str) -> None:
    found = [each.name for each in Standing if wait_for_consumer(each, lag) is not None]
    assert " ".join(found) == waiting


@pytest.mark.parametrize("table", [SHED_FROM_LAG_SECONDS, TENANT_SHARE_PERCENT])
def test_no_standing_waits_before_a_lower_one(table: dict[Standing, int]) -> None:
    assert list(table) == list(Standing)
    assert all(table[low] < table[high] for low, high in pairwise(Standing))


def test_whoever_waits_is_told_for_how_long_within_bounds() -> None:
    waits = [wait_for_consumer(Standing.LOW, lag) for lag in (60, 62, 80, 5000)]
    assert waits == [SHORTEST_WAIT_SECONDS, SHORTEST_WAIT_SECONDS, 20, LONGEST_WAIT_SECONDS]


def test_a_request_is_as_urgent_as_its_most_urgent_point() -> None:
    assert most_urgent([Priority.LOW, Priority.HIGH, Priority.NORMAL]) is Priority.HIGH
    assert most_urgent([Priority.LOW]) is Priority.LOW
    assert most_urgent([]) is Priority.NORMAL
