"""Answering, escalating and ending an incident."""

from dataclasses import replace

import pytest

from tests.domain.incidents.builders import (
    A_TUESDAY_BEFORE,
    NORMAL_CHOICE,
    NOW,
    THE_DAY,
    WEDDING_DAY_CHOICE,
    a_reported_incident,
    after,
    an_alert,
    an_incident,
    delivered,
    kinds,
)
from wedsync.errors import Conflict, IncidentAlreadyResolved, LadderExhausted, TimelineFull
from wedsync.incidents.ladder import (
    Claimed,
    claim,
    due_steps,
    mark_sent,
    next_due_at,
    release,
)
from wedsync.incidents.lifecycle import (
    NOTES_BYTES,
    acknowledge,
    alert_resolved,
    assign,
    escalate,
    post_update,
    resolve,
    retitle,
)
from wedsync.incidents.model import Assignee, Incident, IncidentStatus, StepKind
from wedsync.incidents.opening import join


def paged() -> Incident:
    incident, _ = delivered(an_incident(), at=NOW)
    return incident


def test_an_acknowledgement_after_four_minutes_stops_the_page_at_five() -> None:
    answered = acknowledge(paged(), by="mia", at=after(240)).incident

    assert due_steps(answered, now=after(600)) == ()
    assert (answered.acknowledged_by, answered.status) == ("mia", IncidentStatus.OPEN)


def test_a_repeated_acknowledgement_changes_nothing() -> None:
    answered = acknowledge(paged(), by="mia", at=after(1)).incident

    again = acknowledge(answered, by="tom", at=after(2))

    assert again.incident is answered
    assert "mia" in again.reason


def test_a_resolved_incident_can_be_neither_acknowledged_nor_escalated() -> None:
    over = resolve(paged(), by="mia", at=after(1)).incident

    with pytest.raises(IncidentAlreadyResolved):
        acknowledge(over, by="tom", at=after(2))
    with pytest.raises(IncidentAlreadyResolved):
        escalate(over, by="tom", at=after(2))


@pytest.mark.parametrize(
    ("incident", "seconds"),
    [
        (an_incident(), 600),
        (replace(an_incident(choice=NORMAL_CHOICE), wedding_context=A_TUESDAY_BEFORE), 1800),
        (replace(an_incident(choice=NORMAL_CHOICE), wedding_context=THE_DAY), 600),
    ],
)
def test_an_acknowledgement_without_an_update_is_reminded_of(
    incident: Incident, seconds: int
) -> None:
    told, _ = delivered(incident, at=NOW)
    answered = acknowledge(told, by="mia", at=after(100)).incident

    early, nothing = delivered(answered, at=after(100 + seconds - 1))
    later, sent = delivered(early, at=after(100 + seconds))

    assert nothing == []
    assert kinds(sent) == [(StepKind.REMINDER, 0)]
    assert sent[0].roles == incident.policy.tiers[0].roles
    assert next_due_at(later) is None


def test_an_update_calls_the_reminder_off() -> None:
    answered = acknowledge(paged(), by="mia", at=after(1)).incident

    told = post_update(
        answered, by="mia", at=after(2), text="on it", status=IncidentStatus.INVESTIGATING
    ).incident

    assert next_due_at(told) is None
    assert told.status is IncidentStatus.INVESTIGATING
    assert told.updates[-1].text == "on it"


def test_an_update_without_an_acknowledgement_stops_no_page() -> None:
    told = post_update(paged(), by="mia", at=after(2), text="looking").incident

    assert next_due_at(told) == after(300)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (IncidentStatus.INVESTIGATING, IncidentStatus.OPEN),
        (IncidentStatus.OPEN, IncidentStatus.RESOLVED),
        (IncidentStatus.OPEN, IncidentStatus.CLOSED),
        (IncidentStatus.RESOLVED, IncidentStatus.IN_PROGRESS),
    ],
)
def test_an_update_moves_only_forward_among_the_active_states(
    before: IncidentStatus, wanted: IncidentStatus
) -> None:
    with pytest.raises(Conflict):
        post_update(replace(paged(), status=before), by="mia", at=after(1), text="x", status=wanted)


