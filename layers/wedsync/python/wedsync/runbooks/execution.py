"""One run of a runbook: a state machine on one item.

Each call here takes the run as it is stored and answers what it becomes; whoever stores that by a
conditional write may then do what it says. A step is claimed, done and marked like a ladder's page:
what a crash leaves between claim and mark is done again once the lease is over, under the same
name and to the same end (a message with its dedup key, a lever set to the same value). What was
before is kept in the claim, so that a repetition does not take its own work for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wedsync.errors import Conflict
from wedsync.runbooks.model import REVERSIBLE, Metric, Runbook, Step, WaitUntil

LEASE = timedelta(seconds=60)
LOOK_EVERY = timedelta(seconds=15)
"""How often a metric that is waited for is looked at."""
MEASURED_AFTER = timedelta(seconds=120)
"""How long after a step it is measured what became of it."""
PAUSES_SECONDS = (20, 50)
"""When what a dependency did not take is tried again.

Together they outlast the lease of a delivery, which somebody may hold who has given up.
"""
BUSY_PAUSES_SECONDS = (30,) * 20
"""When what the cloud was still at work on is asked for again: a stream's shards take minutes."""
BETTER_BY = 0.1
"""By what share a metric has to improve, at the least, for a step to count as effective."""


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    PLANNED = "planned"
    """Of a dry run: what would be done is told, and nothing follows."""
    WAITING_APPROVAL = "waiting_approval"
    HELD = "held"
    """A ceremony is under way."""
    CLAIMED = "claimed"
    WATCHING = "watching"
    """A metric is looked at until it has recovered."""
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDOING = "undoing"
    UNDONE = "undone"


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    HELD = "held"
    ROLLING_BACK = "rolling_back"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    SKIPPED = "skipped"


OVER = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.ABORTED, RunStatus.SKIPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """What became of one step.

    ``former``: what was before, as JSON, of what can be put back. ``before`` and ``after`` are the
    step's metric; ``effective`` is None where nobody could know.
    """

    step_id: str
    status: StepStatus = StepStatus.PENDING
    outcome: str = ""
    approved_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    look_at: datetime | None = None
    lease_until: datetime | None = None
    attempt: int = 0
    failures: int = 0
    former: str | None = None
    before: float | None = None
    measured_at: datetime | None = None
    after: float | None = None
    effective: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of what happened."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run. ``runbook`` is kept as it was when the run began.

    ``ending``: how a run ends once what it did is put back. Whoever stores it raises ``version``.
    """

    execution_id: str
    runbook: Runbook
    incident_id: str
    dry_run: bool
    status: RunStatus
    reason: str
    requested_by: str
    created_at: datetime
    ended_at: datetime | None = None
    ending: RunStatus | None = None
    steps: tuple[StepRun, ...] = ()
    events: tuple[Event, ...] = ()
    version: int = 0

    @property
    def is_over(self) -> bool:
        """Nothing more is done."""
        return self.status in OVER

    @property
    def waiting(self) -> StepRun | None:
        """The step that waits for a person, while the run waits for one."""
        if self.status is not RunStatus.WAITING_APPROVAL:
            return None
        waiting = (each for each in self.steps if each.status is StepStatus.WAITING_APPROVAL)
        return next(waiting, None)

    def run_of(self, step_id: str) -> StepRun:
        """The step of that id."""
        return next(each for each in self.steps if each.step_id == step_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is going on around a run.

    ``ceremony_ends``: when the last of the ceremonies ends that are under way at weddings that a
    step touches. ``touched``: how many weddings under way it touches.
    """

    incident_is_active: bool
    touched: dict[str, int]
    ceremony_ends: dict[str, datetime]


