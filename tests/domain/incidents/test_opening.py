"""How incidents begin, and what makes a ladder begin anew."""

from dataclasses import replace

import pytest

from tests.domain.incidents.builders import (
    NORMAL_CHOICE,
    NOW,
    WEDDING_DAY_CHOICE,
    a_reported_incident,
    after,
    an_alert,
    an_incident,
    delivered,
    kinds,
)
from wedsync.alerting.severity import Impact, Severity
from wedsync.errors import Conflict, IncidentAlreadyResolved
from wedsync.incidents.ladder import next_due_at
from wedsync.incidents.lifecycle import acknowledge, close, resolve
from wedsync.incidents.model import IncidentStatus, Report, StepKind, StepStatus
from wedsync.incidents.opening import (
    alert_escalates,
    join,
    open_for_alert,
    open_incident,
    regrade,
    reopen,
    report_escalates,
)


@pytest.mark.parametrize(
    ("severity", "auto_escalate", "escalates"),
    [
        (Severity.CRITICAL, True, True),
        (Severity.CRITICAL, False, True),
        (Severity.HIGH, True, True),
        (Severity.HIGH, False, False),
    ],
)
def test_an_alert_escalates_when_it_is_critical_or_says_so(
    *, severity: Severity, auto_escalate: bool, escalates: bool
) -> None:
    alert = an_alert(severity=severity, auto_escalate=auto_escalate)

    assert alert_escalates(alert) is escalates


@pytest.mark.parametrize(
    ("severity", "impact", "escalates"),
    [
        (Severity.CRITICAL, Impact.NONE, True),
        (Severity.LOW, Impact.HIGH, True),
        (Severity.HIGH, Impact.MEDIUM, False),
    ],
)
def test_a_report_pages_at_once_when_it_is_critical_or_of_high_impact(
    *, severity: Severity, impact: Impact, escalates: bool
) -> None:
    report = Report(title="x", severity=severity, wedding_impact=impact)

    incident = open_incident(
        report, incident_id="i", choice=NORMAL_CHOICE, by="mia", now=NOW
    ).incident

    assert report_escalates(report) is escalates
    assert incident.has_ladder is escalates


def test_an_alert_opens_an_incident_that_remembers_why() -> None:
    alert = an_alert(context=None)

    incident = open_for_alert(alert, incident_id="i-1", choice=WEDDING_DAY_CHOICE, now=NOW).incident

    assert incident.auto_created
    assert incident.alerts[0].severity_reasons == alert.severity_reasons
    assert incident.affected_services == ("api",)
    assert incident.policy == WEDDING_DAY_CHOICE.policy
    assert incident.escalation_level == 0


def test_a_milder_report_tells_the_first_tier_once_and_is_at_level_0() -> None:
    incident, sent = delivered(a_reported_incident(), at=NOW)

    assert kinds(sent) == [(StepKind.NOTICE, 0)]
    assert incident.escalation_level == 0
    assert next_due_at(incident) is None


def test_a_joining_alert_pages_nobody_again_while_the_ladder_runs() -> None:
    incident, _ = delivered(an_incident(), at=NOW)

    joined = join(incident, an_alert("b-1"), choice=WEDDING_DAY_CHOICE, now=after(10)).incident

    assert [alert.alert_id for alert in joined.alerts] == ["a-1", "b-1"]
    assert joined.steps == incident.steps
    assert joined.epoch == 1


def test_an_alert_that_joins_twice_is_one_alert() -> None:
    incident = an_incident()

    assert join(incident, an_alert(), choice=WEDDING_DAY_CHOICE, now=NOW).incident is incident


def test_a_critical_alert_that_joins_a_milder_incident_begins_the_critical_ladder() -> None:
    incident = a_reported_incident()

    joined = join(incident, an_alert(), choice=WEDDING_DAY_CHOICE, now=after(5)).incident
    later, sent = delivered(joined, at=after(5))

    assert (joined.epoch, joined.severity) == (2, Severity.CRITICAL)
    assert joined.opened_at == after(5)
    assert incident.created_at == joined.created_at
    assert kinds(sent) == [(StepKind.PAGE, 0)]
    assert later.escalation_level == 1


def test_a_critical_alert_that_joins_an_acknowledged_incident_begins_a_new_epoch() -> None:
    incident, _ = delivered(an_incident(), at=NOW)
    answered = acknowledge(incident, by="mia", at=after(60)).incident

    joined = join(answered, an_alert("b-1"), choice=WEDDING_DAY_CHOICE, now=after(90)).incident

    assert joined.epoch == 2
    assert joined.acknowledged_at is None
    assert [step.due_at for step in joined.steps if step.epoch == 2] == [
        after(90),
        after(390),
        after(990),
    ]
    reminders = [step for step in joined.steps if step.kind is StepKind.REMINDER]
    assert [step.status for step in reminders] == [StepStatus.CANCELLED]


