"""Bodies of post-mortems and of the incidents' record."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import Field

from wedsync.alerting.severity import Severity
from wedsync.api.incidents import IncidentAlertReply, MomentReply
from wedsync.api.shape import LocalDate, Name, PartReadBack, ReadBack, Reply, Text, Title
from wedsync.incidents.model import IncidentStatus
from wedsync.incidents.postmortem import (
    ActionItem,
    Deployment,
    Durations,
    Findings,
    Postmortem,
    Record,
    Similar,
    Touched,
)


class ActionItemRequest(PartReadBack):
    """Something to be done so that it does not come again."""

    server_made = frozenset({"suggested"})

    title: Title
    owner: Name | None = None
    due_on: LocalDate | None = None
    done: bool = False


class FindingsRequest(ReadBack):
    """What people have found out."""

    server_made = frozenset(
        {
            "incidentId",
            "title",
            "severity",
            "status",
            "final",
            "weddingId",
            "createdAt",
            "resolvedAt",
            "took",
            "weddings",
            "guests",
            "userImpactEstimate",
            "alerts",
            "timeline",
            "deployments",
            "similar",
            "writtenBy",
            "writtenAt",
            "version",
        }
    )

    summary: Text = ""
    root_cause: Text = ""
    lessons: Text = ""
    action_items: Annotated[list[ActionItemRequest], Field(max_length=50)]

    def findings(self, *, by: str, at: datetime) -> Findings:
        """The same, with who has written it when."""
        return Findings(
            summary=self.summary,
            root_cause=self.root_cause,
            lessons=self.lessons,
            action_items=tuple(
                ActionItem(title=each.title, owner=each.owner, due_on=each.due_on, done=each.done)
                for each in self.action_items
            ),
            by=by,
            at=at,
        )


class ActionItemReply(Reply):
    """Something to be done; ``suggested``: by the figures, not by people."""

    title: str
    owner: str | None
    due_on: date | None
    done: bool
    suggested: bool

    @classmethod
    def of(cls, item: ActionItem) -> "ActionItemReply":
        """This item."""
        return cls(
            title=item.title,
            owner=item.owner,
            due_on=item.due_on,
            done=item.done,
            suggested=item.suggested,
        )


class ThereReply(Reply):
    """An instant, and the venue's wall time then."""

    at: datetime
    local: datetime

    @classmethod
    def of(cls, local: datetime) -> "ThereReply":
        """The instant of this wall time."""
        return cls(at=local.astimezone(UTC), local=local)


class TouchedReply(Reply):
    """A wedding that it happened to, on its own clock; ``during``: what was planned then."""

    wedding_id: str
    couple_name: str
    guest_count: int | None
    time_zone: str
    began: ThereReply
    ended: ThereReply
    during: list[str]

    @classmethod
    def of(cls, each: Touched) -> "TouchedReply":
        """This wedding."""
        return cls(
            wedding_id=each.wedding_id,
            couple_name=each.couple_name,
            guest_count=each.guest_count,
            time_zone=each.time_zone,
            began=ThereReply.of(each.from_local),
            ended=ThereReply.of(each.to_local),
            during=list(each.during),
        )


class SimilarReply(Reply):
    """An earlier incident, how much it resembles this one (0 to 1), and in what."""

    incident_id: str
    title: str
    severity: Severity
    created_at: datetime
    score: float
    reason: str

    @classmethod
    def of(cls, found: Similar) -> "SimilarReply":
        """This incident."""
        return cls(
            incident_id=found.incident.incident_id,
            title=found.incident.title,
            severity=found.incident.severity,
            created_at=found.incident.created_at,
            score=found.score,
            reason=found.reason,
        )


class DeploymentReply(Reply):
    """A version of a service that was deployed, in the minute of ``at``, else (not exact) hour."""

    at: datetime
    exact: bool
    service: str
    version: str | None

    @classmethod
    def of(cls, each: Deployment) -> "DeploymentReply":
        """This deployment."""
        return cls(at=each.at, exact=each.exact, service=each.service, version=each.version)


class TookReply(Reply):
    """How long it took, in seconds; null where it has not come to that, or nobody could know."""

    to_detect_seconds: float | None
    to_acknowledge_seconds: float | None
    to_resolve_seconds: float | None


class PostmortemReply(Reply):
    """What an incident leaves to learn. ``final`` once it is over."""

    incident_id: str
    title: str
    severity: Severity
    status: IncidentStatus
    final: bool
    wedding_id: str | None
    created_at: datetime
    resolved_at: datetime | None
    took: TookReply
    weddings: list[TouchedReply]
    guests: int | None
    user_impact_estimate: int | None
    alerts: list[IncidentAlertReply]
    timeline: list[MomentReply]
    deployments: list[DeploymentReply]
    similar: list[SimilarReply]
    summary: str
    root_cause: str
    lessons: str
    action_items: list[ActionItemReply]
    written_by: str | None
    written_at: datetime | None
    version: int

    @classmethod
    def of(cls, found: Postmortem) -> "PostmortemReply":
        """This post-mortem."""
        incident, findings = found.incident, found.findings
        return cls(
            incident_id=incident.incident_id,
            title=incident.title,
            severity=incident.severity,
            status=incident.status,
            final=not incident.is_active,
            wedding_id=incident.wedding_id,
            created_at=incident.created_at,
            resolved_at=incident.resolved_at,
            took=TookReply(
                to_detect_seconds=found.took.to_detect,
                to_acknowledge_seconds=found.took.to_acknowledge,
                to_resolve_seconds=found.took.to_resolve,
            ),
            weddings=[TouchedReply.of(each) for each in found.touched],
            guests=found.guests,
            user_impact_estimate=incident.user_impact_estimate,
            alerts=[IncidentAlertReply.of(each) for each in incident.alerts],
            timeline=[MomentReply.of(each) for each in found.story],
            deployments=[DeploymentReply.of(each) for each in found.deployments],
            similar=[SimilarReply.of(each) for each in found.similar],
            summary=findings.summary,
            root_cause=findings.root_cause,
            lessons=findings.lessons,
            action_items=[
                ActionItemReply.of(each) for each in (*findings.action_items, *found.suggestions)
            ],
            written_by=findings.by,
            written_at=findings.at,
            version=findings.version,
        )


class DurationsReply(Reply):
    """How long something took over several incidents; null where it is known of none."""

    known: int
    mean_seconds: float | None
    median_seconds: float | None

    @classmethod
    def of(cls, found: Durations) -> "DurationsReply":
        """These durations."""
        return cls(
            known=found.known,
            mean_seconds=found.mean_seconds,
            median_seconds=found.median_seconds,
        )


class RecordReply(Reply):
    """How incidents went: how many, and how long they took."""

    incidents: int
    resolved: int
    to_detect: DurationsReply
    to_acknowledge: DurationsReply
    to_resolve: DurationsReply

    @classmethod
    def of(cls, found: Record) -> "RecordReply":
        """This record."""
        return cls(
            incidents=found.incidents,
            resolved=found.resolved,
            to_detect=DurationsReply.of(found.to_detect),
            to_acknowledge=DurationsReply.of(found.to_acknowledge),
            to_resolve=DurationsReply.of(found.to_resolve),
        )


class StatisticsReply(Reply):
    """The record of a stretch of time, Saturdays apart; ``complete`` unless there were too many."""

    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    saturdays: RecordReply
    other_days: RecordReply
    complete: bool
