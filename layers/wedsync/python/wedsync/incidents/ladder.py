"""The protocol by which a step of the ladder is delivered.

A worker claims a step in one conditional write, publishes it, and marks it sent if the attempt
is still its own. A crash between publish and mark lets the lease run out, and the step is
published again with the same key: a page twice is better than a page missed. A page is never
claimed before it is due, nor after an acknowledgement or a resolve.

A tier whose roles nobody holds is heard by nobody who is known. Waiting for its answer would only
lose time, so the write that marks it sent has the next tier fall due at once, as long as somebody
holds a role further up: else people may listen to the topics alone, and the ladder keeps its times.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wedsync.incidents.model import (
    Incident,
    LadderStep,
    Policy,
    StepKind,
    StepStatus,
    Update,
    UpdateKind,
)

LEASE = timedelta(seconds=60)
SYSTEM = "wedsync"


class Refusal(StrEnum):
    """Why a step was not given out."""

    UNKNOWN_STEP = "unknown step"
    NOT_OPEN = "the incident is not open"
    NOT_RESOLVED = "the incident is not resolved"
    ACKNOWLEDGED = "somebody has acknowledged"
    NOT_ACKNOWLEDGED = "the acknowledgement was withdrawn"
    SUPERSEDED = "a later ladder took over"
    CANCELLED = "called off"
    SENT = "already sent"
    LEASED = "another worker holds it"
    NOT_DUE = "not due yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The step is the caller's until ``step.lease_until``; publish it once this is stored."""

    incident: Incident
    step: LadderStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing to do, and why."""

    reason: Refusal


def planned_step(
    kind: StepKind, *, epoch: int, tier: int, roles: tuple[str, ...], due_at: datetime
) -> LadderStep:
    """Plan one delivery, named by its epoch, kind and tier, as receivers know it."""
    return LadderStep(
        step_id=f"{epoch}-{kind}-{tier}",
        kind=kind,
        epoch=epoch,
        tier=tier,
        roles=roles,
        due_at=due_at,
    )


def plan(policy: Policy, *, epoch: int, now: datetime) -> tuple[LadderStep, ...]:
    """Plan every tier: the first at once, the others counted from the rounded zero."""
    zero = rounded_up(now)
    return tuple(
        planned_step(
            StepKind.PAGE,
            epoch=epoch,
            tier=index,
            roles=tier.roles,
            due_at=zero + timedelta(seconds=tier.after_seconds) if tier.after_seconds else now,
        )
        for index, tier in enumerate(policy.tiers)
    )


def rounded_up(now: datetime) -> datetime:
    """Round up to a whole second, the zero of a ladder."""
    whole = now.replace(microsecond=0)
    return whole if whole == now else whole + timedelta(seconds=1)


def refusal(
    incident: Incident, step: LadderStep, *, now: datetime, request: str | None = None
) -> Refusal | None:
    """Tell why the step cannot be claimed now; None when it can.

    ``request``: who asks, where it is a request. One that is repeated takes its own lease over:
    the try that took it is over, since only then is a request carried out again.
    """
    if step.status is StepStatus.SENT:
        return Refusal.SENT
    if step.status is StepStatus.CANCELLED:
        return Refusal.CANCELLED
    gate = _gate(incident, step)
    if gate is not None:
        return gate
    own = request is not None and step.held_by == request
    if _lease_holds(step, now=now) and not own:
        return Refusal.LEASED
    return Refusal.NOT_DUE if step.due_at > now else None


def due_steps(incident: Incident, *, now: datetime) -> tuple[LadderStep, ...]:
    """List the steps that a worker may claim now, the longest due first."""
    due = [step for step in incident.steps if refusal(incident, step, now=now) is None]
    return tuple(sorted(due, key=lambda step: (step.due_at, step.tier)))


def next_due_at(incident: Incident) -> datetime | None:
    """Find when the next step falls due or the next lease runs out; None when nothing is left."""
    open_steps = [
        step
        for step in incident.steps
        if step.status in {StepStatus.PENDING, StepStatus.CLAIMED} and _gate(incident, step) is None
    ]
    return min((_claimable_from(step) for step in open_steps), default=None)


def look_at(incident: Incident) -> datetime | None:
    """When somebody has to look at it next; None when nothing is left to do."""
    runbooks = [incident.created_at] if incident.runbooks_due else []
    due = next_due_at(incident)
    return min([*runbooks, *([due] if due is not None else [])], default=None)


def claim(
    incident: Incident, step_id: str, *, now: datetime, request: str | None = None
) -> Claimed | Refused:
    """Take a step for 60 s, if it may be delivered now and nobody else holds it."""
    step = incident.step(step_id)
    if step is None:
        return Refused(reason=Refusal.UNKNOWN_STEP)
    refused = refusal(incident, step, now=now, request=request)
    if refused is not None:
        return Refused(reason=refused)
    mine = leased(step, now=now, request=request)
    return Claimed(incident=with_step(incident, mine), step=mine)


def mark_sent(
    incident: Incident, step_id: str, *, attempt: int, now: datetime, vacant: Collection[str] = ()
) -> Incident | None:
    """Record the delivery; None when another attempt has taken over.

    ``vacant``: the roles of the ladder that nobody holds. Where those are all of a page's, the next
    tier is due now. An acknowledgement or a resolve between claim and mark changes nothing about
    what was sent.
    """
    step = _held_by(incident, step_id, attempt=attempt)
    if step is None:
        return None
    sent = replace(
        step,
        status=StepStatus.SENT,
        lease_until=None,
        held_by=None,
        sent_at=now,
        vacant=tuple(role for role in step.roles if role in vacant),
    )
    marked = with_step(incident, sent)
    following = None if sent.reached else _following(marked, sent, vacant)
    if following is not None:
        marked = with_step(marked, replace(following, due_at=min(following.due_at, now)))
    line = Update(at=now, by=SYSTEM, kind=UpdateKind.PAGED, text=_sent_line(sent, following))
    return replace(marked, updates=(*marked.updates, line))


def _following(incident: Incident, step: LadderStep, vacant: Collection[str]) -> LadderStep | None:
    """The page of the next tier, if it is still to come, and somebody holds it or a later one."""
    later = [
        each
        for each in incident.steps
        if step.kind is each.kind is StepKind.PAGE
        and each.epoch == step.epoch
        and each.tier > step.tier
        and each.status is StepStatus.PENDING
    ]
    if all(role in vacant for each in later for role in each.roles):
        return None
    return next((each for each in later if each.tier == step.tier + 1), None)


def _sent_line(sent: LadderStep, following: LadderStep | None) -> str:
    line = f"{sent.kind} of tier {sent.tier}"
    nobody = f"nobody holds {', '.join(sent.vacant)}"
    if not sent.vacant:
        return f"{line} sent to {', '.join(sent.roles)}"
    if sent.reached:
        return f"{line} sent to {', '.join(sent.reached)}; {nobody}"
    at_once = "" if following is None else f"; tier {following.tier} is called at once"
    return f"{line} sent to its topic alone: {nobody}{at_once}"


def release(incident: Incident, step_id: str, *, attempt: int) -> Incident | None:
    """Give a step back after its publishing failed; None when another attempt has taken over."""
    step = _held_by(incident, step_id, attempt=attempt)
    if step is None:
        return None
    given_back = replace(step, status=StepStatus.PENDING, lease_until=None, held_by=None)
    return with_step(incident, given_back)


def leased(step: LadderStep, *, now: datetime, request: str | None = None) -> LadderStep:
    """Put the step into one worker's hands, or one request's."""
    return replace(
        step,
        status=StepStatus.CLAIMED,
        lease_until=now + LEASE,
        attempt=step.attempt + 1,
        held_by=request,
    )


def with_step(incident: Incident, step: LadderStep) -> Incident:
    """Put the step in the place of the one with its id, or at the end."""
    if incident.step(step.step_id) is None:
        return replace(incident, steps=(*incident.steps, step))
    steps = tuple(step if each.step_id == step.step_id else each for each in incident.steps)
    return replace(incident, steps=steps)


def cancelled(incident: Incident, *kinds: StepKind) -> Incident:
    """Call off what is pending of these kinds. What a worker holds may be out already."""
    steps = tuple(
        replace(step, status=StepStatus.CANCELLED)
        if step.kind in kinds and step.status is StepStatus.PENDING
        else step
        for step in incident.steps
    )
    return incident if steps == incident.steps else replace(incident, steps=steps)


def due_anew(incident: Incident, *, at: datetime) -> Incident:
    """Let pages that a worker held when somebody answered fall due at this time."""
    steps = tuple(
        replace(step, due_at=max(step.due_at, at))
        if step.kind is StepKind.PAGE and step.status is StepStatus.CLAIMED
        else step
        for step in incident.steps
    )
    return replace(incident, steps=steps)


def tier_that_told(incident: Incident) -> dict[str, int]:
    """Tell on which tier each role was first told of this incident, or may have been.

    What follows is sent to a role on that tier's topic, which is where it listens.
    """
    out = {StepStatus.CLAIMED, StepStatus.SENT}
    pages = [
        step
        for step in incident.steps
        if step.kind in {StepKind.PAGE, StepKind.NOTICE} and step.status in out
    ]
    told_on: dict[str, int] = {}
    for step in pages:
        for role in step.roles:
            told_on.setdefault(role, step.tier)
    return told_on


def told(incident: Incident) -> tuple[str, ...]:
    """List every role that was told of this incident, or may have been, each once."""
    return tuple(tier_that_told(incident))


def told_by_tier(incident: Incident) -> dict[int, tuple[str, ...]]:
    """The same by the tier, each role on one."""
    tiers: dict[int, tuple[str, ...]] = {}
    for role, tier in tier_that_told(incident).items():
        tiers[tier] = (*tiers.get(tier, ()), role)
    return dict(sorted(tiers.items()))


def _gate(incident: Incident, step: LadderStep) -> Refusal | None:
    if step.epoch != incident.epoch:
        return Refusal.SUPERSEDED
    if step.kind is StepKind.RESOLVED:
        return Refusal.NOT_RESOLVED if incident.is_active else None
    if not incident.is_active:
        return Refusal.NOT_OPEN
    acknowledged = incident.acknowledged_at is not None
    if step.kind is StepKind.REMINDER:
        return None if acknowledged else Refusal.NOT_ACKNOWLEDGED
    return Refusal.ACKNOWLEDGED if acknowledged else None


def _lease_holds(step: LadderStep, *, now: datetime) -> bool:
    return (
        step.status is StepStatus.CLAIMED
        and step.lease_until is not None
        and step.lease_until > now
    )


def _claimable_from(step: LadderStep) -> datetime:
    if step.status is StepStatus.CLAIMED and step.lease_until is not None:
        return max(step.due_at, step.lease_until)
    return step.due_at


def _held_by(incident: Incident, step_id: str, *, attempt: int) -> LadderStep | None:
    step = incident.step(step_id)
    if step is None or step.status is not StepStatus.CLAIMED or step.attempt != attempt:
        return None
    return step
