"""What must hold at every step: each committed change of an alert or incident, each message."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from infra.local.clock import ManualClock
from infra.local.engine import LocalCloud
from tests.simulation.faults import Invocation
from wedsync.alerting.model import Alert, AlertState
from wedsync.cloud import EXPIRES_AT, Item, Key, Message
from wedsync.incidents.decisions import TRANSITIONS
from wedsync.incidents.model import Incident, LadderStep, StepKind, StepStatus, UpdateKind
from wedsync.resources import Resource
from wedsync.runbooks.execution import Execution
from wedsync.runbooks.execution import StepStatus as StepRunStatus
from wedsync.stores.documents import Documents
from wedsync.stores.incidents import IncidentStore
from wedsync.tenancy import Tenant

_alerts = Documents(Alert)
_incidents = Documents(Incident)
_runs = Documents(Execution)

NOBODYS = frozenset({"frontiers", "pressure"})
"""Partitions that hold nothing of any tenant."""
LATEST_SECONDS = 180
"""A page may be this late, when a sweep is lost besides."""

_STEPS: Mapping[StepStatus, frozenset[StepStatus]] = {
    StepStatus.PENDING: frozenset({StepStatus.CLAIMED, StepStatus.CANCELLED}),
    StepStatus.CLAIMED: frozenset({StepStatus.SENT, StepStatus.PENDING}),
    StepStatus.SENT: frozenset(),
    StepStatus.CANCELLED: frozenset({StepStatus.CLAIMED}),
}
_ALERTS: Mapping[AlertState, frozenset[AlertState]] = {
    AlertState.PENDING: frozenset({AlertState.FIRING, AlertState.RESOLVED}),
    AlertState.FIRING: frozenset({AlertState.ACKNOWLEDGED, AlertState.RESOLVED}),
    AlertState.ACKNOWLEDGED: frozenset({AlertState.FIRING, AlertState.RESOLVED}),
    AlertState.RESOLVED: frozenset(),
    AlertState.NO_DATA: frozenset(AlertState),
    AlertState.SUPPRESSED: frozenset(AlertState),
}


class Violation(AssertionError):
    """An invariant does not hold. ``invariant`` is its name, such as ``I9``."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant
        self.what = what


@dataclass(frozen=True, slots=True)
class Sending:
    """A message as it left: when, and from which run."""

    at: datetime
    run: Invocation | None
    attributes: Mapping[str, str | int]


def require(condition: object, invariant: str, what: object) -> None:
    """Raise Violation unless the condition holds."""
    if not condition:
        raise Violation(invariant, str(what))


