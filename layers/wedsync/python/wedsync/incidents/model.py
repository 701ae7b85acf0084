"""An incident together with its escalation ladder: one value, so that they cannot disagree."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wedsync.alerting.severity import Impact, Severity, SeverityReason
from wedsync.weddings.model import WeddingContext


class IncidentStatus(StrEnum):
    """How far the work on it is. An acknowledgement is no status but a pair of members."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


ACTIVE = frozenset({IncidentStatus.OPEN, IncidentStatus.INVESTIGATING, IncidentStatus.IN_PROGRESS})


class StepKind(StrEnum):
    """What a step tells its roles."""

    PAGE = "page"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    NOTICE = "notice"


class StepStatus(StrEnum):
    """How far a step's delivery is."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    CANCELLED = "cancelled"


class UpdateKind(StrEnum):
    """What happened, on the incident's timeline."""

    OPENED = "opened"
    ALERT = "alert"
    PAGED = "paged"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    UPDATE = "update"
    ASSIGNED = "assigned"
    EDITED = "edited"
    ALERT_RESOLVED = "alert_resolved"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    RUNBOOK = "runbook"


class ChannelKind(StrEnum):
    """A way to reach somebody."""

    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Whom to page when nobody answered ``after_seconds`` after the opening.

    ``channels`` are those to try, the first one first; none: as each contact prefers.
    """

    after_seconds: int
    roles: tuple[str, ...]
    channels: tuple[ChannelKind, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who is paged and when. An incident keeps the policy that it began with.

    ``reminder_after_seconds``: how long an acknowledgement may stay without an update.
    """

    name: str
    tiers: tuple[Tier, ...]
    reminder_after_seconds: int = 1800

    def __post_init__(self) -> None:
        """Refuse tiers that do not follow one another or that reach nobody."""
        delays = [tier.after_seconds for tier in self.tiers]
        if not delays or delays[0] != 0 or delays != sorted(set(delays)):
            raise ValueError("tiers begin at 0 seconds and their delays rise")
        if not all(tier.roles for tier in self.tiers):
            raise ValueError("every tier names a role")


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """One delivery that is planned, under way, done or called off.

    ``lease_until`` is set while a worker holds the step; ``attempt`` counts the claims, so that
    a worker whose lease ran out cannot speak for the one that took over. ``raised_by`` names the
    requests that paged it by hand, so that a repetition of one is known; ``held_by`` is the one
    of them that holds the lease, where no worker does. ``vacant`` are those of its roles that
    nobody held when it was sent.
    """

    step_id: str
    kind: StepKind
    epoch: int
    tier: int
    roles: tuple[str, ...]
    due_at: datetime
    status: StepStatus = StepStatus.PENDING
    lease_until: datetime | None = None
    attempt: int = 0
    sent_at: datetime | None = None
    raised_by: tuple[str, ...] = ()
    held_by: str | None = None
    vacant: tuple[str, ...] = ()

    @property
    def reached(self) -> tuple[str, ...]:
        """Its roles that somebody held, or of which nobody knows."""
        return tuple(role for role in self.roles if role not in self.vacant)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentAlert:
    """An alert as the incident remembers it, with what a page says about it."""

    alert_id: str
    rule_id: str | None = None
    type: str
    severity: Severity
    severity_reasons: tuple[SeverityReason, ...] = ()
    message: str
    value: float | None = None
    threshold: float | None = None
    started_at: datetime | None = None
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One line of the timeline: when, who, what."""

    at: datetime
    by: str
    kind: UpdateKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignee:
    """Who works on it."""

    name: str
    role: str
    contact_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is known when an incident is opened. ``system_state_json`` is kept as it was given."""

    title: str
    description: str = ""
    severity: Severity
    wedding_id: str | None = None
    wedding_impact: Impact = Impact.NONE
    affected_services: tuple[str, ...] = ()
    user_impact_estimate: int | None = None
    system_state_json: str | None = None
    wedding_context: WeddingContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something is wrong and people work on it.

    ``created_at`` is when it was opened; ``opened_at`` is the zero of the current ladder: the
    opening, or the last new epoch, rounded up to a whole second. ``epoch`` counts the ladders
    that it began; steps of an earlier epoch are history. ``auto_created``: by an alert, so that
    the end of its last alert is its own; ``reported_as`` names the request of one that somebody
    reported, so that its repetition is known. ``raised_for`` names the alert for which a
    later ladder began. ``runbooks_due`` until somebody has looked which runbooks it asks for.
    Whoever stores it raises ``version``.
    """

    incident_id: str
    title: str
    description: str = ""
    severity: Severity
    wedding_id: str | None = None
    wedding_impact: Impact = Impact.NONE
    affected_services: tuple[str, ...] = ()
    user_impact_estimate: int | None = None
    system_state_json: str | None = None
    status: IncidentStatus = IncidentStatus.OPEN
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    alerts: tuple[IncidentAlert, ...] = ()
    updates: tuple[Update, ...] = ()
    assigned_to: Assignee | None = None
    created_at: datetime
    epoch: int = 1
    version: int = 0

    auto_created: bool = False
    reported_as: str | None = None
    raised_for: str | None = None
    runbooks_due: bool = False
    opened_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    wedding_context: WeddingContext | None = None
    policy: Policy
    policy_reason: str
    steps: tuple[LadderStep, ...] = ()

    @property
    def is_active(self) -> bool:
        """Somebody still has to work on it."""
        return self.status in ACTIVE

    @property
    def lead(self) -> IncidentAlert | None:
        """The alert that its pages are about, where that is not what it was opened for."""
        return next((each for each in self.alerts if each.alert_id == self.raised_for), None)

    @property
    def has_ladder(self) -> bool:
        """Pages were planned in this epoch: it escalates, or did until somebody answered."""
        return any(self._pages())

    @property
    def escalation_level(self) -> int:
        """Tiers paged so far in this epoch; a page that is under way counts."""
        paged = {StepStatus.CLAIMED, StepStatus.SENT}
        return max((step.tier + 1 for step in self._pages() if step.status in paged), default=0)

    def step(self, step_id: str) -> LadderStep | None:
        """Find the step of that id."""
        return next((step for step in self.steps if step.step_id == step_id), None)

    def _pages(self) -> tuple[LadderStep, ...]:
        return tuple(
            step for step in self.steps if step.kind is StepKind.PAGE and step.epoch == self.epoch
        )
