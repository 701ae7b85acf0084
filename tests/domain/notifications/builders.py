"""Contacts, messages and deliveries for the tests of who is told."""

from dataclasses import replace
from datetime import UTC, datetime

from wedsync.alerting.severity import Severity
from wedsync.incidents.model import ChannelKind, StepKind
from wedsync.notifications.contacts import Channel, Contact, QuietHours
from wedsync.notifications.delivery import Delivery, claimed
from wedsync.notifications.planning import delivery_of
from wedsync.notifications.told import Told

NOW = datetime(2026, 6, 6, 14, 5, tzinfo=UTC)


def a_channel(kind: ChannelKind, channel_id: str | None = None) -> Channel:
    return Channel(channel_id=channel_id or kind.value, kind=kind, shown=f"to {kind}")


def a_contact(
    contact_id: str = "con_mia",
    *roles: str,
    channels: tuple[ChannelKind, ...] = (ChannelKind.WEBHOOK, ChannelKind.EMAIL),
    quiet_hours: QuietHours | None = None,
    weddings: tuple[str, ...] = (),
) -> Contact:
    return Contact(
        contact_id=contact_id,
        name=contact_id.removeprefix("con_").title(),
        roles=roles or ("on_call_engineer",),
        channels=tuple(map(a_channel, channels)),
        quiet_hours=quiet_hours,
        wedding_ids=weddings,
        created_at=NOW,
        updated_at=NOW,
    )


def a_message(
    role: str = "on_call_engineer",
    *,
    kind: str = StepKind.PAGE,
    severity: Severity = Severity.HIGH,
    tier: int = 0,
    wedding_id: str | None = None,
    subject: str = "[HIGH] PAGE: Photos are slow",
    text: str = "PAGE - high: Photos are slow",
) -> Told:
    return Told(
        tenant_id="demo",
        subject_id="inc_1-1",
        moment=f"1#{kind}#{tier}",
        kind=kind,
        tier=tier,
        role=role,
        severity=severity,
        subject=subject,
        text=text,
        incident_id="inc_1-1",
        wedding_id=wedding_id,
    )


def a_delivery(
    kind: ChannelKind = ChannelKind.WEBHOOK,
    *,
    told: Told | None = None,
    contact: Contact | None = None,
) -> Delivery:
    """One that a worker has just claimed."""
    to = contact or a_contact(channels=(kind,))
    channel = next(each for each in to.channels if each.kind is kind)
    made = delivery_of(told or a_message(), to, channel, reason="holds it", now=NOW)
    return replace(claimed(made, now=NOW), version=1)
