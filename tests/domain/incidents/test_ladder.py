"""The delivery protocol: never early, never after an answer, and never lost."""

from datetime import datetime, timedelta

import pytest

from tests.domain.incidents.builders import NOW, after, an_incident, delivered
from wedsync.incidents.ladder import (
    Claimed,
    Refusal,
    Refused,
    claim,
    due_steps,
    mark_sent,
    next_due_at,
    release,
    rounded_up,
)
from wedsync.incidents.lifecycle import acknowledge, resolve
from wedsync.incidents.model import Incident, StepStatus, UpdateKind


def claimed(incident: Incident, step_id: str, *, at: datetime) -> Claimed:
    taken = claim(incident, step_id, now=at)
    assert isinstance(taken, Claimed)
    return taken


def test_every_tier_is_due_its_seconds_after_the_opening() -> None:
    incident = an_incident()

    assert [(step.tier, step.due_at) for step in incident.steps] == [
        (0, after(0)),
        (1, after(300)),
        (2, after(900)),
    ]


def test_the_first_tier_is_due_at_once_and_the_others_from_the_next_whole_second() -> None:
    opened = NOW + timedelta(milliseconds=400)

    incident = an_incident(now=opened)

    assert incident.opened_at == after(1)
    assert [step.due_at for step in incident.steps] == [opened, after(301), after(901)]


@pytest.mark.parametrize(("milliseconds", "seconds"), [(0, 0), (1, 1), (999, 1)])
def test_a_ladders_zero_is_rounded_up_to_a_whole_second(milliseconds: int, seconds: int) -> None:
    assert rounded_up(NOW + timedelta(milliseconds=milliseconds)) == after(seconds)


def test_on_an_exact_clock_pages_go_out_at_exactly_three_instants() -> None:
    incident = an_incident()
    pages: list[tuple[int, tuple[str, ...]]] = []
    for second in range(1200):
        incident, sent = delivered(incident, at=after(second))
        pages.extend((second, step.roles) for step in sent)

    assert pages == [
        (0, ("on_call_engineer", "platform_lead")),
        (300, ("cto", "emergency_contacts")),
        (900, ("all_hands",)),
    ]
    assert next_due_at(incident) is None
    assert incident.escalation_level == 3


def test_a_claim_is_refused_with_its_reason() -> None:
    incident = an_incident()
    held = claimed(incident, "1-page-0", at=NOW).incident
    sent, _ = delivered(incident, at=NOW)
    answered = acknowledge(incident, by="mia", at=NOW).incident
    over = resolve(held, by="mia", at=NOW).incident

    assert [
        claim(incident, "1-page-9", now=NOW),
        claim(incident, "1-page-1", now=after(299.999)),
        claim(held, "1-page-0", now=after(59.999)),
        claim(sent, "1-page-0", now=after(1)),
        claim(answered, "1-page-0", now=after(1)),
        claim(over, "1-page-0", now=after(61)),
    ] == [
        Refused(reason=reason)
        for reason in (
            Refusal.UNKNOWN_STEP,
            Refusal.NOT_DUE,
            Refusal.LEASED,
            Refusal.SENT,
            Refusal.CANCELLED,
            Refusal.NOT_OPEN,
        )
    ]


def test_a_page_whose_worker_died_is_not_repeated_after_an_acknowledgement() -> None:
    held = claimed(an_incident(), "1-page-0", at=NOW).incident
    answered = acknowledge(held, by="mia", at=after(10)).incident

    assert claim(answered, "1-page-0", now=after(100)) == Refused(reason=Refusal.ACKNOWLEDGED)


def test_a_step_whose_worker_died_is_given_out_again_when_the_lease_runs_out() -> None:
    first = claimed(an_incident(), "1-page-0", at=NOW)

    assert next_due_at(first.incident) == after(60)
    second = claimed(first.incident, "1-page-0", at=after(60))

    assert second.step.attempt == 2
    assert mark_sent(second.incident, "1-page-0", attempt=1, now=after(61)) is None
    assert mark_sent(second.incident, "1-page-0", attempt=2, now=after(61)) is not None


def test_a_late_mark_counts_while_nobody_took_over() -> None:
    first = claimed(an_incident(), "1-page-0", at=NOW)

    marked = mark_sent(first.incident, "1-page-0", attempt=1, now=after(500))

    assert marked is not None
    assert marked.steps[0].sent_at == after(500)
    assert marked.updates[-1].kind is UpdateKind.PAGED


def test_a_page_sent_while_somebody_acknowledged_is_recorded_as_sent() -> None:
    held = claimed(an_incident(), "1-page-0", at=NOW)
    answered = acknowledge(held.incident, by="mia", at=after(1)).incident

    marked = mark_sent(answered, "1-page-0", attempt=1, now=after(2))

    assert marked is not None
    assert marked.escalation_level == 1


def test_a_failed_publish_gives_the_step_back_at_once() -> None:
    held = claimed(an_incident(), "1-page-0", at=NOW)

    free = release(held.incident, "1-page-0", attempt=1)

    assert free is not None
    assert free.steps[0].status is StepStatus.PENDING
    assert claimed(free, "1-page-0", at=after(1)).step.attempt == 2
    assert release(held.incident, "1-page-0", attempt=7) is None


def test_what_is_due_longest_comes_first() -> None:
    due = due_steps(an_incident(), now=after(5000))

    assert [step.tier for step in due] == [0, 1, 2]


def marked(incident: Incident, *vacant: str, step_id: str = "1-page-0") -> Incident:
    taken = claimed(incident, step_id, at=NOW)
    found = mark_sent(taken.incident, step_id, attempt=1, now=after(2), vacant=vacant)
    assert found is not None
    return found


def test_a_tier_that_nobody_holds_has_the_next_one_fall_due() -> None:
    found = marked(an_incident(), "on_call_engineer", "platform_lead", "all_hands")

    assert [step.due_at for step in found.steps] == [after(0), after(2), after(900)]
    assert found.steps[0].vacant == ("on_call_engineer", "platform_lead")
    assert found.updates[-1].text == (
        "page of tier 0 sent to its topic alone: nobody holds on_call_engineer, platform_lead; "
        "tier 1 is called at once"
    )


@pytest.mark.parametrize(
    "vacant",
    [
        (),
        ("on_call_engineer",),
        ("cto", "emergency_contacts"),
        ("on_call_engineer", "platform_lead", "cto", "emergency_contacts", "all_hands"),
    ],
)
def test_any_other_ladder_keeps_its_times(vacant: tuple[str, ...]) -> None:
    found = marked(an_incident(), *vacant)

    assert [step.due_at for step in found.steps] == [after(0), after(300), after(900)]


def test_after_an_answer_no_tier_falls_due() -> None:
    taken = claimed(an_incident(), "1-page-0", at=NOW)
    answered = acknowledge(taken.incident, by="mia", at=after(1)).incident
    vacant = ("on_call_engineer", "platform_lead")
    found = mark_sent(answered, "1-page-0", attempt=1, now=after(2), vacant=vacant)

    assert found is not None
    assert due_steps(found, now=after(1000)) == due_steps(answered, now=after(1000))
    assert "at once" not in found.updates[-1].text