class Deed(StrEnum):
    """What is to be done next for a step."""

    DO = "do"
    UNDO = "undo"
    LOOK = "look"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What comes next. ``deed`` None: nothing now; ``execution`` may still have changed.

    ``metric``: what is to be looked at or measured.
    """

    execution: Execution
    step: Step | None = None
    deed: Deed | None = None
    metric: Metric | None = None


def begun(
    runbook: Runbook,
    *,
    execution_id: str,
    incident_id: str,
    dry_run: bool,
    by: str,
    reason: str,
    at: datetime,
) -> Execution:
    """A run whose first step is due."""
    execution = Execution(
        execution_id=execution_id,
        runbook=runbook,
        incident_id=incident_id,
        dry_run=dry_run,
        status=RunStatus.RUNNING,
        reason=reason,
        requested_by=by,
        created_at=at,
        steps=tuple(StepRun(step_id=each.step_id) for each in runbook.steps),
    )
    kind = "a dry run" if dry_run else "a run"
    return _told(execution, at=at, by=by, text=f"{kind} of {runbook.title} began: {reason}")


def skipped(execution: Execution, reason: str, *, at: datetime) -> Execution:
    """A run that does not take place."""
    return _ended(replace(execution, reason=reason), RunStatus.SKIPPED, at=at)


def next_move(execution: Execution, *, around: Around, now: datetime) -> Move:
    """What is to be done now, and what the run has become by that time passed."""
    if execution.is_over:
        return _measuring(execution, now=now)
    if execution.status is RunStatus.ROLLING_BACK:
        return _rolling_back(execution, now=now)
    current = _current(execution)
    if current is None:
        return Move(execution=_ended(execution, RunStatus.SUCCEEDED, at=now))
    if execution.dry_run:
        return Move(execution=_planned(execution, around, at=now))
    if not around.incident_is_active and current.status is not StepStatus.CLAIMED:
        return Move(execution=_let_be(execution, at=now))
    return _of_step(execution, current, around, now=now) or _measuring(execution, now=now)


def _of_step(
    execution: Execution, current: StepRun, around: Around, *, now: datetime
) -> Move | None:
    """What is to be done for the step that it has come to; None while it waits."""
    step = execution.runbook.step(current.step_id)
    action = step.action
    if current.status is StepStatus.CLAIMED:
        mine = Move(execution=execution, step=step, deed=Deed.DO)
        return None if _is_leased(current, now=now) else mine
    if current.status is StepStatus.WATCHING and isinstance(action, WaitUntil):
        if current.look_at is not None and current.look_at > now:
            return None
        return Move(execution=execution, step=step, deed=Deed.LOOK, metric=action.metric)
    held = _held(execution, step, current, around, now=now)
    if held is not None:
        return None if held is execution else Move(execution=held)
    if isinstance(action, WaitUntil):
        return Move(execution=_watching(execution, current, now=now))
    return Move(execution=execution, step=step, deed=Deed.DO)


def claimed(
    execution: Execution,
    step_id: str,
    *,
    former: str | None,
    before: float | None,
    now: datetime,
) -> Execution:
    """Take a step, or the undoing of one, for a minute. What was before is kept once.

    Where it could not be known yet nothing was done, and what is known later is kept.
    """
    run = execution.run_of(step_id)
    undoing = execution.status is RunStatus.ROLLING_BACK
    first = run.attempt == 0
    mine = replace(
        run,
        status=StepStatus.UNDOING if undoing else StepStatus.CLAIMED,
        lease_until=now + LEASE,
        attempt=run.attempt + 1,
        look_at=None,
        started_at=run.started_at or now,
        former=former if run.former is None else run.former,
        before=before if first else run.before,
    )
    status = execution.status if undoing else RunStatus.RUNNING
    return _with(replace(execution, status=status), mine)


def done(
    execution: Execution, step_id: str, *, attempt: int, outcome: str, now: datetime
) -> Execution:
    """A step was taken, or undone. The same execution when another attempt has taken over."""
    run = execution.run_of(step_id)
    if run.attempt != attempt or run.status not in {StepStatus.CLAIMED, StepStatus.UNDOING}:
        return execution
    undone = run.status is StepStatus.UNDOING
    after = replace(
        run,
        status=StepStatus.UNDONE if undone else StepStatus.DONE,
        lease_until=None,
        failures=0,
        outcome=f"{run.outcome}; {outcome}" if undone and run.outcome else outcome,
        ended_at=now,
    )
    return _told(
        _with(execution, after), at=now, by=SYSTEM, text=f"{_title(execution, run)}: {outcome}"
    )


def failed(
    execution: Execution,
    step_id: str,
    *,
    attempt: int,
    outcome: str,
    now: datetime,
    final: bool,
    pauses: Sequence[int] = PAUSES_SECONDS,
) -> Execution:
    """A step was not taken: it is tried again after a pause, or the run is rolled back.

    What cannot be undone stays, and the run goes on undoing the rest.
    """
    run = execution.run_of(step_id)
    if run.attempt != attempt or run.status not in _UNDER_WAY:
        return execution
    failures = run.failures + 1
    if not final and failures <= len(pauses):
        again = now + timedelta(seconds=pauses[failures - 1])
        status = run.status if run.status is StepStatus.UNDOING else StepStatus.CLAIMED
        tried = replace(run, status=status, lease_until=again, failures=failures, outcome=outcome)
        return _with(execution, tried)
    text = f"{_title(execution, run)} failed: {outcome}"
    if run.status is StepStatus.UNDOING:
        stays = replace(
            run,
            status=StepStatus.FAILED,
            lease_until=None,
            outcome=f"could not be undone: {outcome}",
            ended_at=now,
            former=None,
        )
        return _told(_with(execution, stays), at=now, by=SYSTEM, text=text)
    broken = replace(
        run,
        status=StepStatus.FAILED,
        lease_until=None,
        look_at=None,
        outcome=outcome,
        ended_at=now,
        failures=0,
    )
    return _told(
        replace(_with(execution, broken), status=RunStatus.ROLLING_BACK, ending=RunStatus.FAILED),
        at=now,
        by=SYSTEM,
        text=text,
    )


def looked(execution: Execution, step_id: str, *, value: float | None, now: datetime) -> Execution:
    """A metric that is waited for has this value."""
    run = execution.run_of(step_id)
    action = execution.runbook.step(step_id).action
    if run.status is not StepStatus.WATCHING or not isinstance(action, WaitUntil):
        return execution
    shown = "nothing is known" if value is None else f"{value:g}"
    if value is not None and _recovered(action.metric, value, action.threshold):
        text = f"{action.metric} has recovered: {shown}"
        well = replace(
            run, status=StepStatus.DONE, outcome=text, look_at=None, ended_at=now, after=value
        )
        return _told(_with(execution, well), at=now, by=SYSTEM, text=text)
    started = run.started_at or now
    if now >= started + timedelta(seconds=action.within_seconds):
        outcome = f"{action.metric} has not recovered in {action.within_seconds} s: {shown}"
        return failed(execution, step_id, attempt=run.attempt, outcome=outcome, now=now, final=True)
    before = value if run.before is None else run.before
    return _with(execution, replace(run, look_at=now + LOOK_EVERY, before=before))


def measured(
    execution: Execution, step_id: str, *, value: float | None, now: datetime
) -> Execution:
    """What became of a step's metric after it was taken."""
    run = execution.run_of(step_id)
    metric = execution.runbook.step(step_id).measure
    if metric is None or run.measured_at is not None:
        return execution
    helped = effective(metric, before=run.before, after=value)
    told = replace(run, measured_at=now, after=value, effective=helped)
    words = {True: "it helped", False: "it did not help", None: "nobody can tell whether it helped"}
    before, after = (("unknown" if each is None else f"{each:g}") for each in (run.before, value))
    text = f"{_title(execution, run)}: {metric} {before} before, {after} after: {words[helped]}"
    return _told(_with(execution, told), at=now, by=SYSTEM, text=text)


