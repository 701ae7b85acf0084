"""Bodies of the incident routes. Members keep the names that each of these routes is known by."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
)
from pydantic.alias_generators import to_camel

from wedsync.alerting.severity import Impact, Severity
from wedsync.api.context import WeddingContextReply
from wedsync.api.shape import Name, Reply, Text, Title, require_unchanged
from wedsync.incidents.decisions import Escalation
from wedsync.incidents.model import (
    Assignee,
    Incident,
    IncidentAlert,
    IncidentStatus,
    Report,
    StepStatus,
    UpdateKind,
)
from wedsync.incidents.timeline import Moment
from wedsync.runbooks.execution import Execution, RunStatus
from wedsync.weddings.model import WeddingContext

UPDATES_SHOWN = 5
_MOVING = frozenset({"updates", "alerts", "escalationLevel"})
"""Members that change by themselves: what a patch says of them means nothing."""
SYSTEM_STATE_BYTES = 64 * 1024
"""Of 400 KB that one incident may fill; its timeline and its ladder need the rest."""


class IncidentRequest(BaseModel):
    """An incident that somebody reports."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Title
    description: Text = ""
    severity: Severity = Field(strict=False)
    weddingId: Name | None = None  # noqa: N815 - the member's public name
    wedding_impact: Impact = Field(default=Impact.NONE, strict=False)
    affected_services: list[Name] = Field(default=[], max_length=100)
    user_impact_estimate: int | None = Field(default=None, ge=0, le=10**9)
    system_state: JsonValue = None
    escalation_policy: Name | None = Field(
        default=None, description="the ladder to climb; else the wedding's clock decides"
    )

    @field_validator("system_state")
    @classmethod
    def _bounded(cls, state: JsonValue) -> JsonValue:
        if len(json.dumps(state)) > SYSTEM_STATE_BYTES:
            raise ValueError(f"as JSON, at most {SYSTEM_STATE_BYTES} bytes")
        return state

    def report(self, context: WeddingContext | None) -> Report:
        """What is reported, under the clock of its wedding."""
        return Report(
            title=self.title,
            description=self.description,
            severity=self.severity,
            wedding_id=self.weddingId,
            wedding_impact=self.wedding_impact,
            affected_services=tuple(self.affected_services),
            user_impact_estimate=self.user_impact_estimate,
            system_state_json=None if self.system_state is None else json.dumps(self.system_state),
            wedding_context=context,
        )


class Created(BaseModel):
    """What became of a reported incident."""

    incidentId: str  # noqa: N815 - the member's public name
    severity: Severity
    escalationTriggered: bool  # noqa: N815 - the member's public name


class Escalated(BaseModel):
    """What an escalation by hand did."""

    escalated: bool
    escalationLevel: int  # noqa: N815 - the member's public name
    notificationsSent: int  # noqa: N815 - the member's public name

    @classmethod
    def of(cls, done: Escalation, *, notifications_sent: int | None) -> "Escalated":
        """The answer; ``notifications_sent`` is None where nothing had to be sent any more."""
        raised = done.raised
        sent_before = 0
        if raised is not None and raised.status is StepStatus.SENT:
            sent_before = len(raised.roles)
        return cls(
            escalated=raised is not None,
            escalationLevel=done.incident.escalation_level if raised is None else raised.tier + 1,
            notificationsSent=sent_before if notifications_sent is None else notifications_sent,
        )


class AssigneeRequest(BaseModel):
    """Who is to work on it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Title
    role: Name
    contact_info: Name | None = None


class IncidentPatch(BaseModel):
    """What is to change; what is left out stays. ``assigned_to`` null: nobody works on it.

    What else a GET of the incident tells may stand here as it was told, and changes nothing.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    title: Title | None = None
    description: Text | None = None
    severity: Severity | None = Field(default=None, strict=False)
    assigned_to: AssigneeRequest | None = None

    def require_no_more(self, incident: Incident) -> None:
        """Refuse members that are none of these, unless they are the incident's. Raises Invalid."""
        told = IncidentInContextReply.of(incident).model_dump(mode="json", by_alias=True)
        settable = [to_camel(each) for each in type(self).model_fields]
        require_unchanged(self.model_extra or {}, told, moving=_MOVING, settable=settable)

    @property
    def assignee(self) -> Assignee | None:
        """Who is to work on it."""
        wanted = self.assigned_to
        if wanted is None:
            return None
        return Assignee(name=wanted.name, role=wanted.role, contact_info=wanted.contact_info)


class UpdateRequest(BaseModel):
    """How it goes, and where the work on it stands now."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[Text, StringConstraints(min_length=1, pattern=r"\S")]
    status: IncidentStatus | None = Field(
        default=None, strict=False, description="investigating or in_progress"
    )


class AssigneeReply(BaseModel):
    """Who works on it."""

    name: str
    role: str
    contact_info: str | None


class UpdateReply(BaseModel):
    """One line of the timeline."""

    at: datetime
    by: str
    kind: UpdateKind
    text: str


class MomentReply(BaseModel):
    """One line of the story; ``local`` is the venue's wall time, where there is a venue."""

    at: datetime
    local: datetime | None
    by: str
    kind: str
    text: str

    @classmethod
    def of(cls, moment: Moment) -> Self:
        """This line."""
        return cls(
            at=moment.at, local=moment.local, by=moment.by, kind=moment.kind, text=moment.text
        )


