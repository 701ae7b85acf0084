"""What a change of an incident answers, and the moves that its status allows."""

from dataclasses import dataclass, replace
from datetime import datetime

from wedsync.errors import Conflict, IncidentAlreadyResolved
from wedsync.incidents.model import Incident, IncidentStatus, LadderStep, Update, UpdateKind

TRANSITIONS: dict[IncidentStatus, frozenset[IncidentStatus]] = {
    IncidentStatus.OPEN: frozenset(
        {IncidentStatus.INVESTIGATING, IncidentStatus.IN_PROGRESS, IncidentStatus.RESOLVED}
    ),
    IncidentStatus.INVESTIGATING: frozenset({IncidentStatus.IN_PROGRESS, IncidentStatus.RESOLVED}),
    IncidentStatus.IN_PROGRESS: frozenset({IncidentStatus.INVESTIGATING, IncidentStatus.RESOLVED}),
    IncidentStatus.RESOLVED: frozenset({IncidentStatus.CLOSED, IncidentStatus.OPEN}),
    IncidentStatus.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of the incident, and why."""

    incident: Incident
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """``step``: the tier to publish, already claimed; None when there is nothing to publish.

    ``raised``: the tier that this request pages, published already or not; None when another
    request had paged it.
    """

    incident: Incident
    step: LadderStep | None
    raised: LadderStep | None
    reason: str


def noted(incident: Incident, *, at: datetime, by: str, kind: UpdateKind, text: str) -> Incident:
    """Add a line to the timeline."""
    line = Update(at=at, by=by, kind=kind, text=text)
    return replace(incident, updates=(*incident.updates, line))


def require_not_closed(incident: Incident) -> None:
    """Refuse to change what was filed away."""
    if incident.status is IncidentStatus.CLOSED:
        raise Conflict("a closed incident stays as it is")


def require_active(incident: Incident) -> None:
    """Refuse what only an active incident allows."""
    if not incident.is_active:
        raise IncidentAlreadyResolved
