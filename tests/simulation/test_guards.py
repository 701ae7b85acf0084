"""The simulation finds bugs: with any one guard gone, it says which promise is broken.

That a shard's parents are read before it guards no promise: counting, judging and paging do the
same in any order, which replays of single shards show in every seed. The order is checked for
itself (``order of shards``), and by the tests of the event sources.
"""

from collections.abc import Callable

import pytest

from tests.simulation.cloud import Tampering
from tests.simulation.faults import Rates
from tests.simulation.play import play
from tests.simulation.sabotage import (
    without_acknowledgement,
    without_due_check,
    without_expiry_filter,
    without_frame_ids,
    without_lease_expiry_check,
    without_tier_claim,
    without_version_condition,
)

RACES = Rates(intruded=0.05)
RIVALS = Rates(contended=0.6)
COPIES = Rates(delivered_twice=0.3, intruded=0.02)
SEEDS = range(24)


@pytest.mark.parametrize(
    ("guard", "rates", "promises", "likely"),
    [
        (without_frame_ids, COPIES, {"I2"}, 1),
        (without_version_condition, RACES, {"I1", "I2", "I3"}, 1),
        (without_tier_claim, RIVALS, {"I8", "I11"}, 4),
        (without_acknowledgement, RACES, {"I9"}, 3),
        (without_lease_expiry_check, RIVALS, {"I8"}, 6),
        (without_due_check, RACES, {"I10"}, 1),
        (without_expiry_filter, RACES, {"I21"}, 1),
    ],
)
def test_without_a_guard_some_seed_breaks_the_promise_that_it_keeps(
    guard: Callable[[], Tampering], rates: Rates, promises: set[str], likely: int
) -> None:
    """``likely``: the seed that is tried first, since another one takes longer."""
    assert any(
        invariant in promises
        for seed in (likely, *SEEDS)
        for invariant, _ in play(seed, tamper=guard(), rates=rates).violations
    )


@pytest.mark.parametrize("rates", [RACES, RIVALS])
def test_with_every_guard_in_place_the_same_races_hold(rates: Rates) -> None:
    assert play(1, rates=rates).violations == ()
