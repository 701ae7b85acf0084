"""Bodies of runbooks and of their runs."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from wedsync.alerting.severity import Severity
from wedsync.api.contacts import RoleName
from wedsync.api.shape import Name, ReadBack, Reply, Request, Text, Title
from wedsync.runbooks.execution import Execution, RunStatus, StepStatus
from wedsync.runbooks.model import (
    BOUNDS,
    Action,
    Dimension,
    EmergencyMode,
    Match,
    Metric,
    Mode,
    Notify,
    Runbook,
    Scale,
    Step,
    Ticket,
    WaitUntil,
    WarmCache,
)

_DAY_SECONDS = 86_400
StepName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
FunctionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]


class ActionBody(Request):
    """What a step does, by its kind, and what that kind needs to know; nothing else may be said.

    ``notify`` tells ``roles`` a ``text``, once. ``scale`` gives the function ``target`` room:
    ``to`` of a ``dimension``, by a lever of the cloud where there is one, else as advice.
    ``emergency_mode`` sheds what can wait for ``minutes`` at the most. ``warm_cache`` has the
    wedding's page made. ``ticket`` posts a ``text`` to the endpoints of ``contactId``. ``wait``
    looks at a ``metric`` until it has reached its ``threshold``; more than ``withinSeconds`` is a
    failure.
    """

    kind: Literal["notify", "scale", "emergency_mode", "warm_cache", "ticket", "wait"]
    roles: Annotated[list[RoleName] | None, Field(min_length=1, max_length=20)] = None
    text: Short | None = None
    dimension: Annotated[Dimension | None, Field(strict=False)] = None
    target: FunctionName | None = None
    to: int | None = None
    minutes: Annotated[int | None, Field(ge=5, le=240)] = None
    contact_id: Name | None = None
    metric: Annotated[Metric | None, Field(strict=False)] = None
    threshold: Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)] = None
    within_seconds: Annotated[int | None, Field(ge=15, le=_DAY_SECONDS)] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = _NEEDED[self.kind]
        said = {
            name
            for name in type(self).model_fields
            if name != "kind" and getattr(self, name) is not None
        }
        if said != needed:
            names = ", ".join(sorted(to_camel(each) for each in needed)) or "nothing"
            raise ValueError(f"{self.kind} needs {names}, and nothing else")
        if self.dimension is not None and self.to is not None:
            least, most = BOUNDS[self.dimension]
            if not least <= self.to <= most:
                raise ValueError(f"{self.dimension} lies from {least} to {most}")
        return self

    def action(self) -> Action:
        """The same, as it is stored."""
        given = self.model_dump(exclude_none=True)
        if self.roles is not None:
            given["roles"] = tuple(dict.fromkeys(self.roles))
        return _KINDS[self.kind](**given)

    @classmethod
    def of(cls, action: Action) -> "ActionBody":
        """This action."""
        given = asdict(action)
        if isinstance(action, Notify):
            given["roles"] = list(action.roles)
        return cls.model_construct(**given)


_NEEDED = {
    "notify": {"roles", "text"},
    "scale": {"dimension", "target", "to"},
    "emergency_mode": {"minutes"},
    "warm_cache": set(),
    "ticket": {"contact_id", "text"},
    "wait": {"metric", "threshold", "within_seconds"},
}
_KINDS: dict[str, type[Action]] = {
    "notify": Notify,
    "scale": Scale,
    "emergency_mode": EmergencyMode,
    "warm_cache": WarmCache,
    "ticket": Ticket,
    "wait": WaitUntil,
}


class StepBody(Request):
    """One action, and what holds it back."""

    step_id: StepName
    title: Title
    action: ActionBody
    needs_approval: bool = False
    not_during_ceremony: bool = False
    measure: Annotated[Metric | None, Field(strict=False)] = None

    def step(self) -> Step:
        """The same."""
        return Step(
            step_id=self.step_id,
            title=self.title,
            action=self.action.action(),
            needs_approval=self.needs_approval,
            not_during_ceremony=self.not_during_ceremony,
            measure=self.measure,
        )

    @classmethod
    def of(cls, step: Step) -> "StepBody":
        """This step."""
        return cls.model_construct(
            step_id=step.step_id,
            title=step.title,
            action=ActionBody.of(step.action),
            needs_approval=step.needs_approval,
            not_during_ceremony=step.not_during_ceremony,
            measure=step.measure,
        )


class MatchBody(Request):
    """Which incidents: every condition holds, an empty one always does."""

    rules: Annotated[list[Name], Field(max_length=50, default_factory=list)]
    types: Annotated[list[Name], Field(max_length=50, default_factory=list)]
    severities: Annotated[
        list[Annotated[Severity, Field(strict=False)]], Field(max_length=4, default_factory=list)
    ]
    services: Annotated[list[Name], Field(max_length=50, default_factory=list)]
    wedding_day: bool | None = None

    def match(self) -> Match:
        """The same."""
        return Match(
            rules=tuple(self.rules),
            types=tuple(self.types),
            severities=tuple(self.severities),
            services=tuple(self.services),
            wedding_day=self.wedding_day,
        )


class RunbookRequest(ReadBack):
    """Steps that are taken one after the other when an incident begins that it matches."""

    server_made = frozenset({"runbookId", "version"})

    title: Title
    description: Text = ""
    match: MatchBody
    steps: Annotated[list[StepBody], Field(min_length=1, max_length=20)]
    on_wedding_day: Annotated[Mode, Field(strict=False)] = Mode.ARMED
    off_day: Annotated[Mode, Field(strict=False)] = Mode.DRY_RUN
    cooldown_seconds: Annotated[int, Field(ge=0, le=_DAY_SECONDS)] = 1800
    max_weddings: Annotated[int, Field(ge=0, le=1000)] = 1

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        names = [each.step_id for each in self.steps]
        if len(names) != len(set(names)):
            raise ValueError("every step has an id of its own")
        return self

    def runbook(self, runbook_id: str) -> Runbook:
        """The runbook under this id."""
        return Runbook(
            runbook_id=runbook_id,
            title=self.title,
            description=self.description,
            match=self.match.match(),
            steps=tuple(each.step() for each in self.steps),
            on_wedding_day=self.on_wedding_day,
            off_day=self.off_day,
            cooldown_seconds=self.cooldown_seconds,
            max_weddings=self.max_weddings,
        )


class RunbookReply(Reply):
    """A runbook. ``version`` is 0 for a built-in one that the tenant has left as it is."""

    runbook_id: str
    title: str
    description: str
    match: MatchBody
    steps: list[StepBody]
    on_wedding_day: Mode
    off_day: Mode
    cooldown_seconds: int
    max_weddings: int
    version: int

    @classmethod
    def of(cls, runbook: Runbook) -> "RunbookReply":
        """This runbook."""
        wanted = runbook.match
        return cls(
            runbook_id=runbook.runbook_id,
            title=runbook.title,
            description=runbook.description,
            match=MatchBody.model_construct(
                rules=list(wanted.rules),
                types=list(wanted.types),
                severities=list(wanted.severities),
                services=list(wanted.services),
                wedding_day=wanted.wedding_day,
            ),
            steps=[StepBody.of(each) for each in runbook.steps],
            on_wedding_day=runbook.on_wedding_day,
            off_day=runbook.off_day,
            cooldown_seconds=runbook.cooldown_seconds,
            max_weddings=runbook.max_weddings,
            version=runbook.version,
        )


class RunbookListReply(Reply):
    """Some of the runbooks that there are for a tenant, by their ids."""

    items: list[RunbookReply]
    next_cursor: str | None
    effective_limit: int


class ExecuteRequest(Request):
    """How a runbook is run by hand; ``dryRun`` left out: as it may by itself."""

    example: ClassVar[Mapping[str, object] | None] = {"dryRun": True}

    dry_run: bool | None = None


class StepRunReply(Reply):
    """What became of one step; ``effective`` is null where nobody could know."""

    step_id: str
    title: str
    status: StepStatus
    outcome: str
    approved_by: str | None
    started_at: datetime | None
    ended_at: datetime | None
    metric: Metric | None
    before: float | None
    after: float | None
    measured_at: datetime | None
    effective: bool | None


class RunEventReply(Reply):
    """One line of what happened."""

    at: datetime
    by: str
    text: str


class ExecutionReply(Reply):
    """One run of a runbook."""

    execution_id: str
    runbook_id: str
    runbook_version: int
    title: str
    incident_id: str
    dry_run: bool
    status: RunStatus
    reason: str
    requested_by: str
    created_at: datetime
    ended_at: datetime | None
    steps: list[StepRunReply]
    events: list[RunEventReply]
    version: int

    @classmethod
    def of(cls, execution: Execution) -> "ExecutionReply":
        """This run."""
        runbook = execution.runbook
        steps = []
        for run in execution.steps:
            step = runbook.step(run.step_id)
            action = step.action
            waits_for = action.metric if isinstance(action, WaitUntil) else step.measure
            steps.append(
                StepRunReply(
                    step_id=run.step_id,
                    title=step.title,
                    status=run.status,
                    outcome=run.outcome,
                    approved_by=run.approved_by,
                    started_at=run.started_at,
                    ended_at=run.ended_at,
                    metric=waits_for,
                    before=run.before,
                    after=run.after,
                    measured_at=run.measured_at,
                    effective=run.effective,
                )
            )
        return cls(
            execution_id=execution.execution_id,
            runbook_id=runbook.runbook_id,
            runbook_version=runbook.version,
            title=runbook.title,
            incident_id=execution.incident_id,
            dry_run=execution.dry_run,
            status=execution.status,
            reason=execution.reason,
            requested_by=execution.requested_by,
            created_at=execution.created_at,
            ended_at=execution.ended_at,
            steps=steps,
            events=[
                RunEventReply(at=each.at, by=each.by, text=each.text) for each in execution.events
            ],
            version=execution.version,
        )
