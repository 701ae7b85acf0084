"""Which channels of each recipient are used, in which order, and what is tried next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from wedsync.incidents.model import ChannelKind, Incident, StepKind
from wedsync.notifications.contacts import Channel, Contact
from wedsync.notifications.delivery import REACHED, Delivery, State
from wedsync.notifications.recipients import Recipient
from wedsync.notifications.told import Told, is_emergency, key_parts


def channels_for(told: Told, contact: Contact, incident: Incident | None) -> tuple[Channel, ...]:
    """The contact's channels in the order in which this message tries them.

    A tier that names channels is told on those; whoever has none of them is told as they prefer.
    The first page of an emergency goes to all of a contact's channels, whatever the tier names.
    """
    if is_emergency(told, incident) and told.tier == 0:
        return contact.channels
    wanted = _tier_channels(told, incident)
    named = tuple(
        channel for kind in wanted for channel in contact.channels if channel.kind is kind
    )
    return named or contact.channels


def plan(
    told: Told,
    recipients: Sequence[Recipient],
    *,
    incident: Incident | None,
    now: datetime,
) -> tuple[Delivery, ...]:
    """What everybody is to hear at once: on all channels in an emergency, else on the first."""
    planned: list[Delivery] = []
    for recipient in recipients:
        channels = channels_for(told, recipient.contact, incident)
        if not channels:
            planned.append(_without_channel(told, recipient, now=now))
            continue
        at_once = channels if is_emergency(told, incident) else channels[:1]
        for channel in at_once:
            delivery = delivery_of(
                told, recipient.contact, channel, reason=recipient.reason, now=now
            )
            if recipient.held is not None:
                delivery = replace(
                    delivery,
                    state=State.HELD,
                    over_at=now,
                    reason=f"{recipient.reason}; {recipient.held}",
                )
            planned.append(delivery)
    return tuple(planned)


def plan_end(told: Told, before: Sequence[Delivery], *, now: datetime) -> tuple[Delivery, ...]:
    """The end of it, for exactly those who may have heard of it, where they may have heard it.

    Every tier is told of the end; whichever message comes first plans it for all, under one key.
    """
    end = replace(told, moment=f"{told.moment.rpartition('#')[0]}#0")
    heard = {
        (each.contact_id, each.channel_id): each
        for each in before
        if each.channel is not None
        and each.kind != StepKind.RESOLVED
        and (each.state in REACHED or each.tries)
    }
    return tuple(
        replace(
            _blank(end, target=f"{each.contact_id}/{each.channel_id}", now=now),
            tier=each.tier,
            role=each.role,
            contact_id=each.contact_id,
            contact_name=each.contact_name,
            channel_id=each.channel_id,
            channel=each.channel,
            shown=each.shown,
            address_id=each.address_id,
            reason="heard of it before",
        )
        for each in heard.values()
    )


def plan_next(
    told: Told,
    contact: Contact,
    failed: Delivery,
    tried: Sequence[Delivery],
    *,
    incident: Incident | None,
    now: datetime,
) -> Delivery | None:
    """What is tried because a channel failed; None where every channel is in use already."""
    used = {each.channel_id for each in tried if each.contact_id == contact.contact_id}
    left = [
        channel
        for channel in (*channels_for(told, contact, incident), *contact.channels)
        if channel.channel_id not in used
    ]
    if not left:
        return None
    reason = f"{failed.channel_id} failed: {failed.attempts[-1].outcome}"
    return replace(
        delivery_of(told, contact, left[0], reason=reason, now=now),
        instead_of=failed.channel_id,
    )


def told_by(delivery: Delivery) -> Told:
    """The message that a delivery is part of."""
    tenant_id, subject_id, moment, _ = key_parts(delivery.dedup_key)
    return Told(
        tenant_id=tenant_id,
        subject_id=subject_id,
        moment=moment,
        kind=delivery.kind,
        tier=delivery.tier,
        role=delivery.role,
        severity=delivery.severity,
        subject=delivery.subject,
        text=delivery.text,
        incident_id=delivery.incident_id,
        alert_id=delivery.alert_id,
        wedding_id=delivery.wedding_id,
    )


def delivery_of(
    told: Told, contact: Contact, channel: Channel, *, reason: str, now: datetime
) -> Delivery:
    """One message to one contact on one channel."""
    return replace(
        _blank(told, target=f"{contact.contact_id}/{channel.channel_id}", now=now),
        contact_id=contact.contact_id,
        contact_name=contact.name,
        channel_id=channel.channel_id,
        channel=channel.kind,
        shown=channel.shown,
        address_id=channel.address_id,
        reason=reason,
    )


def unreachable(told: Told, reason: str, *, now: datetime) -> Delivery:
    """A message that nobody could be told: kept, so that somebody sees it."""
    return replace(
        _blank(told, target=told.role, now=now), state=State.UNREACHABLE, over_at=now, reason=reason
    )


def _without_channel(told: Told, recipient: Recipient, *, now: datetime) -> Delivery:
    contact = recipient.contact
    return replace(
        _blank(told, target=contact.contact_id, now=now),
        contact_id=contact.contact_id,
        contact_name=contact.name,
        state=State.UNREACHABLE,
        over_at=now,
        reason=f"{recipient.reason}; no channel",
    )


def _tier_channels(told: Told, incident: Incident | None) -> tuple[ChannelKind, ...]:
    if incident is None or not 0 <= told.tier < len(incident.policy.tiers):
        return ()
    return incident.policy.tiers[told.tier].channels


def _blank(told: Told, *, target: str, now: datetime) -> Delivery:
    return Delivery(
        dedup_key=f"{told.tenant_id}#{told.subject_id}#{told.moment}#{target}",
        subject_id=told.subject_id,
        incident_id=told.incident_id,
        alert_id=told.alert_id,
        wedding_id=told.wedding_id,
        kind=told.kind,
        tier=told.tier,
        role=told.role,
        severity=told.severity,
        subject=told.subject,
        text=told.text,
        contact_id=None,
        contact_name=None,
        channel_id=None,
        channel=None,
        shown=None,
        address_id=None,
        reason="",
        planned_at=now,
    )
