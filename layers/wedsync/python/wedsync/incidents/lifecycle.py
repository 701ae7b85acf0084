"""What people and recoveries do to an incident: answer it, escalate it, end it.

Each function answers the incident that it made and the reason; the very same incident when there
is nothing to change, so that every call may be repeated. Steps that fall due at once are in the
answer: whoever stores it then claims them.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from wedsync.errors import Conflict, LadderExhausted
from wedsync.incidents.decisions import (
    TRANSITIONS,
    Decision,
    Escalation,
    noted,
    require_active,
)
from wedsync.incidents.ladder import (
    SYSTEM,
    Claimed,
    Refused,
    cancelled,
    claim,
    due_anew,
    leased,
    planned_step,
    told,
    told_by_tier,
    with_step,
)
from wedsync.incidents.model import (
    Assignee,
    Incident,
    IncidentStatus,
    LadderStep,
    StepKind,
    UpdateKind,
)


def acknowledge(incident: Incident, *, by: str, at: datetime) -> Decision:
    """Somebody takes it: no further page, and a reminder in case nothing is heard of it."""
    require_active(incident)
    if incident.acknowledged_at is not None:
        return Decision(
            incident=incident, reason=f"acknowledged already by {incident.acknowledged_by}"
        )
    taken = replace(
        cancelled(incident, StepKind.PAGE, StepKind.NOTICE), acknowledged_at=at, acknowledged_by=by
    )
    tier = max(incident.escalation_level - 1, 0)
    after = _reminder_after_seconds(incident)
    reminder = planned_step(
        StepKind.REMINDER,
        epoch=incident.epoch,
        tier=tier,
        roles=told(incident) or incident.policy.tiers[0].roles,
        due_at=at + timedelta(seconds=after),
    )
    taken = noted(
        with_step(taken, reminder),
        at=at,
        by=by,
        kind=UpdateKind.ACKNOWLEDGED,
        text=f"acknowledged; a reminder follows in {after // 60} min without an update",
    )
    return Decision(incident=taken, reason=f"acknowledged by {by}: the ladder stops")


def post_update(
    incident: Incident,
    *,
    by: str,
    at: datetime,
    text: str,
    status: IncidentStatus | None = None,
) -> Decision:
    """Tell how it goes, and call the reminder off. ``status`` moves among the active ones."""
    if status is not None and status is not incident.status:
        require_active(incident)
        if status is IncidentStatus.RESOLVED or status not in TRANSITIONS[incident.status]:
            raise Conflict(f"an incident that is {incident.status} cannot become {status}")
        incident = replace(incident, status=status)
    updated = noted(
        cancelled(incident, StepKind.REMINDER), at=at, by=by, kind=UpdateKind.UPDATE, text=text
    )
    return Decision(incident=updated, reason="updated: no reminder is needed")


def assign(incident: Incident, assignee: Assignee | None, *, by: str, at: datetime) -> Decision:
    """Name who works on it, or nobody."""
    if incident.assigned_to == assignee:
        return Decision(incident=incident, reason="assigned so already")
    whom = assignee.name if assignee is not None else "nobody"
    assigned = replace(incident, assigned_to=assignee)
    return Decision(
        incident=noted(assigned, at=at, by=by, kind=UpdateKind.UPDATE, text=f"assigned to {whom}"),
        reason=f"assigned to {whom}",
    )


def escalate(
    incident: Incident,
    *,
    by: str,
    at: datetime,
    seen_level: int | None = None,
    request: str | None = None,
) -> Escalation:
    """Page the next tier now, by hand; that tier's timer then does nothing, the others stay.

    ``seen_level``: the level that the caller saw when it was asked; of several parallel calls
    only one then raises the level. ``request``: the id of the request, the same at each of its
    tries: one that has raised a tier raises no other, and finishes what it left undone. On an
    acknowledged incident this withdraws the acknowledgement, since somebody wants more people
    than have answered; a page that never left because of it is due again.
    """
    own = next((step for step in incident.steps if request in step.raised_by), None)
    if own is not None:
        return _taken_up(incident, own, at=at, request=request)
    require_active(incident)
    level = incident.escalation_level
    if seen_level is not None and level > seen_level:
        return Escalation(
            incident=incident,
            step=None,
            raised=None,
            reason=f"another call has raised it to level {level}",
        )
    if level >= len(incident.policy.tiers):
        raise LadderExhausted
    planned = planned_step(
        StepKind.PAGE,
        epoch=incident.epoch,
        tier=level,
        roles=incident.policy.tiers[level].roles,
        due_at=at,
    )
    before = incident.step(planned.step_id) or planned
    named = before.raised_by if request is None else (*before.raised_by, request)
    step = leased(replace(before, due_at=at, raised_by=named), now=at, request=request)
    if incident.acknowledged_at is not None:
        incident = replace(
            due_anew(cancelled(incident, StepKind.REMINDER), at=at),
            acknowledged_at=None,
            acknowledged_by=None,
        )
    raised = noted(
        with_step(incident, step),
        at=at,
        by=by,
        kind=UpdateKind.ESCALATED,
        text=f"escalated by hand to tier {level}: {', '.join(step.roles)}",
    )
    return Escalation(
        incident=raised, step=step, raised=step, reason=f"{by} escalated to level {level + 1}"
    )


def level_at(incident: Incident, at: datetime) -> int:
    """The level that somebody could see at that time: what was escalated later is not in it.

    ``at`` is exact to the millisecond, as gateways tell it.
    """
    unseen = at + timedelta(milliseconds=1)
    later = sum(
        1
        for update in incident.updates
        if update.kind is UpdateKind.ESCALATED and update.at > unseen
    )
    return max(0, incident.escalation_level - later)


def resolve(incident: Incident, *, by: str, at: datetime) -> Decision:
    """End it: nothing more is paged, and everyone who was told is told that it is over."""
    if not incident.is_active:
        return Decision(incident=incident, reason="resolved already")
    over = replace(
        cancelled(incident, StepKind.PAGE, StepKind.NOTICE, StepKind.REMINDER),
        status=IncidentStatus.RESOLVED,
        resolved_at=at,
        resolved_by=by,
    )
    for tier, roles in told_by_tier(incident).items():
        notice = planned_step(
            StepKind.RESOLVED, epoch=incident.epoch, tier=tier, roles=roles, due_at=at
        )
        over = with_step(over, notice)
    over = noted(over, at=at, by=by, kind=UpdateKind.RESOLVED, text="resolved")
    return Decision(incident=over, reason=f"resolved by {by}")


def alert_resolved(
    incident: Incident, alert_id: str, *, by: str = SYSTEM, at: datetime
) -> Decision:
    """Note that an alert is over; the last one ends an incident that alerts had opened.

    ``by``: who ended it, where it did not recover by itself.
    """
    known = next((each for each in incident.alerts if each.alert_id == alert_id), None)
    if known is None:
        return Decision(incident=incident, reason="the alert is no part of it")
    if known.resolved_at is None:
        alerts = tuple(
            replace(each, resolved_at=at) if each.alert_id == alert_id else each
            for each in incident.alerts
        )
        incident = noted(
            replace(incident, alerts=alerts),
            at=at,
            by=by,
            kind=UpdateKind.ALERT_RESOLVED,
            text=f"{known.type} resolved",
        )
    if not incident.is_active:
        return Decision(incident=incident, reason="resolved already")
    if any(each.resolved_at is None for each in incident.alerts):
        return Decision(incident=incident, reason="other alerts are still open")
    if not incident.auto_created:
        return Decision(incident=incident, reason="opened by hand: people resolve it")
    ended = resolve(incident, by=by, at=at).incident
    return Decision(incident=ended, reason="its last alert is resolved")


def close(incident: Incident, *, by: str, at: datetime) -> Decision:
    """File a resolved incident away."""
    if incident.status is IncidentStatus.CLOSED:
        return Decision(incident=incident, reason="closed already")
    if incident.status is not IncidentStatus.RESOLVED:
        raise Conflict(f"an incident that is {incident.status} cannot be closed")
    closed = replace(incident, status=IncidentStatus.CLOSED)
    return Decision(
        incident=noted(closed, at=at, by=by, kind=UpdateKind.CLOSED, text="closed"),
        reason=f"closed by {by}",
    )


def _taken_up(
    incident: Incident, own: LadderStep, *, at: datetime, request: str | None
) -> Escalation:
    """Go on with what an earlier try of the same request began."""
    match claim(incident, own.step_id, now=at, request=request):
        case Claimed(incident=claimed, step=step):
            return Escalation(
                incident=claimed, step=step, raised=step, reason="begun before: published now"
            )
        case Refused(reason=reason):
            return Escalation(
                incident=incident, step=None, raised=own, reason=f"raised before: {reason}"
            )


def _reminder_after_seconds(incident: Incident) -> int:
    """Ten minutes on the wedding day, whichever ladder runs."""
    context = incident.wedding_context
    after = incident.policy.reminder_after_seconds
    return min(after, 600) if context is not None and context.is_wedding_day else after
