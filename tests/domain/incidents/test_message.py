"""What a page says, and that no name can break it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.incidents.builders import (
    NOW,
    THE_DAY,
    WEDDING_DAY_CHOICE,
    a_reported_incident,
    after,
    an_alert,
    an_incident,
    delivered,
)
from wedsync.alerting.lifecycle import resolve as resolve_alert
from wedsync.alerting.severity import Severity
from wedsync.incidents.ladder import due_steps
from wedsync.incidents.lifecycle import acknowledge, resolve
from wedsync.incidents.message import PageMessage, alert_messages, ascii_line, messages, one_line
from wedsync.incidents.model import Incident, StepKind
from wedsync.incidents.opening import join


def first_page(incident: Incident) -> tuple[PageMessage, ...]:
    return messages(incident, incident.steps[0], tenant="t1", now=NOW)


def test_a_step_is_one_message_per_role_with_its_own_key() -> None:
    pages = first_page(an_incident())

    assert [page.role for page in pages] == ["on_call_engineer", "platform_lead"]
    assert [page.dedup_key for page in pages] == [
        "t1#i-1#1#page#0#on_call_engineer",
        "t1#i-1#1#page#0#platform_lead",
    ]


def test_the_attributes_say_what_filters_need_and_leave_out_what_has_no_value() -> None:
    incident = an_incident()
    page = messages(incident, incident.steps[1], tenant="t1", now=after(300))[0]
    bare = first_page(replace(incident, wedding_id=None, alerts=()))[0]

    assert page.attributes == {
        "kind": "page",
        "severity": "critical",
        "tier": 1,
        "role": "cto",
        "channel": "all",
        "incident_id": "i-1",
        "alert_id": "a-1",
        "wedding_id": "w1",
        "dedup_key": "t1#i-1#1#page#1#cto",
    }
    assert not {"alert_id", "wedding_id"} & set(bare.attributes)


def test_a_page_explains_itself() -> None:
    page = first_page(an_incident())[0]

    assert page.subject.startswith(
        "[CRITICAL] PAGE: Photo uploads fail at the wedding of Ana & Ben"
    )
    for part in (
        "Ana & Ben",
        "venue time Saturday 2026-06-06 16:05 (Europe/Berlin)",
        "measured 2, threshold 1",
        "why critical: 2 % of photo uploads fail on the wedding day; 1 % is allowed",
        "tier 0 (1 of 3)",
        "critical on the wedding day",
        "POST /api/monitoring/incidents/i-1/acknowledge",
    ):
        assert part in page.body


def test_a_subject_names_the_couple_even_when_the_title_does_not() -> None:
    incident = replace(an_incident(), title="Check-in is down")

    assert first_page(incident)[0].subject == "[CRITICAL] PAGE: Ana & Ben: Check-in is down"


@pytest.mark.parametrize("couple", ["ليلى و عمر", "💍💒", "\r\n"])
def test_a_subject_falls_back_to_the_id_when_a_name_has_no_ascii_form(couple: str) -> None:
    incident = replace(
        an_incident(),
        title="Check-in is down",
        wedding_context=replace(THE_DAY, couple_name=couple),
    )

    assert first_page(incident)[0].subject == "[CRITICAL] PAGE: i-1: Check-in is down"


@settings(max_examples=150, deadline=None)
@given(couple=st.text(max_size=200), title=st.text(max_size=400), reason=st.text(max_size=200))
def test_no_name_and_no_title_can_break_a_message(couple: str, title: str, reason: str) -> None:
    incident = an_incident()
    context = replace(THE_DAY, couple_name=couple)
    plain = first_page(incident)[0]
    page = first_page(
        replace(incident, title=title, wedding_context=context, policy_reason=reason)
    )[0]

    assert len(page.subject) < 100
    assert page.subject.isascii()
    assert page.subject.isprintable()
    assert page.body.encode()
    assert page.body.count("\n") == plain.body.count("\n")
    assert "\r" not in page.body


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Ana\r\nBcc: all", "Ana Bcc: all"),
        ("a\u2028b\u2029c\x85d\x00e", "a b c d e"),
        ("Zoë \u202egnp.exe", "Zoë gnp.exe"),
        ("ليلى و عمر 💍", "ليلى و عمر 💍"),
        ("half \ud83d emoji\uffff", "half emoji"),
        ("x" * 30, "x" * 19 + "…"),
    ],
)
def test_a_line_keeps_every_script_and_nothing_that_steers_it(text: str, line: str) -> None:
    assert one_line(text, limit=20) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [("Zoë & Łukasz", "Zoe & ukasz"), ("a\tb\nc", "a b c"), ("x" * 30, "x" * 17 + "...")],
)
def test_a_subject_is_written_in_printable_ascii(text: str, line: str) -> None:
    assert ascii_line(text, limit=20) == line


def test_a_reminder_says_who_took_it_and_asks_for_an_update() -> None:
    paged, _ = delivered(an_incident(), at=NOW)
    answered = acknowledge(paged, by="mia\n", at=after(1)).incident
    (step,) = due_steps(answered, now=after(700))

    page = messages(answered, step, tenant="t1", now=after(700))[0]

    assert "Acknowledged by mia, and nothing was heard since." in page.body
    assert page.dedup_key == "t1#i-1#1#reminder#0#on_call_engineer"


def test_a_reminder_goes_to_each_role_on_the_tier_that_paged_it() -> None:
    twice, _ = delivered(delivered(an_incident(), at=NOW)[0], at=after(300))
    answered = acknowledge(twice, by="mia", at=after(310)).incident
    (step,) = due_steps(answered, now=after(1000))

    reminders = messages(answered, step, tenant="t1", now=after(1000))

    assert [(each.role, each.tier) for each in reminders] == [
        ("on_call_engineer", 0),
        ("platform_lead", 0),
        ("cto", 1),
        ("emergency_contacts", 1),
    ]


def test_the_pages_of_a_later_ladder_are_about_the_alert_for_which_it_began() -> None:
    answered = acknowledge(an_incident(), by="mia", at=after(1)).incident
    second = replace(an_alert("b-1"), message="Check-in is down at the wedding of Ana & Ben")
    joined = join(answered, second, choice=WEDDING_DAY_CHOICE, now=after(60)).incident
    (step,) = due_steps(joined, now=after(60))

    page = messages(joined, step, tenant="t1", now=after(60))[0]

    assert page.attributes["alert_id"] == "b-1"
    assert "Check-in is down" in page.subject
    first, second_line, *_ = page.body.splitlines()
    assert "Check-in is down" in first
    assert f"Of the incident: {joined.title}" in page.body
    assert page.body.index("Alert b-1") < page.body.index("Alert a-1")
    assert second_line.startswith("Wedding of Ana & Ben")


def test_the_end_asks_nobody_to_acknowledge() -> None:
    paged, _ = delivered(an_incident(), at=NOW)
    over = resolve(paged, by="mia", at=after(1)).incident
    (step,) = due_steps(over, now=after(1))

    page = messages(over, step, tenant="t1", now=after(1))[0]

    assert page.subject.startswith("[CRITICAL] RESOLVED: ")
    assert "acknowledge" not in page.body.lower()


def test_a_page_over_forty_alerts_is_one_page_that_lists_them() -> None:
    incident = an_incident()
    many = tuple(replace(incident.alerts[0], alert_id=f"a-{n}") for n in range(40))

    assert first_page(replace(incident, alerts=many))[0].body.count("Alert a-") == 40
    crowd = first_page(replace(incident, alerts=many * 2))[0]
    assert "and 30 more alerts" in crowd.body


def test_a_report_without_a_wedding_speaks_of_itself() -> None:
    incident = replace(a_reported_incident(), wedding_id=None, description="Since noon")

    page = messages(incident, incident.steps[0], tenant="t1", now=NOW)[0]

    assert page.subject == "[HIGH] NOTICE: i-2: The florist's list is empty"
    assert "Since noon" in page.body


def test_an_alert_without_a_ladder_is_told_once_and_its_end_once_by_other_keys() -> None:
    alert = an_alert(severity=Severity.HIGH)
    ended = resolve_alert(alert, by="mia", at=after(60))
    risen = replace(alert, severity=Severity.CRITICAL)

    keys = [
        message.dedup_key
        for each in (alert, ended, risen)
        for message in alert_messages(each, roles=("on_call_engineer",), tenant="t1", now=NOW)
    ]

    assert keys == [
        "t1#a-1#2#notice#0#on_call_engineer",
        "t1#a-1#2#resolved#0#on_call_engineer",
        "t1#a-1#3#notice#0#on_call_engineer",
    ]


def test_the_notice_of_an_alert_explains_itself() -> None:
    (message,) = alert_messages(an_alert(), roles=("on_call_engineer",), tenant="t1", now=NOW)

    assert message.attributes["kind"] == StepKind.NOTICE.value
    assert "incident_id" not in message.attributes
    assert "POST /api/metrics/alerts/a-1/acknowledge" in message.body
    assert "16:05 at the venue" in message.body
