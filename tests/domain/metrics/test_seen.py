import random

import pytest

from tests.domain.metrics.test_block import T0, a_block, a_point
from wedsync.metrics.block import Block
from wedsync.metrics.facts import MOST_GUESTS, WeddingFacts
from wedsync.metrics.point import Kind
from wedsync.metrics.seen import attendance, seen_in

WEDDINGS = ("w1", "w2", "w3", "w4")


def some_block(chance: random.Random, *, guests: int, minute: int) -> Block:
    """Guests, vendors and other things of some weddings, and of none."""
    first = (T0 // 60_000 + minute) * 60_000
    times = range(first, first + 60_000, 1000)
    points = [
        a_point(
            "guest.activity",
            ts_ms=chance.choice(times),
            kind=Kind.EVENT,
            wedding_id=chance.choice(["w1", "w1", "w1", "w2", "w9"]),
            guest_id=f"guest-{chance.randrange(guests)}",
        )
        for _ in range(guests)
    ]
    points += [
        a_point(
            "vendor.heartbeat",
            ts_ms=chance.choice(times),
            kind=Kind.EVENT,
            wedding_id=chance.choice(["w1", "w3", None]),
            vendor_id=f"vendor-{chance.randrange(4)}",
        )
        for _ in range(5)
    ]
    return a_block(*points, a_point("api.request", ts_ms=first, wedding_id="w4"))


@pytest.mark.parametrize("guests", [0, 30, 2_500])
def test_who_is_seen_at_all_weddings_is_who_is_seen_at_each(guests: int) -> None:
    chance = random.Random(guests)
    blocks = [some_block(chance, guests=guests, minute=minute) for minute in range(3)]
    facts = {each: WeddingFacts.merge(block.facts(each) for block in blocks) for each in WEDDINGS}
    assert (len(facts["w1"].guests) == MOST_GUESTS) == (guests > MOST_GUESTS)
    seen = [seen_in(block) for block in blocks]
    # Twice is as good as once.
    together = Block.merge([Block.merge(seen[:2]), Block.merge(seen[1:])])
    times = [ms for each in facts.values() for ms in each.vendor_seen_ms.values()]
    for since_ms in (0, *sorted(times)[::3], max(times) + 1):
        found = attendance(together, WEDDINGS, vendors_since_ms=since_ms, guests_since_ms=since_ms)
        assert found.guests == {
            each: one.distinct_guests(since_ms) for each, one in facts.items() if one.guests
        }
        assert found.vendors == {
            (each, vendor) for each, one in facts.items() for vendor in one.vendors_active(since_ms)
        }
        assert found.vendors_known
        assert found.guests_known == bool(guests)


def test_whoever_was_seen_elsewhere_is_not_known_here() -> None:
    block = seen_in(some_block(random.Random(1), guests=9, minute=0))
    for known, weddings in ((True, WEDDINGS), (False, ("w0", "w4")), (False, ())):
        found = attendance(block, weddings, vendors_since_ms=0, guests_since_ms=0)
        assert (found.vendors_known, found.guests_known) == (known, known)
        assert bool(found.vendors) == bool(found.guests) == known
