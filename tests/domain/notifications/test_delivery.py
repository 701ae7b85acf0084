"""What becomes of a delivery, attempt by attempt; how a circuit opens and closes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.domain.incidents.builders import an_incident
from tests.domain.notifications.builders import NOW, a_contact, a_delivery, a_message
from wedsync.alerting.severity import Impact, Severity
from wedsync.cloud import Answered, NoAnswer, Outcome
from wedsync.incidents.lifecycle import acknowledge, resolve
from wedsync.incidents.model import ChannelKind, Incident, StepKind, Tier
from wedsync.notifications.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Circuit
from wedsync.notifications.delivery import (
    RETRY_AFTER_SECONDS,
    Delivery,
    State,
    after,
    has_failed,
    unwanted,
)
from wedsync.notifications.planning import (
    channels_for,
    delivery_of,
    plan,
    plan_end,
    plan_next,
    told_by,
)
from wedsync.notifications.recipients import Recipient

DOWN = NoAnswer("no answer in time")
WEBHOOK, EMAIL, SMS = ChannelKind.WEBHOOK, ChannelKind.EMAIL, ChannelKind.SMS


def incident_with(*channels: ChannelKind, impact: Impact = Impact.NONE) -> Incident:
    incident = an_incident()
    tiers = (
        Tier(after_seconds=0, roles=("on_call_engineer",), channels=channels),
        Tier(after_seconds=60, roles=("cto",), channels=channels),
    )
    policy = replace(incident.policy, tiers=tiers)
    return replace(incident, policy=policy, incident_id="inc_1-1", wedding_impact=impact)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_endpoint_that_takes_it_has_it(status: int) -> None:
    done = after(a_delivery(), Answered(status), now=NOW)
    assert (done.state, done.over_at, done.lease_until) == (State.DELIVERED, NOW, None)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410])
def test_a_refusal_is_final_and_so_is_a_redirect(status: int) -> None:
    assert after(a_delivery(), Answered(status), now=NOW).state is State.FAILED


@pytest.mark.parametrize("outcome", [Answered(500), Answered(503), Answered(429), DOWN])
def test_what_may_pass_is_tried_again_until_it_is_given_up(outcome: Outcome) -> None:
    delivery, now = a_delivery(), NOW
    waited = []
    while delivery.state is not State.FAILED:
        delivery = after(delivery, outcome, now=now)
        if delivery.due_at is not None:
            waited.append((delivery.due_at - now).total_seconds())
            now = delivery.due_at
        assert has_failed(delivery)
    assert waited == list(RETRY_AFTER_SECONDS)
    assert len(delivery.attempts) == len(RETRY_AFTER_SECONDS) + 1


def test_nothing_is_sent_once_somebody_has_acknowledged_or_it_is_over() -> None:
    incident = incident_with()
    page, reminder = (a_delivery(told=a_message(kind=kind)) for kind in ("page", "reminder"))
    taken = acknowledge(incident, by="mia", at=NOW).incident
    over = resolve(incident, by="mia", at=NOW).incident
    assert unwanted(page, incident) is None
    assert unwanted(page, taken) == "somebody has acknowledged"
    assert unwanted(reminder, taken) is None
    assert unwanted(reminder, incident) == "the acknowledgement was withdrawn"
    assert unwanted(page, over) == unwanted(reminder, over) == "the incident is over"
    assert unwanted(page, replace(incident, epoch=2)) == "a later ladder took over"
    for kind in ("resolved", "acknowledged", "test"):
        assert unwanted(a_delivery(told=a_message(kind=kind)), over) is None


def planned(incident: Incident | None, **message: object) -> list[str | None]:
    contact = a_contact(channels=(WEBHOOK, EMAIL, SMS))
    told = a_message(**message)  # type: ignore[arg-type] # members of a message
    found = plan(told, [Recipient(contact=contact, reason="r")], incident=incident, now=NOW)
    assert len({each.dedup_key for each in found}) == len(found)
    return [each.channel_id for each in found]


def test_an_emergency_is_told_on_all_channels_at_once_whatever_its_tier_names() -> None:
    assert planned(incident_with(), severity=Severity.CRITICAL) == ["webhook", "email", "sms"]
    assert planned(incident_with(SMS), severity=Severity.CRITICAL) == ["webhook", "email", "sms"]
    assert planned(incident_with(impact=Impact.HIGH)) == ["webhook", "email", "sms"]


def test_later_tiers_of_an_emergency_use_all_channels_that_their_tier_names() -> None:
    incident = incident_with(SMS, EMAIL)
    assert planned(incident, severity=Severity.CRITICAL, tier=1) == ["sms", "email"]


def test_anything_else_is_told_on_the_first_channel_of_the_tier_or_the_contact() -> None:
    assert planned(incident_with()) == ["webhook"]
    assert planned(incident_with(SMS, EMAIL)) == ["sms"]
    assert planned(incident_with(ChannelKind.TEAMS)) == ["webhook"]
    assert planned(incident_with(), kind=StepKind.NOTICE, severity=Severity.CRITICAL) == ["webhook"]
    assert planned(None) == ["webhook"]


def test_what_is_held_back_is_planned_and_over() -> None:
    held = Recipient(contact=a_contact(), reason="holds it", held="quiet hours")
    (found,) = plan(a_message(), [held], incident=None, now=NOW)
    assert (found.state, found.reason) == (State.HELD, "holds it; quiet hours")


def test_somebody_without_a_channel_is_noted() -> None:
    nobody = Recipient(contact=a_contact(channels=()), reason="holds it")
    (found,) = plan(a_message(), [nobody], incident=None, now=NOW)
    assert found.state is State.UNREACHABLE


def test_the_channels_that_are_tried_next_are_those_left_each_once() -> None:
    contact = a_contact(channels=(WEBHOOK, EMAIL, SMS))
    told = a_message()
    tried: list[Delivery] = []
    failed = after(
        delivery_of(told, contact, contact.channels[0], reason="r", now=NOW), DOWN, now=NOW
    )
    tried.append(failed)
    while True:
        following = plan_next(told, contact, failed, tried, incident=None, now=NOW)
        if following is None:
            break
        assert following.instead_of == failed.channel_id
        assert "no answer in time" in following.reason
        failed = after(following, DOWN, now=NOW)
        tried.append(failed)
    assert [each.channel_id for each in tried] == ["webhook", "email", "sms"]
    assert channels_for(told, contact, incident_with(SMS))[0].channel_id == "sms"


def test_the_end_is_told_to_exactly_those_who_may_have_heard_of_it() -> None:
    def to(name: str, state: State, *, tries: int = 0) -> Delivery:
        made = a_delivery(contact=a_contact(name, channels=(WEBHOOK,)))
        return replace(made, state=state, tries=tries)

    before = [
        to("con_heard", State.DELIVERED, tries=1),
        to("con_mail", State.HANDED_OVER),
        to("con_hung", State.FAILED, tries=5),
        to("con_asleep", State.HELD),
        to("con_spared", State.CANCELLED),
    ]
    end = a_message("cto", kind=StepKind.RESOLVED)
    found = plan_end(end, [*before, before[0]], now=NOW)
    assert {each.contact_id for each in found} == {"con_heard", "con_mail", "con_hung"}
    assert len(found) == 3
    assert plan_end(end, found, now=NOW) == ()


def test_a_delivery_tells_of_the_message_that_it_is_part_of() -> None:
    told = a_message(wedding_id="w1", tier=1)
    assert told_by(a_delivery(told=told)) == told


def test_a_circuit_opens_after_failures_in_a_row_and_one_attempt_decides() -> None:
    circuit = Circuit()
    for _ in range(FAILURES):
        assert not circuit.is_open(NOW)
        circuit = circuit.after(DOWN, now=NOW)
    assert circuit.is_open(NOW)
    later = NOW + FIRST_PAUSE
    assert not circuit.is_open(later)
    probing = circuit.probing(later)
    assert probing is not None
    assert probing.is_open(later)
    again = probing.after(Answered(502), now=later)
    assert again.is_open(later + FIRST_PAUSE)
    assert not again.is_open(later + 2 * FIRST_PAUSE)
    assert probing.after(Answered(200), now=later) == Circuit()


def test_a_circuit_pauses_no_longer_than_it_may() -> None:
    circuit = Circuit(failures=FAILURES - 1)
    now = NOW
    for _ in range(40):
        circuit = circuit.after(DOWN, now=now)
        assert circuit.open_until is not None
        assert circuit.open_until - now <= LONGEST_PAUSE
        now = circuit.open_until + timedelta(seconds=1)


def test_refusals_and_urls_that_are_not_allowed_say_nothing_against_an_endpoint() -> None:
    nearly = Circuit(failures=FAILURES - 1)
    assert nearly.after(Answered(404), now=NOW) == Circuit()
    assert nearly.after(NoAnswer("not public", final=True), now=NOW) == nearly