def test_an_alert_that_rises_to_critical_begins_the_critical_ladder() -> None:
    high = an_alert(severity=Severity.HIGH, auto_escalate=True)
    incident = open_for_alert(high, incident_id="i", choice=NORMAL_CHOICE, now=NOW).incident

    risen = join(incident, an_alert(), choice=WEDDING_DAY_CHOICE, now=after(60)).incident

    assert (risen.epoch, risen.policy.name) == (2, "wedding_day")
    assert len(risen.alerts) == 1


def test_a_milder_alert_that_joins_leaves_an_acknowledgement_in_force() -> None:
    answered = acknowledge(an_incident(), by="mia", at=after(1)).incident
    mild = an_alert("b-1", severity=Severity.HIGH)

    joined = join(answered, mild, choice=NORMAL_CHOICE, now=after(2)).incident

    assert (joined.acknowledged_by, joined.epoch, joined.severity) == (
        "mia",
        1,
        Severity.CRITICAL,
    )


def test_an_escalating_alert_starts_the_ladder_that_a_report_did_not() -> None:
    high = an_alert(severity=Severity.HIGH, auto_escalate=True)

    joined = join(a_reported_incident(), high, choice=NORMAL_CHOICE, now=after(1)).incident

    assert joined.has_ladder


def test_nothing_joins_a_resolved_incident() -> None:
    over = resolve(an_incident(), by="mia", at=after(1)).incident

    with pytest.raises(IncidentAlreadyResolved):
        join(over, an_alert("b-1"), choice=WEDDING_DAY_CHOICE, now=after(2))


def test_a_reopened_incident_starts_its_ladder_from_the_beginning() -> None:
    paged, _ = delivered(an_incident(), at=NOW)
    over = resolve(paged, by="mia", at=after(1)).incident

    again = reopen(over, choice=WEDDING_DAY_CHOICE, by="mia", at=after(100)).incident
    later, sent = delivered(again, at=after(100))

    assert (again.status, again.epoch, again.resolved_at) == (IncidentStatus.OPEN, 2, None)
    assert kinds(sent) == [(StepKind.PAGE, 0)]
    assert reopen(later, choice=WEDDING_DAY_CHOICE, by="tom", at=after(101)).incident is later


def test_a_closed_incident_stays_closed() -> None:
    over = resolve(an_incident(), by="mia", at=after(1)).incident
    closed = close(over, by="mia", at=after(2)).incident

    with pytest.raises(Conflict):
        reopen(closed, choice=WEDDING_DAY_CHOICE, by="mia", at=after(3))
    assert close(closed, by="tom", at=after(4)).incident is closed
    with pytest.raises(Conflict):
        close(replace(over, status=IncidentStatus.OPEN), by="mia", at=after(5))


def test_what_never_had_a_ladder_is_reopened_with_one_notice() -> None:
    told, _ = delivered(a_reported_incident(), at=NOW)
    over = resolve(told, by="mia", at=after(1)).incident

    again = reopen(over, choice=NORMAL_CHOICE, by="mia", at=after(100)).incident
    _, sent = delivered(again, at=after(10_000))

    assert kinds(sent) == [(StepKind.NOTICE, 0)]


def test_what_somebody_calls_critical_begins_the_critical_ladder_whoever_had_taken_it() -> None:
    told, _ = delivered(a_reported_incident(), at=NOW)
    taken = acknowledge(told, by="tom", at=after(1)).incident

    worse = regrade(
        taken, Severity.CRITICAL, choice=WEDDING_DAY_CHOICE, by="mia", at=after(60)
    ).incident
    _, sent = delivered(worse, at=after(60))

    assert (worse.epoch, worse.acknowledged_by, worse.policy.name) == (2, None, "wedding_day")
    assert kinds(sent) == [(StepKind.PAGE, 0)]


@pytest.mark.parametrize("severity", [Severity.LOW, Severity.CRITICAL])
def test_what_is_over_is_only_judged_anew(severity: Severity) -> None:
    over = resolve(a_reported_incident(), by="mia", at=after(1)).incident

    judged = regrade(over, severity, choice=WEDDING_DAY_CHOICE, by="mia", at=after(60)).incident

    assert (judged.severity, judged.epoch, judged.updates[-1].by) == (severity, 1, "mia")
    assert regrade(judged, severity, choice=NORMAL_CHOICE, by="m", at=NOW).incident is judged
