"""What an incident leaves to learn."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import a_wedding
from tests.domain.incidents.builders import (
    NOW,
    THE_DAY,
    a_reported_incident,
    after,
    an_alert,
    an_incident,
    delivered,
)
from wedsync.alerting.severity import Impact
from wedsync.incidents.lifecycle import acknowledge, resolve
from wedsync.incidents.model import Incident
from wedsync.incidents.opening import join, open_for_alert
from wedsync.incidents.policies import WEDDING_DAY, PolicyChoice, templates
from wedsync.incidents.postmortem import (
    Deployment,
    Findings,
    Postmortem,
    opened_on_saturday,
    record,
    similar,
    suggestions,
    took,
    touched,
)
from wedsync.incidents.postmortem_text import duration, markdown
from wedsync.incidents.timeline import told_in_order

CHOICE = PolicyChoice(policy=templates()[WEDDING_DAY], reason="critical on the wedding day")


def answered(*, began_s: int = 90, answered_s: int = 240, resolved_s: int = 1200) -> Incident:
    alert = replace(an_alert(), started_at=NOW - timedelta(seconds=began_s))
    opened = open_for_alert(
        alert, incident_id="i-1", choice=CHOICE, wedding_impact=Impact.HIGH, now=NOW
    ).incident
    paged, _ = delivered(opened, at=NOW)
    taken = acknowledge(paged, by="mia", at=after(answered_s)).incident
    return resolve(taken, by="mia", at=after(resolved_s)).incident


def test_times_count_from_the_first_breach_and_the_first_opening() -> None:
    times = took(answered())

    assert (times.to_detect, times.to_acknowledge, times.to_resolve) == (90, 240, 1200)


def test_a_later_ladder_does_not_hide_how_long_the_first_answer_took() -> None:
    paged, _ = delivered(an_incident(), at=NOW)
    taken = acknowledge(paged, by="mia", at=after(60)).incident
    again = join(taken, an_alert("a-2"), choice=CHOICE, now=after(300)).incident

    assert again.acknowledged_at is None
    assert took(again).to_acknowledge == 60


def test_what_nobody_could_know_is_not_told() -> None:
    times = took(a_reported_incident())

    assert (times.to_detect, times.to_acknowledge, times.to_resolve) == (None, None, None)


def test_kinds_services_and_the_wedding_make_incidents_alike() -> None:
    this = answered()
    elsewhere = replace(this, incident_id="i-0", wedding_id="w2", wedding_context=None)
    same = replace(this, incident_id="i-9")
    other = replace(a_reported_incident(), wedding_id=None)

    found = similar(this, [other, elsewhere, same, this])

    assert [(each.incident.incident_id, each.score) for each in found] == [
        ("i-9", 0.75),
        ("i-0", 0.5),
    ]
    assert found[0].reason == "same kind: photo_upload_failures; same wedding"


def test_its_own_figures_suggest_what_to_do() -> None:
    late = answered(began_s=900)
    paged, _ = delivered(an_incident(), at=NOW)
    unanswered, _ = delivered(paged, at=after(300))
    ended = resolve(unanswered, by="mia", at=after(400)).incident

    assert [each.title.split(":")[0] for each in suggestions(late, ())] == [
        "It breached for 15 min before it was told"
    ]
    assert [each.title.split(":")[0] for each in suggestions(ended, ())] == [
        "Tier 0 did not answer (on_call_engineer, platform_lead)",
        "It ended before anybody had answered",
    ]


def test_a_wedding_is_told_by_name_guests_local_time_and_what_was_planned() -> None:
    wedding = a_wedding(wedding_id="w1", on=NOW.date(), zone="Europe/Madrid", guests=180)

    (found,) = touched(answered(), [wedding], now=after(9999))

    assert (found.couple_name, found.guest_count) == (wedding.couple_name, 180)
    assert f"{found.from_local:%H:%M}-{found.to_local:%H:%M}" == "16:05-16:25"
    assert found.during == tuple(
        item.title
        for item in wedding.timeline
        if item.starts_at <= after(1200) and (item.ends_at or item.starts_at) >= NOW
    )


def test_a_wedding_that_is_gone_is_told_by_what_the_incident_keeps() -> None:
    (found,) = touched(answered(), [], now=after(9999))

    assert (found.couple_name, found.guest_count) == (THE_DAY.couple_name, None)
    assert f"{found.from_local:%H:%M}" == "16:05"


def test_a_record_knows_means_and_medians_of_what_is_known() -> None:
    found = record([answered(), answered(answered_s=60), a_reported_incident()])

    assert (found.incidents, found.resolved) == (3, 2)
    assert (found.to_acknowledge.known, found.to_acknowledge.mean_seconds) == (2, 150)
    assert record([]).to_resolve.median_seconds is None


def test_saturday_is_the_venues() -> None:
    there = replace(answered(), wedding_context=replace(THE_DAY, is_saturday_local=False))

    assert opened_on_saturday(answered())
    assert not opened_on_saturday(there)
    assert opened_on_saturday(replace(there, wedding_context=None))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (59.6, "60 s"), (150, "2 min"), (3600, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations_are_told_in_words(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_foreign_text_stays_text_in_the_document() -> None:
    title = "[click](http://x) | <b>bold</b>\n# heading"
    incident = replace(answered(), title=title)
    found = Postmortem(
        incident=incident,
        took=took(incident),
        touched=tuple(touched(incident, [], now=NOW)),
        story=told_in_order(incident),
        deployments=(Deployment(at=NOW, exact=True, service="[gallery]", version="2.1"),),
        similar=(),
        findings=Findings(summary="one\n# two"),
        suggestions=(),
    )

    document = markdown(found)

    assert document.startswith(
        r"# Post-mortem: \[click\](http://x) \| \<b\>bold\</b\> \# heading" + "\n"
    )
    assert "\n\\# two\n" in document
    assert "Ana & Ben" in document
    assert r": \[gallery\] 2.1" in document
    table = document.partition("## Timeline")[2].strip().splitlines()
    assert {line.replace(r"\|", "").count("|") for line in table if line} == {4}
