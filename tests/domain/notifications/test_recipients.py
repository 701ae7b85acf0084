"""Who hears a message to a role."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from tests.domain.incidents.builders import an_alert
from tests.domain.incidents.builders import an_incident as an_open_incident
from tests.domain.notifications.builders import NOW, a_contact, a_message
from wedsync.alerting.model import Alert
from wedsync.alerting.severity import Severity
from wedsync.incidents.model import Incident, StepKind
from wedsync.notifications.contacts import COORDINATOR, PAYMENTS, Contact, QuietHours
from wedsync.notifications.recipients import recipients
from wedsync.notifications.roster import Override, Roster, Rotation
from wedsync.notifications.told import Told

MIA, BO = a_contact("con_mia"), a_contact("con_bo")
ROSTER = Roster(
    time_zone="Europe/Madrid",
    rotations=(
        Rotation(
            role="on_call_engineer",
            members=("con_mia", "con_bo"),
            starts_on=date(2026, 6, 1),
            hand_over=time(8),
        ),
    ),
)
NIGHT = QuietHours(starts=time(15), ends=time(18), time_zone="Europe/Madrid")
"""16:05 in Madrid is quiet."""


def heard_by(
    told: Told,
    *contacts: Contact,
    roster: Roster | None = None,
    incident: Incident | None = None,
    alerts: tuple[Alert, ...] = (),
) -> list[str]:
    found = recipients(
        told, contacts=contacts, roster=roster, incident=incident, alerts=alerts, now=NOW
    )
    return [each.contact.contact_id for each in found if each.held is None]


def test_without_a_roster_everybody_who_holds_the_role_hears_it() -> None:
    lead = a_contact("con_lead", "team_lead")
    assert heard_by(a_message(), MIA, lead, BO) == ["con_mia", "con_bo"]


def test_with_a_roster_whoever_is_on_duty_hears_it_alone() -> None:
    assert heard_by(a_message(), MIA, BO, roster=ROSTER) == ["con_mia"]


def test_whoever_is_on_duty_need_not_hold_the_role() -> None:
    guest = a_contact("con_mia", "team_lead")
    assert heard_by(a_message(), guest, BO, roster=ROSTER) == ["con_mia"]


@pytest.mark.parametrize("stands_in", [None, "con_gone"])
def test_a_gap_in_the_roster_silences_nobody(stands_in: str | None) -> None:
    gap = Override(
        role="on_call_engineer",
        contact_id=stands_in,
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=1),
    )
    roster = replace(ROSTER, overrides=(gap,))
    assert heard_by(a_message(), MIA, BO, roster=roster) == ["con_mia", "con_bo"]


def test_a_wedding_also_reaches_its_own_coordinator_at_the_first_tier() -> None:
    own = a_contact("con_own", COORDINATOR, weddings=("w1",))
    other = a_contact("con_other", COORDINATOR, weddings=("w2",))
    told = a_message(wedding_id="w1")
    assert heard_by(told, MIA, own, other) == ["con_own", "con_mia"]
    assert heard_by(replace(told, tier=1), MIA, own, other) == ["con_mia"]
    assert heard_by(a_message(), MIA, own, other) == ["con_mia"]
    asked = replace(told, role=COORDINATOR, tier=1)
    assert heard_by(asked, MIA, own, other) == ["con_own"]


@pytest.mark.parametrize(
    ("service", "title", "concerns"),
    [
        ("payments", "Slow", True),
        ("payment-gateway", "Slow", True),
        ("checkout", "Slow", True),
        ("gallery", "Photos fail", False),
        ("gallery", "Payments work, but photos fail", False),
        ("repayments", "Slow", False),
    ],
)
def test_a_payment_failure_also_reaches_payments_on_call(
    service: str, title: str, *, concerns: bool
) -> None:
    incident = replace(an_open_incident(), affected_services=(service,), title=title)
    cashier = a_contact("con_cash", PAYMENTS)
    told = a_message()
    found = heard_by(told, MIA, cashier, incident=incident)
    assert found == (["con_cash", "con_mia"] if concerns else ["con_mia"])


@pytest.mark.parametrize("tags", [("payments",), ()])
def test_an_alert_of_payments_reaches_payments_on_call_by_its_tag(tags: tuple[str, ...]) -> None:
    told = replace(a_message(subject="[HIGH] NOTICE: payments work"), incident_id=None)
    alert = replace(an_alert(), tags=tags)
    found = heard_by(told, a_contact("con_cash", PAYMENTS), alerts=(alert,))
    assert found == (["con_cash"] if tags else [])


def test_somebody_with_two_roles_in_a_message_hears_it_once() -> None:
    both = a_contact("con_mia", "on_call_engineer", COORDINATOR, weddings=("w1",))
    assert heard_by(a_message(wedding_id="w1"), both) == ["con_mia"]


def test_quiet_hours_hold_back_what_is_not_critical() -> None:
    asleep = replace(MIA, quiet_hours=NIGHT)
    assert heard_by(a_message(kind=StepKind.NOTICE), asleep) == []
    assert heard_by(a_message(kind=StepKind.NOTICE), replace(asleep, quiet_hours=None)) != []
    critical = a_message(severity=Severity.CRITICAL, wedding_id="w1")
    assert heard_by(critical, asleep) == ["con_mia"]


def test_a_page_that_nobody_else_would_hear_breaks_the_quiet() -> None:
    asleep = replace(MIA, quiet_hours=NIGHT)
    assert heard_by(a_message(), asleep, BO) == ["con_bo"]
    assert heard_by(a_message(), asleep) == ["con_mia"]


@pytest.mark.parametrize(
    ("starts", "ends", "quiet"),
    [
        (time(15), time(18), True),
        (time(16, 5), time(16, 6), True),
        (time(15), time(16, 5), False),
        (time(22), time(7), False),
        (time(22), time(16, 6), True),
        (time(16), time(2), True),
    ],
)
def test_quiet_hours_are_wall_time_and_may_pass_midnight(
    starts: time, ends: time, *, quiet: bool
) -> None:
    hours = QuietHours(starts=starts, ends=ends, time_zone="Europe/Madrid")
    assert hours.cover(NOW) is quiet


def test_alerts_tags_tell_what_an_incident_concerns() -> None:
    incident = replace(an_open_incident(), alerts=())
    cashier = a_contact("con_cash", PAYMENTS)
    assert heard_by(a_message(), cashier, incident=incident) == []
    remembered = replace(an_open_incident().alerts[0], tags=("payments",))
    told = heard_by(a_message(), cashier, incident=replace(incident, alerts=(remembered,)))
    assert told == ["con_cash"]