@dataclass(slots=True)
class Watch:
    """Looks on while the world plays. Violations are kept until somebody asks.

    A violation cannot be raised from inside a call of the seam: the function that made the call
    might swallow it.
    """

    cloud: LocalCloud
    clock: ManualClock
    sent: dict[str, list[Sending]] = field(default_factory=lambda: defaultdict(list))
    checks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    found: list[Violation] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    unharmed: Callable[[datetime, datetime], bool] = lambda *_: False
    """Whether no run came to harm in a span."""
    canaries: Mapping[str, str] = field(default_factory=dict)
    """A word by tenant id that stands in what belongs to it, and nowhere else."""
    _due: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When each step of an incident was first planned for."""

    def committed(
        self,
        resource: Resource,
        key: Key,
        before: Item | None,
        after: Item | None,
        run: Invocation | None,
    ) -> None:
        """Judge one change."""
        del run
        try:
            if resource is Resource.INCIDENTS and key.pk.endswith("#incidents"):
                self._incident(key, before, after)
            elif resource is Resource.RUNBOOKS and key.pk.endswith("#executions"):
                self._run(before, after)
            elif resource is Resource.ALERTS and key.pk.endswith("#alerts"):
                self._alert(key, before, after)
        except Violation as violation:
            self.found.append(violation)

    def published(self, resource: Resource, message: Message, run: Invocation | None) -> None:
        """Judge one message: never early, never for a step that nobody claimed."""
        said = message.attributes
        key = str(said["dedup_key"])
        self.sent[key].append(Sending(self.clock.now(), run, said))
        text = f"{message.subject}\n{message.body}\n{dict(said)}"
        self.told(key.partition("#")[0], text, f"the message {key}")
        if resource is Resource.DIRECT or not key.split("#")[1].startswith("inc_"):
            return
        tenant, incident_id, epoch, kind, tier, _ = key.split("#")
        if epoch.startswith("run_"):
            return  # a step of a runbook, which is no step of the ladder
        incident = IncidentStore(self.cloud.table(Resource.INCIDENTS)).get(
            Tenant(tenant), incident_id
        )
        step = incident.value.step(f"{epoch}-{kind}-{tier}")
        try:
            self._count("I10")
            require(step is not None, "I8", f"{key} was sent, and no such step is planned")
            assert step is not None
            due_at = self._due.get((incident_id, step.step_id), step.due_at)
            late = (self.clock.now() - due_at).total_seconds()
            require(
                late >= 0,
                "I10",
                f"{key} was sent at {self.clock.now()}, before it was due at {due_at}",
            )
            if len(self.sent[key]) > 1 or kind != StepKind.PAGE:
                return
            self.lateness.append(late)
            require(late <= LATEST_SECONDS, "I10", f"{key} was sent {late} s after {due_at}")
        except Violation as violation:
            self.found.append(violation)

    def told(self, tenant_id: str, text: str, what: str) -> None:
        """Judge what a tenant was told: nothing in it may be another tenant's."""
        self._count("I13")
        for owner, canary in self.canaries.items():
            if owner != tenant_id and canary in text:
                self.found.append(
                    Violation("I13", f"{what} tells {tenant_id} of {owner}: {text[:2000]}")
                )

    def seen(self, resource: Resource, items: Sequence[Item]) -> None:
        """Judge what somebody read: nothing that has expired."""
        self._count("I21")
        now = self.clock.now().timestamp()
        for item in items:
            until = item.attributes.get(EXPIRES_AT)
            if isinstance(until, int) and until <= now:
                self.found.append(
                    Violation("I21", f"{resource.slug} {item.key} was read at {now}: {until}")
                )

    def asked(self, resource: Resource, partition: str, index: str | None, run: Invocation) -> None:
        """A call of a tenant's request stays within the tenant's keys."""
        if run.caller is None:
            return
        self._count("I14")
        if partition not in NOBODYS and not partition.startswith(f"{run.caller.id}#"):
            self.found.append(
                Violation(
                    "I14",
                    f"{run.declaration.name} for {run.caller.id} asked {resource.name} "
                    f"for {partition} (index {index})",
                )
            )

    def _count(self, invariant: str) -> None:
        self.checks[invariant] += 1

    def _incident(self, key: Key, before: Item | None, after: Item | None) -> None:
        self._count("I11")
        require(after is not None, "I11", f"the incident {key.sk} was deleted")
        assert after is not None
        now_is = _incidents.load(after.text("body"))
        if key.sk == now_is.incident_id:
            return  # a former one, filed
        for step in now_is.steps:
            self._due.setdefault((now_is.incident_id, step.step_id), step.due_at)
        if before is None:
            require(now_is.epoch == 1, "I11", f"{now_is.incident_id} began in epoch {now_is.epoch}")
            return
        was = _incidents.load(before.text("body"))
        require(
            after.number("version") == before.number("version") + 1,
            "I11",
            f"{now_is.incident_id}: version {before.number('version')} was followed by "
            f"{after.number('version')}: an update is lost",
        )
        if was.incident_id != now_is.incident_id:
            require(not was.is_active, "I11", f"{was.incident_id} was replaced while active")
            return
        allowed = now_is.status in TRANSITIONS[was.status] | {was.status}
        require(allowed, "I11", f"{was.incident_id} went from {was.status} to {now_is.status}")
        require(now_is.epoch >= was.epoch, "I11", f"{was.incident_id}: the epoch went back")
        by_hand = (
            len(now_is.updates) > len(was.updates)
            and now_is.updates[-1].kind is UpdateKind.ESCALATED
        )
        answered = was.acknowledged_at is not None and now_is.epoch == was.epoch
        lost = answered and now_is.acknowledged_at is None and not by_hand
        require(not lost, "I9", f"{was.incident_id}: the acknowledgement was overwritten")
        for step in was.steps:
            after_it = now_is.step(step.step_id)
            require(after_it is not None, "I11", f"{was.incident_id} lost the step {step.step_id}")
            assert after_it is not None
            self._step(was, step, after_it, by_hand=by_hand)

    def _step(self, was: Incident, step: LadderStep, after: LadderStep, *, by_hand: bool) -> None:
        self._count("I8")
        name = f"{was.incident_id} step {step.step_id}"
        now = self.clock.now()
        if by_hand:
            self._due[was.incident_id, step.step_id] = after.due_at
        if after.status is StepStatus.CLAIMED and after.attempt != step.attempt:
            self._count("I9")
            if not by_hand:
                self._claim(was, step, name)
            due_at = self._due[was.incident_id, step.step_id]
            require(due_at <= now, "I10", f"{name} claimed at {now}, due {due_at}")
            taken_over = after.held_by is not None and after.held_by == step.held_by
            if step.status is StepStatus.CLAIMED and not taken_over:
                require(
                    step.lease_until is not None and step.lease_until <= now,
                    "I8",
                    f"{name} claimed again at {now}, though leased until {step.lease_until}",
                )
            require(step.status is not StepStatus.SENT, "I8", f"{name} claimed after it was sent")
            return
        if after.status is not step.status:
            require(
                after.status in _STEPS[step.status],
                "I8",
                f"{name} went from {step.status} to {after.status}",
            )

    def _claim(self, was: Incident, step: LadderStep, name: str) -> None:
        if step.kind is StepKind.RESOLVED:
            require(not was.is_active, "I9", f"{name} claimed while the incident is active")
            return
        require(was.is_active, "I9", f"{name} claimed after the incident was resolved")
        acknowledged = was.acknowledged_at is not None
        if step.kind is StepKind.REMINDER:
            require(acknowledged, "I9", f"{name} claimed without an acknowledgement")
            return
        require(not acknowledged, "I9", f"{name} claimed after the acknowledgement")
        require(step.epoch == was.epoch, "I9", f"{name} claimed in epoch {was.epoch}")

    def _run(self, before: Item | None, after: Item | None) -> None:
        """A run's steps go forward, one claim after another; what is over stays over."""
        self._count("R1")
        require(after is not None, "R1", "a run was deleted")
        assert after is not None
        run = _runs.load(after.text("body"))
        dry = run.dry_run and any(each.attempt for each in run.steps)
        require(not dry, "R1", f"{run.execution_id} is a dry run, and has claimed a step")
        if before is None:
            return
        was = _runs.load(before.text("body"))
        require(
            after.number("version") == before.number("version") + 1,
            "R1",
            f"{run.execution_id}: an update is lost",
        )
        if was.is_over:
            require(run.status is was.status, "R1", f"{run.execution_id} was {was.status}")
        for step, now_is in zip(was.steps, run.steps, strict=True):
            again = now_is.attempt != step.attempt and step.lease_until is not None
            name = f"{run.execution_id} {step.step_id}"
            if again and step.lease_until is not None:
                free = step.lease_until <= self.clock.now()
                require(free, "R1", f"{name} was claimed though leased until {step.lease_until}")
            kept = step.former is None or now_is.former == step.former
            undone = now_is.status is StepRunStatus.FAILED and now_is.former is None
            require(kept or undone, "R1", f"{name} forgot what was before it")
            if step.status is StepRunStatus.DONE:
                forward = now_is.status in {
                    StepRunStatus.DONE,
                    StepRunStatus.UNDOING,
                    StepRunStatus.UNDONE,
                }
                require(forward, "R1", f"{name} was done and became {now_is.status}")

    def _alert(self, key: Key, before: Item | None, after: Item | None) -> None:
        self._count("I11")
        was = None if before is None else _alerts.load(before.text("body"))
        if after is None:
            pending = was is None or was.state is AlertState.PENDING
            require(pending, "I11", f"the alert {key.sk} was deleted though it had fired")
            return
        alert = _alerts.load(after.text("body"))
        if key.sk == alert.alert_id or was is None or before is None:
            return
        require(
            after.number("version") == before.number("version") + 1,
            "I11",
            f"alert {alert.alert_id}: version {before.number('version')} was followed by "
            f"{after.number('version')}: an update is lost",
        )
        if was.alert_id != alert.alert_id:
            self._episode(was, alert)
            return
        allowed = alert.state in _ALERTS[was.state] | {was.state}
        require(allowed, "I11", f"alert {alert.alert_id}: {was.state} became {alert.state}")
        fell = alert.severity < was.severity and was.state is not AlertState.PENDING
        require(not fell, "I11", f"alert {alert.alert_id} fell from {was.severity} in its episode")

    def _episode(self, was: Alert, alert: Alert) -> None:
        self._count("I12")
        if alert.episode == was.episode - 1:
            pending = was.state is AlertState.PENDING
            require(pending, "I12", f"{was.alert_id} was undone though it had fired")
            return
        require(alert.episode == was.episode + 1, "I12", f"{was.alert_id} -> {alert.alert_id}")
        require(was.resolved_at is not None, "I12", f"{alert.alert_id} opened within another")
        assert was.resolved_at is not None
        if was.resolved_by is None:
            kept = was.resolved_at - was.last_breach_at
            require(
                kept >= timedelta(seconds=was.keep_firing_for_seconds),
                "I12",
                f"{was.alert_id} resolved {kept} after its last breach: it flaps",
            )
