"""The ladder protocol under faults, and that its judge notices what it should."""

from tests.simulation.ladders import NONE, LadderWorld, Outcome, Rates
from wedsync.incidents.policies import templates

ROUGH = Rates(
    refused=0.004,
    lost=0.004,
    died=0.004,
    intruded=0.03,
    sweep_lost=0.1,
    sweep_doubled=0.2,
    wake_doubled=0.2,
)


def test_under_faults_no_tier_is_lost_early_or_paged_after_an_answer() -> None:
    outcome = LadderWorld(0).play()
    assert outcome.failures() == []
    assert outcome.ladders == 250
    assert outcome.pages > 500
    assert outcome.hastened > 50
    assert outcome.faults.keys() >= {"wakes doubled", "sweeps doubled", "functions that died"}


def test_ten_times_the_faults_make_pages_later_and_nothing_else() -> None:
    outcome = LadderWorld(1, ladders=80, rates=ROUGH).play()
    wrong = [each for each in outcome.failures() if "late" not in each]
    assert wrong == []
    assert outcome.repeated > 0, "twice is better than never"
    assert outcome.faults["answers in the middle of a delivery"] > 0


def test_without_faults_every_page_is_on_time_and_none_is_repeated() -> None:
    outcome = LadderWorld(3, ladders=80, rates=NONE).play()
    assert outcome.failures() == []
    assert outcome.repeated == 0
    assert max(outcome.lateness) <= 11
    assert outcome.tiers <= 80 * max(len(each.tiers) for each in templates().values())


def test_after_a_tier_that_nobody_holds_the_next_one_comes_at_once() -> None:
    world = LadderWorld(4, ladders=80, rates=NONE)
    assert world.play().failures() == []
    found = [
        (times[0] - ladder.sent[tier - 1, ladder.policy.tiers[tier - 1].roles[0]][0])
        for ladder in world.ladders.values()
        for (tier, _), times in ladder.sent.items()
        if tier > 0 and ladder.is_vacant(tier - 1)
    ]
    assert len(found) > 20
    assert max(found).total_seconds() == 0


def test_writes_without_their_conditions_are_noticed() -> None:
    whole = Outcome()
    for seed in range(2):
        whole.add(LadderWorld(seed, ladders=80, rates=ROUGH, guarded=False).play())
    assert whole.after_answer > 0


def test_the_same_seed_is_played_the_same() -> None:
    first, again = (LadderWorld(5, ladders=20, rates=ROUGH).play() for _ in range(2))
    assert first == again
