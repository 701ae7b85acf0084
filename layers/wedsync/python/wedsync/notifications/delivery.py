"""One message to one contact on one channel: from the decision to the last attempt.

A worker claims a delivery in one conditional write, posts it, and stores what came of it. A crash
in between lets the lease run out, and it is posted again under the same id: receivers drop the
second one. Once somebody has answered the incident, nothing that still waits is sent.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from wedsync.alerting.severity import Severity
from wedsync.cloud.web import Answered, Outcome
from wedsync.incidents.model import ChannelKind, Incident, StepKind
from wedsync.notifications.contacts import BY_SNS
from wedsync.notifications.told import key_parts

LEASE = timedelta(seconds=30)
RETRY_AFTER_SECONDS = (5, 30, 120, 600)
"""Pauses after each failed attempt but the last."""


class State(StrEnum):
    """How far a delivery is."""

    PLANNED = "planned"
    QUEUED = "queued"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    HANDED_OVER = "handed_over"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD = "held"
    UNREACHABLE = "unreachable"


OVER = frozenset(State) - {State.PLANNED, State.QUEUED, State.RETRYING}
"""Nothing more happens to it."""
REACHED = frozenset({State.DELIVERED, State.HANDED_OVER})
"""Somebody may have heard it: an endpoint has taken it, or SNS, which tells no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One post, or none where the endpoint's circuit was open: when, and what came of it."""

    at: datetime
    outcome: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one contact was to hear on one channel, and what became of it.

    ``contact_id`` is None where nobody could be told: a role that no contact holds. ``instead_of``
    names the channel that failed before this one was tried. ``lease_until`` is set while a worker
    holds it; ``tries`` counts the claims.
    """

    dedup_key: str
    subject_id: str
    incident_id: str | None
    alert_id: str | None
    wedding_id: str | None
    kind: str
    tier: int
    role: str
    severity: Severity
    subject: str
    text: str
    contact_id: str | None
    contact_name: str | None
    channel_id: str | None
    channel: ChannelKind | None
    shown: str | None
    address_id: str | None
    reason: str
    state: State = State.PLANNED
    planned_at: datetime
    due_at: datetime | None = None
    over_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    lease_until: datetime | None = None
    tries: int = 0
    instead_of: str | None = None
    version: int = 0

    @property
    def notification_id(self) -> str:
        """What receivers know it by; the same at every attempt."""
        return f"msg_{blake2b(self.dedup_key.encode(), digest_size=16).hexdigest()}"


def leased(delivery: Delivery, *, now: datetime) -> bool:
    """Whether a worker holds it."""
    return delivery.lease_until is not None and delivery.lease_until > now


def claimed(delivery: Delivery, *, now: datetime) -> Delivery:
    """Put it into one worker's hands."""
    return replace(delivery, lease_until=now + LEASE, tries=delivery.tries + 1)


def handed_on(delivery: Delivery, *, now: datetime) -> Delivery:
    """The topic holds it: SNS delivers it, or the queue of what is posted does."""
    freed = replace(delivery, lease_until=None)
    if delivery.channel in BY_SNS:
        return replace(freed, state=State.HANDED_OVER, over_at=now)
    return replace(freed, state=State.QUEUED)


def unwanted(delivery: Delivery, incident: Incident | None) -> str | None:
    """Why it must not be sent any more; None while it is wanted.

    What is about no incident, or tells of an end, an answer or a runbook's step, is wanted always.
    """
    asking = {StepKind.PAGE, StepKind.NOTICE, StepKind.REMINDER}
    if incident is None or delivery.kind not in asking or _is_of_runbook(delivery, incident):
        return None
    if not incident.is_active:
        return "the incident is over"
    _, subject_id, moment, _ = key_parts(delivery.dedup_key)
    its_own = subject_id == incident.incident_id
    if its_own and not moment.startswith(f"{incident.epoch}#"):
        return "a later ladder took over"
    acknowledged = incident.acknowledged_at is not None
    # The notice of an alert that joined it tells of something else.
    asks = delivery.kind == StepKind.PAGE or (delivery.kind == StepKind.NOTICE and its_own)
    if asks and acknowledged:
        return "somebody has acknowledged"
    if delivery.kind == StepKind.REMINDER and not acknowledged:
        return "the acknowledgement was withdrawn"
    return None


def _is_of_runbook(delivery: Delivery, incident: Incident) -> bool:
    """Whether it tells of a runbook's step and not of a ladder's, whose moments begin by epoch."""
    _, subject_id, moment, _ = key_parts(delivery.dedup_key)
    return subject_id == incident.incident_id and not moment.partition("#")[0].isdigit()


def cancelled(delivery: Delivery, reason: str, *, now: datetime) -> Delivery:
    """Call it off."""
    return replace(
        delivery,
        state=State.CANCELLED,
        reason=f"{delivery.reason}; {reason}",
        lease_until=None,
        due_at=None,
        over_at=now,
    )


def after(delivery: Delivery, outcome: Outcome, *, now: datetime) -> Delivery:
    """Store what came of an attempt: it is delivered, tried again later, or given up."""
    if isinstance(outcome, Answered):
        attempt = Attempt(at=now, outcome=f"answered {outcome.status}", status=outcome.status)
        taken, final = outcome.taken, outcome.final
    else:
        attempt = Attempt(at=now, outcome=outcome.reason)
        taken, final = False, outcome.final
    made = replace(delivery, attempts=(*delivery.attempts, attempt), lease_until=None, due_at=None)
    if taken:
        return replace(made, state=State.DELIVERED, over_at=now)
    if final or len(made.attempts) > len(RETRY_AFTER_SECONDS):
        return replace(made, state=State.FAILED, over_at=now)
    pause = timedelta(seconds=RETRY_AFTER_SECONDS[len(made.attempts) - 1])
    return replace(made, state=State.RETRYING, due_at=now + pause)


def has_failed(delivery: Delivery) -> bool:
    """Whether it did not get through so far: the next channel is tried, without waiting for it."""
    return delivery.state in {State.RETRYING, State.FAILED}
