import random

import pytest
from pydantic import TypeAdapter

from wedsync.metrics.facts import Activity, ComponentHealth, WeddingFacts, happening

T0 = 1_750_000_000_000


def some_guests(count: int, seed: int = 1) -> dict[int, int]:
    chance = random.Random(seed)
    return {chance.getrandbits(64): T0 + n for n in range(count)}


def split_and_merged(guests: dict[int, int], parts: int = 7) -> WeddingFacts:
    every = list(guests.items())
    return WeddingFacts.merge(
        WeddingFacts.merge([WeddingFacts(guests=dict(every[at::parts]))]) for at in range(parts)
    )


def test_guests_are_counted_exactly_up_to_a_thousand() -> None:
    facts = split_and_merged(some_guests(999))
    assert facts.distinct_guests(0) == 999
    assert facts.distinct_guests(T0 + 500) == 499


@pytest.mark.parametrize("count", [1_500, 5_000, 40_000])
def test_many_guests_are_estimated(count: int) -> None:
    facts = split_and_merged(some_guests(count))
    assert len(facts.guests) == 1000
    assert facts.distinct_guests(0) == pytest.approx(count, rel=0.1)
    assert facts.distinct_guests(T0 + count // 2) == pytest.approx(count / 2, rel=0.15)


def test_a_guest_seen_twice_is_one_guest_seen_last() -> None:
    facts = WeddingFacts.merge([WeddingFacts(guests={5: T0 + 9}), WeddingFacts(guests={5: T0})])
    assert facts.guests == {5: T0 + 9}


def test_the_order_of_merging_does_not_matter() -> None:
    chance = random.Random(2)
    every = [
        WeddingFacts(
            uploads_failed=n,
            activity=(
                Activity(
                    ts_ms=T0 + n % 3, id=n, type="x", vendor_id=None, guest_id=None, summary=""
                ),
            ),
            vendor_seen_ms={f"v{n % 3}": T0 + n},
            guests=some_guests(300, seed=n),
            backup_ok_ms=T0 + n if n % 2 else None,
            health={"db": ComponentHealth(failed_ms=(T0 + n,), ok_ms=T0 - n)},
            began_ms={f"item{n % 3}": T0 + n},
        )
        for n in range(8)
    ]
    at_once = WeddingFacts.merge(every)
    for _ in range(5):
        pile = list(every)
        while len(pile) > 1:
            chance.shuffle(pile)
            pile.append(WeddingFacts.merge([pile.pop(), pile.pop()]))
        assert pile[0] == at_once
    assert at_once.health["db"].failed_ms == (T0 + 7, T0 + 6)
    assert [each.id for each in at_once.activity] == [5, 2, 7, 4, 1, 6, 3, 0]


def test_fifty_activities_are_kept_newest_first() -> None:
    activity = tuple(
        Activity(ts_ms=T0 + n, id=n, type="x", vendor_id="v", guest_id="g", summary="s")
        for n in range(80)
    )
    kept = WeddingFacts.merge(WeddingFacts(activity=(each,)) for each in activity).activity
    assert kept == tuple(reversed(activity[30:]))


def test_online_is_by_heartbeat_and_active_by_anything() -> None:
    facts = WeddingFacts(vendor_heartbeat_ms={"a": T0, "b": T0 - 9}, vendor_seen_ms={"b": T0})
    assert facts.vendors_online(T0) == ("a",)
    assert facts.vendors_active(T0) == ("b",)


def test_facts_come_back_from_json() -> None:
    facts = WeddingFacts(
        activity=(
            Activity(ts_ms=T0, id=2**40, type="x", vendor_id=None, guest_id="g", summary="s"),
        ),
        guests={2**64 - 1: T0},
        health={"db": ComponentHealth(failed_ms=(T0,))},
    )
    adapter = TypeAdapter(WeddingFacts)
    assert adapter.validate_json(adapter.dump_json(facts)) == facts


@pytest.mark.parametrize(
    ("metric", "dims", "words"),
    [
        ("photo.upload", {"outcome": "completed"}, "A photo was uploaded"),
        ("photo.upload", {"outcome": "started"}, None),
        ("guest.activity", {"action": "rsvp"}, "A guest was active: rsvp"),
        ("vendor.activity", {}, "A vendor was active"),
        ("vendor.heartbeat", {}, None),
        ("timeline.sync", {}, "The timeline was synchronised"),
        ("timeline.item", {"item": "vows"}, "An item of the timeline began: vows"),
        ("timeline.item", {}, None),
        ("health.check", {"outcome": "failed", "component": "db"}, "A health check failed: db"),
        ("health.check", {"outcome": "ok", "component": "db"}, None),
        ("api.request", {}, None),
    ],
)
def test_what_is_worth_a_line_on_the_couples_page(
    metric: str, dims: dict[str, str], words: str | None
) -> None:
    assert happening(metric, dims) == words
