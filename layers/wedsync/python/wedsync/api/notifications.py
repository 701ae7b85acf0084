"""Bodies of what was told to whom."""

from collections.abc import Sequence
from datetime import datetime

from wedsync.alerting.severity import Severity
from wedsync.api.shape import Reply
from wedsync.incidents.model import ChannelKind
from wedsync.notifications.delivery import Delivery, State


class AttemptReply(Reply):
    """One attempt at an endpoint, and what came of it."""

    at: datetime
    outcome: str
    status: int | None


class NotificationReply(Reply):
    """One message to one contact on one channel.

    ``delivered``: the endpoint took it. ``handed_over``: SNS has it, which tells no more.
    ``held``: quiet hours. ``unreachable``: nobody holds the role, or they have no channel.
    """

    notification_id: str
    dedup_key: str
    kind: str
    tier: int
    role: str
    severity: Severity
    incident_id: str | None
    alert_id: str | None
    wedding_id: str | None
    contact_id: str | None
    contact_name: str | None
    channel: ChannelKind | None
    channel_id: str | None
    target: str | None
    state: State
    reason: str
    instead_of: str | None
    subject: str
    planned_at: datetime
    next_attempt_at: datetime | None
    over_at: datetime | None
    attempts: list[AttemptReply]

    @classmethod
    def of(cls, delivery: Delivery) -> "NotificationReply":
        """This delivery."""
        return cls(
            notification_id=delivery.notification_id,
            dedup_key=delivery.dedup_key,
            kind=delivery.kind,
            tier=delivery.tier,
            role=delivery.role,
            severity=delivery.severity,
            incident_id=delivery.incident_id,
            alert_id=delivery.alert_id,
            wedding_id=delivery.wedding_id,
            contact_id=delivery.contact_id,
            contact_name=delivery.contact_name,
            channel=delivery.channel,
            channel_id=delivery.channel_id,
            target=delivery.shown,
            state=delivery.state,
            reason=delivery.reason,
            instead_of=delivery.instead_of,
            subject=delivery.subject,
            planned_at=delivery.planned_at,
            next_attempt_at=delivery.due_at,
            over_at=delivery.over_at,
            attempts=[
                AttemptReply(at=each.at, outcome=each.outcome, status=each.status)
                for each in delivery.attempts
            ],
        )


class NotificationListReply(Reply):
    """Some notifications, newest first."""

    items: list[NotificationReply]
    next_cursor: str | None
    effective_limit: int


class TriedChannelReply(Reply):
    """A test on its way."""

    notification_id: str
    channel_id: str | None
    channel: ChannelKind | None


class TriedReply(Reply):
    """The tests that were sent to a contact."""

    contact_id: str
    notifications: list[TriedChannelReply]

    @classmethod
    def of(cls, contact_id: str, planned: Sequence[Delivery]) -> "TriedReply":
        """These tests."""
        return cls(
            contact_id=contact_id,
            notifications=[
                TriedChannelReply(
                    notification_id=each.notification_id,
                    channel_id=each.channel_id,
                    channel=each.channel,
                )
                for each in planned
            ],
        )