class IncidentAlertReply(BaseModel):
    """An alert that belongs to it."""

    alertId: str  # noqa: N815 - the member's public name
    type: str
    severity: Severity
    message: str
    firedAt: datetime | None  # noqa: N815 - the member's public name
    resolvedAt: datetime | None  # noqa: N815 - the member's public name

    @classmethod
    def of(cls, alert: IncidentAlert) -> Self:
        """This alert."""
        return cls(
            alertId=alert.alert_id,
            type=alert.type,
            severity=alert.severity,
            message=alert.message,
            firedAt=alert.fired_at,
            resolvedAt=alert.resolved_at,
        )


class IncidentReply(BaseModel):
    """An incident with its newest updates, or with all of them, the newest first."""

    incidentId: str  # noqa: N815 - the member's public name
    title: str
    description: str
    severity: Severity
    weddingId: str | None  # noqa: N815 - the member's public name
    wedding_impact: Impact
    affected_services: list[str]
    user_impact_estimate: int | None
    system_state: JsonValue
    status: IncidentStatus
    escalationLevel: int  # noqa: N815 - the member's public name
    acknowledgedAt: datetime | None  # noqa: N815 - the member's public name
    acknowledgedBy: str | None  # noqa: N815 - the member's public name
    alerts: list[IncidentAlertReply]
    updates: list[UpdateReply]
    assigned_to: AssigneeReply | None
    createdAt: datetime  # noqa: N815 - the member's public name
    epoch: int

    @classmethod
    def of(cls, incident: Incident, *, updates_shown: int | None = UPDATES_SHOWN) -> Self:
        """This incident as its tenant sees it; ``updates_shown`` is None for all of them."""
        newest_first = sorted(incident.updates, key=lambda update: update.at)[::-1]
        assigned = incident.assigned_to
        return cls(
            incidentId=incident.incident_id,
            title=incident.title,
            description=incident.description,
            severity=incident.severity,
            weddingId=incident.wedding_id,
            wedding_impact=incident.wedding_impact,
            affected_services=list(incident.affected_services),
            user_impact_estimate=incident.user_impact_estimate,
            system_state=None
            if incident.system_state_json is None
            else json.loads(incident.system_state_json),
            status=incident.status,
            escalationLevel=incident.escalation_level,
            acknowledgedAt=incident.acknowledged_at,
            acknowledgedBy=incident.acknowledged_by,
            alerts=[IncidentAlertReply.of(each) for each in incident.alerts],
            updates=[
                UpdateReply(at=each.at, by=each.by, kind=each.kind, text=each.text)
                for each in newest_first[:updates_shown]
            ],
            assigned_to=None
            if assigned is None
            else AssigneeReply(
                name=assigned.name, role=assigned.role, contact_info=assigned.contact_info
            ),
            createdAt=incident.created_at,
            epoch=incident.epoch,
        )


class IncidentInContextReply(IncidentReply):
    """An incident with the wedding clock under which it was opened."""

    weddingContext: WeddingContextReply | None  # noqa: N815 - the member's public name

    @classmethod
    def of(cls, incident: Incident, *, updates_shown: int | None = UPDATES_SHOWN) -> Self:
        """This incident as its tenant sees it."""
        plain = IncidentReply.of(incident, updates_shown=updates_shown)
        return cls(
            **vars(plain), weddingContext=WeddingContextReply.of_any(incident.wedding_context)
        )


class IncidentListReply(BaseModel):
    """Some incidents, newest first."""

    items: list[IncidentInContextReply]
    nextCursor: str | None  # noqa: N815 - the member's public name
    effectiveLimit: int  # noqa: N815 - the member's public name


class RunReply(Reply):
    """A run of a runbook, as far as the timeline names it."""

    execution_id: str
    runbook_id: str
    dry_run: bool
    status: RunStatus

    @classmethod
    def of(cls, execution: Execution) -> Self:
        """This run."""
        return cls(
            execution_id=execution.execution_id,
            runbook_id=execution.runbook.runbook_id,
            dry_run=execution.dry_run,
            status=execution.status,
        )


class TimelineReply(Reply):
    """All that happened, the oldest first, and the runs of runbooks."""

    incident_id: str
    status: IncidentStatus
    items: list[MomentReply]
    runbooks: list[RunReply]

    @classmethod
    def of(cls, incident: Incident, moments: Iterable[Moment], *, runs: list[RunReply]) -> Self:
        """The story of this incident."""
        return cls(
            incident_id=incident.incident_id,
            status=incident.status,
            items=[MomentReply.of(each) for each in moments],
            runbooks=runs,
        )