def effective(metric: Metric, *, before: float | None, after: float | None) -> bool | None:
    """Whether a metric has improved by a tenth; None where that cannot be known.

    Of what is better the higher it is, a tenth of what is missing to 100.
    """
    if before is None or after is None:
        return None
    if metric.more_is_better:
        before, after = 100 - before, 100 - after
    return after <= before * (1 - BETTER_BY) if before > 0 else None


def approve(execution: Execution, *, by: str, at: datetime) -> Execution:
    """A person says yes to the step that waits. Raises Conflict where none does."""
    waiting = execution.waiting
    if waiting is None:
        asks = any(each.status is StepStatus.WAITING_APPROVAL for each in execution.steps)
        if not asks and any(each.approved_by == by for each in execution.steps):
            return execution
        raise Conflict("no step waits for an approval")
    yes = replace(waiting, status=StepStatus.PENDING, approved_by=by, outcome="")
    approved = replace(_with(execution, yes), status=RunStatus.RUNNING)
    return _told(approved, at=at, by=by, text=f"{_title(execution, waiting)} was approved")


def abort(execution: Execution, *, by: str, at: datetime) -> Execution:
    """A person ends the run: what was done is put back. Raises Conflict where it is over."""
    if execution.status is RunStatus.ABORTED or execution.ending is RunStatus.ABORTED:
        return execution
    if execution.is_over:
        raise Conflict(f"the run is over: {execution.status}")
    # What is under way is undone once its lease is over: it may have been done.
    stopped = replace(execution, status=RunStatus.ROLLING_BACK, ending=RunStatus.ABORTED)
    return _told(stopped, at=at, by=by, text="the run was aborted")