def test_an_incident_is_assigned_once() -> None:
    who = Assignee(name="Mia", role="on_call_engineer", contact_info="+49 30 1")
    assigned = assign(paged(), who, by="tom", at=after(1)).incident

    assert assigned.assigned_to == who
    assert assign(assigned, who, by="tom", at=after(2)).incident is assigned
    assert assign(assigned, None, by="tom", at=after(3)).incident.assigned_to is None


def test_resolving_stops_the_ladder_and_tells_everyone_who_was_paged_once() -> None:
    twice, _ = delivered(paged(), at=after(300))

    over = resolve(twice, by="mia", at=after(400)).incident
    later, sent = delivered(over, at=after(400))

    assert [(step.kind, step.tier, step.roles) for step in sent] == [
        (StepKind.RESOLVED, 0, ("on_call_engineer", "platform_lead")),
        (StepKind.RESOLVED, 1, ("cto", "emergency_contacts")),
    ]
    assert next_due_at(later) is None
    assert resolve(later, by="tom", at=after(500)).incident is later


def test_resolving_before_anybody_was_told_tells_nobody() -> None:
    over = resolve(an_incident(), by="mia", at=after(0)).incident

    assert next_due_at(over) is None


def test_escalating_by_hand_pages_the_next_tier_now_and_leaves_the_others_due() -> None:
    raised = escalate(paged(), by="mia", at=after(100))

    assert raised.step is not None
    assert raised.step.roles == ("cto", "emergency_contacts")
    assert raised.incident.escalation_level == 2
    sent = mark_sent(
        raised.incident, raised.step.step_id, attempt=raised.step.attempt, now=after(100)
    )
    assert sent is not None
    assert due_steps(sent, now=after(300)) == ()
    assert next_due_at(sent) == after(900)


def test_the_levels_of_a_report_are_1_2_3_and_then_there_is_no_further_tier() -> None:
    incident, levels = a_reported_incident(), []
    for second in range(3):
        incident = escalate(incident, by="mia", at=after(second)).incident
        levels.append(incident.escalation_level)

    assert levels == [1, 2, 3]
    with pytest.raises(LadderExhausted):
        escalate(incident, by="mia", at=after(9))


def test_a_page_that_an_answer_held_back_is_due_again_when_the_answer_is_withdrawn() -> None:
    claimed = claim(an_incident(), "1-page-0", now=after(0))
    assert isinstance(claimed, Claimed)
    answered = acknowledge(claimed.incident, by="mia", at=after(10)).incident
    assert next_due_at(answered) == after(610)

    raised = escalate(answered, by="tom", at=after(200)).incident

    (first,) = due_steps(raised, now=after(200))
    assert (first.step_id, first.due_at) == ("1-page-0", after(200))


def test_of_parallel_calls_only_one_raises_the_level() -> None:
    first = escalate(paged(), by="mia", at=after(1), seen_level=1)

    second = escalate(first.incident, by="tom", at=after(1), seen_level=1)

    assert second.incident is first.incident
    assert second.step is None


def test_a_request_that_is_sent_again_finds_the_tier_that_it_raised() -> None:
    first = escalate(paged(), by="mia", at=after(1), seen_level=1, request="r1")
    assert first.step is not None
    sent = mark_sent(first.incident, first.step.step_id, attempt=first.step.attempt, now=after(1))
    assert sent is not None

    again = escalate(sent, by="mia", at=after(70), seen_level=2, request="r1")

    assert again.incident is sent
    assert again.step is None
    assert again.raised == sent.step(first.step.step_id)
    another = escalate(sent, by="mia", at=after(70), seen_level=2, request="r2")
    assert another.raised is not None
    assert another.raised.tier == 2


def test_a_request_that_is_sent_again_publishes_what_its_first_try_had_only_claimed() -> None:
    first = escalate(paged(), by="mia", at=after(1), request="r1")
    assert first.step is not None

    again = escalate(first.incident, by="mia", at=after(2), request="r1")

    assert again.step is not None
    assert (again.step.step_id, again.step.attempt) == (first.step.step_id, first.step.attempt + 1)
    assert again.incident.escalation_level == 2
    late = mark_sent(again.incident, first.step.step_id, attempt=first.step.attempt, now=after(3))
    assert late is None


