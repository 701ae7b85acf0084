"""The measure itself: labels, pages, and what counts as found or as wrong."""

import pytest

from tests.evidence.corpus import FAULTS, Event, Family, corpus
from tests.evidence.naive import false_notifications
from tests.evidence.replay import replay
from tests.evidence.score import Page, Score

OUTAGE = Event(stream=0, start=100, end=130, family=Family.OUTAGE)
BLIP = Event(stream=0, start=300, end=301, family=Family.BLIP)


def scored(*times: float, stream: int = 0) -> Score:
    score = Score()
    pages = [Page(stream=stream, at=at, rule="failed_requests") for at in times]
    score.add([OUTAGE, BLIP], pages, streams=1, days=7)
    return score


@pytest.mark.parametrize(
    ("at", "recall", "precision"),
    [
        (100.0, 1.0, 1.0),
        (105.0, 1.0, 1.0),
        (105.1, 0.0, 1.0),  # right, and too late
        (131.0, 0.0, 1.0),
        (131.1, 0.0, 0.0),
        (99.9, 0.0, 0.0),
        (300.0, 0.0, 0.0),
    ],
)
def test_a_page_is_right_within_its_fault_and_in_time_within_five_minutes(
    at: float, recall: float, precision: float
) -> None:
    assert (scored(at).recall, scored(at).precision) == (recall, precision)


def test_a_page_for_another_stream_is_wrong() -> None:
    score = scored(102.0, stream=1)
    assert (score.recall, score.false_a_week) == (0.0, 1.0)


def test_a_second_page_within_a_fault_is_no_second_fault() -> None:
    score = scored(102.0, 110.0)
    assert (score.repeated, score.recall, score.precision) == (1, 1.0, 1.0)


def test_a_seed_makes_the_same_traffic_and_the_same_pages() -> None:
    first, second = (corpus(5, streams=2, days=3, density=3.0) for _ in range(2))
    assert first.events == second.events
    assert replay(first) == replay(second)


def test_a_small_corpus_is_judged_far_better_than_by_a_page_for_each_crossing() -> None:
    made = corpus(6, streams=3, days=3, density=4.0)
    score = Score(naive=false_notifications(made))
    score.add(made.events, replay(made), streams=3, days=3)
    assert sum(score.faults.values()) >= 8
    assert score.recall >= 0.8
    assert score.reduction >= 0.9
    assert "recall within 5 minutes" in "\n".join(score.lines())


def test_faults_happen_only_where_there_are_requests_to_tell_of_them() -> None:
    made = corpus(7, streams=6, days=7)
    for event in made.events:
        if event.family in FAULTS:
            before = made.streams[event.stream].total[event.start - 60 : event.start]
            assert before.mean() > 0.5