def due_at(execution: Execution) -> datetime | None:
    """When there is something to do next; None while a person is waited for, or nothing is left."""
    times = []
    if not execution.is_over:
        current = _current(execution)
        if current is None:
            times.append(execution.created_at)
        elif current.status in {StepStatus.CLAIMED, StepStatus.UNDOING}:
            times.append(current.lease_until or execution.created_at)
        elif current.status is not StepStatus.WAITING_APPROVAL:
            times.append(current.look_at or execution.created_at)
    times += [
        run.ended_at + MEASURED_AFTER
        for run in execution.steps
        if _to_measure(execution, run) and run.ended_at is not None
    ]
    return min(times, default=None)


SYSTEM = "wedsync"
_PASSED = frozenset({StepStatus.DONE, StepStatus.SKIPPED, StepStatus.PLANNED, StepStatus.UNDONE})
_UNDER_WAY = frozenset({StepStatus.CLAIMED, StepStatus.UNDOING, StepStatus.WATCHING})


def _current(execution: Execution) -> StepRun | None:
    if execution.status is RunStatus.ROLLING_BACK:
        return _to_undo(execution)
    return next((each for each in execution.steps if each.status not in _PASSED), None)


def _is_leased(run: StepRun, *, now: datetime) -> bool:
    return run.lease_until is not None and run.lease_until > now


def _to_undo(execution: Execution) -> StepRun | None:
    """The last step that was, or may have been, taken and can be put back."""
    return next(
        (
            each
            for each in reversed(execution.steps)
            if each.status is StepStatus.UNDOING
            or each.status is StepStatus.CLAIMED
            or (each.former is not None and each.status in {StepStatus.DONE, StepStatus.FAILED})
        ),
        None,
    )


def _rolling_back(execution: Execution, *, now: datetime) -> Move:
    last = _to_undo(execution)
    if last is None:
        ending = execution.ending or RunStatus.FAILED
        return Move(execution=_ended(execution, ending, at=now))
    if _is_leased(last, now=now):
        return _measuring(execution, now=now)
    if last.former is None:
        gone = replace(
            last,
            status=StepStatus.SKIPPED,
            lease_until=None,
            ended_at=now,
            outcome="stopped under way: it may have been done",
        )
        return Move(execution=_with(execution, gone))
    return Move(execution=execution, step=execution.runbook.step(last.step_id), deed=Deed.UNDO)


def _measuring(execution: Execution, *, now: datetime) -> Move:
    for run in execution.steps:
        due = run.ended_at is not None and run.ended_at + MEASURED_AFTER <= now
        if due and _to_measure(execution, run):
            step = execution.runbook.step(run.step_id)
            return Move(execution=execution, step=step, deed=Deed.MEASURE, metric=step.measure)
    return Move(execution=execution)


def _to_measure(execution: Execution, run: StepRun) -> bool:
    return (
        run.status is StepStatus.DONE
        and run.measured_at is None
        and execution.runbook.step(run.step_id).measure is not None
        and not isinstance(execution.runbook.step(run.step_id).action, WaitUntil)
    )