def test_a_request_takes_no_lease_of_a_worker_over() -> None:
    first = escalate(paged(), by="mia", at=after(1), request="r1")
    assert first.step is not None
    swept = claim(first.incident, first.step.step_id, now=after(61))
    assert isinstance(swept, Claimed)

    again = escalate(swept.incident, by="mia", at=after(62), request="r1")

    assert again.incident is swept.incident
    assert (again.step, again.raised) == (None, swept.step)


def test_a_request_that_is_sent_again_pages_nobody_after_an_answer() -> None:
    raised = escalate(paged(), by="mia", at=after(1), request="r1").incident
    for over in (
        acknowledge(raised, by="tom", at=after(2)).incident,
        resolve(raised, by="tom", at=after(2)).incident,
    ):
        again = escalate(over, by="mia", at=after(70), request="r1")
        assert again.step is None
        assert again.raised is not None
        assert again.incident is over


def test_a_tier_that_two_requests_raised_is_known_to_both() -> None:
    first = escalate(paged(), by="mia", at=after(1), request="r1")
    assert first.step is not None
    failed = release(first.incident, first.step.step_id, attempt=first.step.attempt)
    assert failed is not None

    second = escalate(failed, by="tom", at=after(2), request="r2").incident

    for request in ("r1", "r2"):
        again = escalate(second, by="mia", at=after(3), request=request)
        assert again.raised is not None
        assert again.raised.tier == 1
        assert again.incident.escalation_level == 2


def test_escalating_withdraws_an_acknowledgement_and_its_reminder() -> None:
    answered = acknowledge(paged(), by="mia", at=after(1)).incident

    raised = escalate(answered, by="tom", at=after(2))

    assert raised.incident.acknowledged_at is None
    assert raised.step is not None
    assert raised.step.tier == 1
    # The lease of the page is all that is left to wait for: the other timers stay stopped.
    assert next_due_at(raised.incident) == after(62)


def test_the_end_of_the_last_alert_ends_an_incident_that_alerts_opened() -> None:
    both = join(paged(), an_alert("b-1"), choice=WEDDING_DAY_CHOICE, now=after(1)).incident

    one = alert_resolved(both, "a-1", at=after(2)).incident
    none = alert_resolved(one, "b-1", at=after(3)).incident

    assert one.is_active
    assert none.status is IncidentStatus.RESOLVED
    assert due_steps(none, now=after(300))[0].kind is StepKind.RESOLVED
    assert alert_resolved(none, "b-1", at=after(4)).incident is none


def test_the_end_of_the_last_alert_does_not_end_what_somebody_reported() -> None:
    joined = join(
        a_reported_incident(), an_alert(), choice=WEDDING_DAY_CHOICE, now=after(1)
    ).incident

    assert alert_resolved(joined, "a-1", at=after(2)).incident.is_active


def test_the_end_of_a_foreign_alert_changes_nothing() -> None:
    incident = paged()

    assert alert_resolved(incident, "z-9", at=after(1)).incident is incident


def test_a_timeline_takes_no_more_than_an_item_can_hold() -> None:
    incident = paged()
    page = "x" * 4000
    for _ in range(NOTES_BYTES // 4000):
        incident = post_update(incident, by="mia", at=after(1), text=page).incident

    with pytest.raises(TimelineFull):
        post_update(incident, by="mia", at=after(2), text=page)


def test_a_closed_incident_takes_no_change() -> None:
    closed = replace(paged(), status=IncidentStatus.CLOSED)

    with pytest.raises(Conflict):
        post_update(closed, by="mia", at=after(1), text="x")
    with pytest.raises(Conflict):
        assign(closed, None, by="mia", at=after(1))
    with pytest.raises(Conflict):
        retitle(closed, title="x", description=None, by="mia", at=after(1))


def test_a_new_title_keeps_the_former_one_on_the_timeline() -> None:
    before = paged()
    named = retitle(before, title="Uploads stall", description=None, by="m", at=NOW).incident

    assert (named.title, named.updates[-1].text) == ("Uploads stall", f"was: {before.title}")
    again = retitle(named, title="Uploads stall", description=None, by="m", at=after(1))
    assert again.incident is named
