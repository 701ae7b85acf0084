"""Who hears a message to a role: who is on duty, else who holds it; the wedding's own people.

A role never falls silent because of a roster: where it has a gap, or names somebody who is gone,
everybody who holds the role is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.model import Alert
from wedsync.alerting.payments import PAYMENTS as OF_PAYMENTS
from wedsync.alerting.payments import names_payments
from wedsync.alerting.severity import Severity
from wedsync.incidents.model import Incident, StepKind
from wedsync.notifications.contacts import COORDINATOR, PAYMENTS, Contact
from wedsync.notifications.roster import Roster, on_duty
from wedsync.notifications.told import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody who hears it, and why; ``held``: why they are left alone for now."""

    contact: Contact
    reason: str
    held: str | None = None


def recipients(
    told: Told,
    *,
    contacts: Sequence[Contact],
    roster: Roster | None,
    incident: Incident | None,
    alerts: Sequence[Alert] = (),
    now: datetime,
) -> tuple[Recipient, ...]:
    """Everybody who hears it, each once. ``alerts``: what it is about, if no incident."""
    chosen = {
        contact.contact_id: (contact, reason)
        for contact, reason in (
            *_routed(
                told,
                contacts,
                roster,
                now,
                is_of_payments=concerns_payments(incident, alerts),
            ),
            *_addressed(told, contacts, roster, now),
        )
    }
    awake = [contact for contact, _ in chosen.values() if not contact.is_quiet(now)]
    return tuple(
        Recipient(
            contact=contact,
            reason=reason,
            held="quiet hours" if _left_alone(told, contact, awake, now) else None,
        )
        for contact, reason in chosen.values()
    )


def vacant_roles(
    roles: Iterable[str],
    *,
    wedding_id: str | None,
    contacts: Sequence[Contact],
    roster: Roster | None,
    now: datetime,
) -> frozenset[str]:
    """Those of these roles that nobody holds who could be reached on any channel.

    Where there are no contacts at all, people listen to the topics themselves: then nobody knows.
    """
    if not contacts:
        return frozenset()

    def is_reached(role: str) -> bool:
        if role == COORDINATOR:
            found = _coordinating(wedding_id, contacts)
        else:
            found = _holding(role, contacts, roster, now)
        return any(contact.channels for contact, _ in found)

    return frozenset(role for role in roles if not is_reached(role))


def concerns_payments(incident: Incident | None, alerts: Sequence[Alert]) -> bool:
    """Whether it is about money: by the services concerned, else by what the alerts measured.

    What people wrote tells nothing: a title speaks of payments that work as well.
    """
    if incident is None:
        return any(OF_PAYMENTS in each.tags for each in alerts)
    if any(map(names_payments, incident.affected_services)):
        return True
    return any(OF_PAYMENTS in each.tags for each in incident.alerts)


def _addressed(
    told: Told, contacts: Sequence[Contact], roster: Roster | None, now: datetime
) -> list[tuple[Contact, str]]:
    if told.role == COORDINATOR:
        return _coordinating(told.wedding_id, contacts)
    return _holding(told.role, contacts, roster, now)


def _coordinating(wedding_id: str | None, contacts: Sequence[Contact]) -> list[tuple[Contact, str]]:
    return [
        (each, "looks after this wedding")
        for each in contacts
        if COORDINATOR in each.roles and wedding_id in each.wedding_ids
    ]


def _holding(
    role: str, contacts: Sequence[Contact], roster: Roster | None, now: datetime
) -> list[tuple[Contact, str]]:
    duty = on_duty(roster, role, now) if roster is not None else None
    if duty is not None:
        found = [each for each in contacts if each.contact_id in duty]
        if found:
            return [(each, f"on duty as {role}") for each in found]
    return [(each, f"holds {role}") for each in contacts if role in each.roles]


def _routed(
    told: Told,
    contacts: Sequence[Contact],
    roster: Roster | None,
    now: datetime,
    *,
    is_of_payments: bool,
) -> list[tuple[Contact, str]]:
    """The first tier also reaches whoever the matter itself is close to."""
    if told.tier != 0:
        return []
    found = _coordinating(told.wedding_id, contacts)
    if is_of_payments:
        found += [
            (each, f"{reason}: it concerns payments")
            for each, reason in _holding(PAYMENTS, contacts, roster, now)
        ]
    return found


def _left_alone(told: Told, contact: Contact, awake: Sequence[Contact], now: datetime) -> bool:
    """Quiet hours hold nothing critical, and no page that nobody else would hear."""
    if told.severity is Severity.CRITICAL or not contact.is_quiet(now):
        return False
    return told.kind != StepKind.PAGE or bool(awake)