def _held(
    execution: Execution, step: Step, current: StepRun, around: Around, *, now: datetime
) -> Execution | None:
    """The run with this step held back; None where nothing holds it."""
    ends = around.ceremony_ends.get(step.step_id)
    if step.not_during_ceremony and ends is not None:
        if current.status is StepStatus.HELD and current.look_at == ends:
            return execution
        outcome = f"held: a ceremony is under way until {ends:%H:%M} UTC"
        run = replace(current, status=StepStatus.HELD, look_at=ends, outcome=outcome)
        held = replace(_with(execution, run), status=RunStatus.HELD)
        return _told(held, at=now, by=SYSTEM, text=f"{step.title} is {outcome}")
    reason = _approval_needed(execution.runbook, step, around)
    if reason is not None and current.approved_by is None:
        if current.status is StepStatus.WAITING_APPROVAL:
            return execution
        run = replace(current, status=StepStatus.WAITING_APPROVAL, look_at=None, outcome=reason)
        waits = replace(_with(execution, run), status=RunStatus.WAITING_APPROVAL)
        return _told(waits, at=now, by=SYSTEM, text=f"{step.title} waits for an approval: {reason}")
    return None


def _approval_needed(runbook: Runbook, step: Step, around: Around) -> str | None:
    if step.needs_approval:
        return "the runbook asks for it"
    touched = around.touched.get(step.step_id, 0)
    if touched > runbook.max_weddings:
        return f"it touches {touched} weddings under way, and may touch {runbook.max_weddings}"
    return None


def _watching(execution: Execution, current: StepRun, *, now: datetime) -> Execution:
    run = replace(
        current, status=StepStatus.WATCHING, started_at=now, look_at=now, outcome="", attempt=1
    )
    return replace(_with(execution, run), status=RunStatus.RUNNING)


def _planned(execution: Execution, around: Around, *, at: datetime) -> Execution:
    """Say of every step what would be done, and what would hold it back."""
    for step in execution.runbook.steps:
        held = []
        ends = around.ceremony_ends.get(step.step_id)
        if step.not_during_ceremony and ends is not None:
            held.append(f"held until the ceremony ends at {ends:%H:%M} UTC")
        reason = _approval_needed(execution.runbook, step, around)
        if reason is not None:
            held.append(f"after an approval: {reason}")
        outcome = "; ".join(["would be done", *held])
        run = replace(
            execution.run_of(step.step_id), status=StepStatus.PLANNED, outcome=outcome, ended_at=at
        )
        execution = _with(execution, run)
    return _ended(execution, RunStatus.SUCCEEDED, at=at)


def _let_be(execution: Execution, *, at: datetime) -> Execution:
    """The incident is over: what is left need not be done."""
    steps = tuple(
        each
        if each.status in _PASSED
        else replace(
            each,
            status=StepStatus.SKIPPED,
            look_at=None,
            outcome="the incident was over",
            ended_at=at,
        )
        for each in execution.steps
    )
    return _ended(
        replace(execution, steps=steps, reason="the incident was over"), RunStatus.SUCCEEDED, at=at
    )


def _recovered(metric: Metric, value: float, threshold: float) -> bool:
    return value >= threshold if metric.more_is_better else value <= threshold


def _ended(execution: Execution, status: RunStatus, *, at: datetime) -> Execution:
    ended = replace(execution, status=status, ended_at=at)
    return _told(ended, at=at, by=SYSTEM, text=f"{execution.runbook.title}: {status}")


def _told(execution: Execution, *, at: datetime, by: str, text: str) -> Execution:
    return replace(execution, events=(*execution.events, Event(at=at, by=by, text=text)))


def _title(execution: Execution, run: StepRun) -> str:
    return execution.runbook.step(run.step_id).title


def _with(execution: Execution, run: StepRun) -> Execution:
    steps = tuple(run if each.step_id == run.step_id else each for each in execution.steps)
    return replace(execution, steps=steps)


def is_reversible(step: Step) -> bool:
    """Whether what was before is kept, and put back when a later step fails."""
    return step.action.kind in REVERSIBLE
