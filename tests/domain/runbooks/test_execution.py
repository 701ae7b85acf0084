"""A run of a runbook: each step once, held where it must be, put back if a later one fails."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wedsync.errors import Conflict
from wedsync.runbooks.execution import (
    BUSY_PAUSES_SECONDS,
    LEASE,
    LOOK_EVERY,
    MEASURED_AFTER,
    PAUSES_SECONDS,
    Around,
    Deed,
    Execution,
    RunStatus,
    StepStatus,
    abort,
    approve,
    begun,
    claimed,
    done,
    due_at,
    effective,
    failed,
    looked,
    measured,
    next_move,
)
from wedsync.runbooks.model import (
    Action,
    EmergencyMode,
    Match,
    Metric,
    Notify,
    Runbook,
    Step,
    WaitUntil,
)

NOW = datetime(2026, 6, 20, 14, 5, tzinfo=UTC)
QUIET = Around(incident_is_active=True, touched={}, ceremony_ends={})
SHED = EmergencyMode(kind="emergency_mode", minutes=60)
TELL = Notify(kind="notify", roles=("cto",), text="Look")
WAIT = WaitUntil(kind="wait", metric=Metric.P95_MS, threshold=2000, within_seconds=60)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def step(name: str, action: Action, **members: object) -> Step:
    return replace(Step(step_id=name, title=name, action=action), **members)  # type: ignore[arg-type] # members of Step


def run(*steps: Step, dry_run: bool = False, **members: object) -> Execution:
    runbook = Runbook(runbook_id="r", title="R", match=Match(), steps=steps)
    return begun(
        replace(runbook, **members),  # type: ignore[arg-type] # members of Runbook
        execution_id="run_1",
        incident_id="i-1",
        dry_run=dry_run,
        by="mia",
        reason="mia asked for it",
        at=NOW,
    )


def played(
    execution: Execution, *, around: Around = QUIET, at: datetime = NOW, value: float = 9000.0
) -> tuple[Execution, list[str]]:
    """Do all that is due; what was done, in order."""
    deeds: list[str] = []
    for _ in range(50):
        move = next_move(execution, around=around, now=at)
        execution = move.execution
        if move.step is None:
            if move == next_move(execution, around=around, now=at):
                return execution, deeds
            continue
        name = move.step.step_id
        if move.metric is not None:
            note = looked if move.deed is Deed.LOOK else measured
            execution = note(execution, name, value=value, now=at)
            continue
        deeds.append(f"{move.deed} {name}")
        execution = claimed(execution, name, former="null", before=value, now=at)
        attempt = execution.run_of(name).attempt
        execution = done(execution, name, attempt=attempt, outcome="well", now=at)
    raise AssertionError("it never comes to rest")


def test_steps_are_taken_in_order_and_each_once() -> None:
    ended, deeds = played(run(step("a", TELL), step("b", SHED)))

    assert deeds == ["do a", "do b"]
    assert (ended.status, ended.ended_at) == (RunStatus.SUCCEEDED, NOW)
    assert due_at(ended) is None
    assert [each.text for each in ended.events][-1] == "R: succeeded"


def test_a_dry_run_does_nothing_and_says_what_would_hold_it_back() -> None:
    execution = run(
        step("a", TELL, needs_approval=True),
        step("b", SHED, not_during_ceremony=True),
        dry_run=True,
    )
    around = replace(QUIET, touched={"b": 3}, ceremony_ends={"b": after(900)})

    ended, deeds = played(execution, around=around)

    assert deeds == []
    assert {each.status for each in ended.steps} == {StepStatus.PLANNED}
    tell, shed = (each.outcome.split("; ") for each in ended.steps)
    assert tell == ["would be done", "after an approval: the runbook asks for it"]
    assert shed == [
        "would be done",
        "held until the ceremony ends at 14:20 UTC",
        "after an approval: it touches 3 weddings under way, and may touch 1",
    ]


def test_a_step_waits_for_a_person_and_then_goes_on() -> None:
    waiting, deeds = played(run(step("a", TELL), step("b", SHED, needs_approval=True)))

    assert (deeds, waiting.status) == (["do a"], RunStatus.WAITING_APPROVAL)
    assert due_at(waiting) is None
    yes = approve(waiting, by="tom", at=after(600))
    assert due_at(yes) is not None
    ended, later = played(yes, at=after(600))
    assert (later, ended.status) == (["do b"], RunStatus.SUCCEEDED)
    assert ended.run_of("b").approved_by == "tom"
    assert approve(ended, by="tom", at=after(700)) is ended
    with pytest.raises(Conflict):
        approve(ended, by="mia", at=after(700))


def test_what_touches_more_weddings_than_it_may_asks_a_person() -> None:
    execution = run(step("a", SHED), max_weddings=2)

    fits, _ = played(execution, around=replace(QUIET, touched={"a": 2}))
    waits, _ = played(execution, around=replace(QUIET, touched={"a": 3}))

    assert (fits.status, waits.status) == (RunStatus.SUCCEEDED, RunStatus.WAITING_APPROVAL)


def test_a_ceremony_holds_a_step_until_it_ends_whoever_says_yes() -> None:
    execution = run(step("a", SHED, not_during_ceremony=True))
    during = replace(QUIET, ceremony_ends={"a": after(900)})

    held, deeds = played(execution, around=during)
    assert (deeds, held.status, due_at(held)) == ([], RunStatus.HELD, after(900))
    with pytest.raises(Conflict):
        approve(held, by="tom", at=after(1))
    ended, later = played(held, at=after(900))
    assert (later, ended.status) == (["do a"], RunStatus.SUCCEEDED)


def test_a_crash_between_claim_and_mark_has_the_step_done_again_after_the_lease() -> None:
    execution = run(step("a", SHED))
    dead = claimed(execution, "a", former='"what was"', before=1.0, now=NOW)

    assert next_move(dead, around=QUIET, now=after(59)).deed is None
    assert due_at(dead) == NOW + LEASE
    again = claimed(dead, "a", former='"its own work"', before=2.0, now=NOW + LEASE)
    assert (again.run_of("a").former, again.run_of("a").before) == ('"what was"', 1.0)
    late = done(again, "a", attempt=1, outcome="too late", now=after(61))
    assert late is again


def test_a_metric_is_looked_at_until_it_recovers() -> None:
    execution = run(step("a", WAIT), step("b", TELL))

    waiting, deeds = played(execution)
    assert (deeds, due_at(waiting)) == ([], NOW + LOOK_EVERY)
    ended, later = played(waiting, at=NOW + LOOK_EVERY, value=1500.0)
    assert later == ["do b"]
    watched = ended.run_of("a")
    assert (watched.before, watched.after) == (9000.0, 1500.0)


def test_nothing_heard_is_no_recovery_and_what_takes_too_long_rolls_back_what_was_done() -> None:
    execution = run(step("tell", TELL), step("shed", SHED), step("wait", WAIT), step("z", TELL))
    waiting, _ = played(execution)
    silent = looked(waiting, "wait", value=None, now=after(15))
    assert silent.status is RunStatus.RUNNING

    ended, deeds = played(silent, at=after(60))

    assert deeds == ["undo shed", "undo tell"]  # every former is kept by these tests
    assert ended.status is RunStatus.FAILED
    assert ended.run_of("wait").status is StepStatus.FAILED
    assert ended.run_of("z").status is StepStatus.PENDING
    assert due_at(ended) is None


def test_what_a_dependency_does_not_take_is_tried_three_times_and_then_put_back() -> None:
    execution = claimed(run(step("a", SHED)), "a", former="null", before=None, now=NOW)
    at, tries = NOW, len(PAUSES_SECONDS) + 1
    for attempt in range(1, tries):
        execution = failed(execution, "a", attempt=attempt, outcome="down", now=at, final=False)
        assert execution.status is RunStatus.RUNNING
        at += timedelta(seconds=60)
        execution = claimed(execution, "a", former=None, before=None, now=at)
    execution = failed(execution, "a", attempt=tries, outcome="down", now=at, final=False)
    assert execution.status is RunStatus.ROLLING_BACK
    ended, deeds = played(execution, at=at)
    assert (deeds, ended.status) == (["undo a"], RunStatus.FAILED)


def test_what_the_cloud_is_still_busy_with_is_asked_for_again_for_ten_minutes() -> None:
    execution, at = run(step("a", SHED)), NOW
    for pause in BUSY_PAUSES_SECONDS:
        execution = claimed(execution, "a", former=None, before=None, now=at)
        attempt = execution.run_of("a").attempt
        execution = failed(
            execution,
            "a",
            attempt=attempt,
            outcome="busy",
            now=at,
            final=False,
            pauses=BUSY_PAUSES_SECONDS,
        )
        assert execution.status is RunStatus.RUNNING
        at += timedelta(seconds=pause)
        assert due_at(execution) == at
    assert at == after(600)
    # Nothing has been done while nobody knew what was before; from now on something may have been.
    known = claimed(execution, "a", former="4", before=None, now=at)
    assert known.run_of("a").former == "4"
    assert claimed(known, "a", former="8", before=None, now=after(900)).run_of("a").former == "4"


def test_what_cannot_be_undone_stays_and_the_rest_is_undone() -> None:
    ended_steps, _ = played(run(step("a", SHED), step("b", SHED), step("w", WAIT)))
    back = abort(ended_steps, by="mia", at=after(1))
    taken = claimed(back, "b", former=None, before=None, now=after(1))
    stuck = failed(taken, "b", attempt=2, outcome="gone", now=after(1), final=True)

    ended, deeds = played(stuck, at=after(2))

    assert (deeds, ended.status) == (["undo a"], RunStatus.ABORTED)
    assert ended.run_of("b").outcome == "could not be undone: gone"


def test_an_abort_puts_back_what_may_have_been_done_once_its_lease_is_over() -> None:
    under_way = claimed(run(step("a", SHED)), "a", former="null", before=None, now=NOW)
    stopped = abort(under_way, by="mia", at=after(5))

    assert abort(stopped, by="mia", at=after(6)) is stopped
    assert next_move(stopped, around=QUIET, now=after(6)).deed is None
    ended, deeds = played(stopped, at=after(60))
    assert (deeds, ended.status) == (["undo a"], RunStatus.ABORTED)
    with pytest.raises(Conflict):
        abort(replace(ended, status=RunStatus.SUCCEEDED, ending=None), by="tom", at=after(61))


def test_when_the_incident_is_over_what_is_left_is_left() -> None:
    waiting, _ = played(run(step("a", SHED), step("b", TELL, needs_approval=True)))

    ended, deeds = played(waiting, around=replace(QUIET, incident_is_active=False))

    assert (deeds, ended.status, ended.run_of("b").status) == (
        [],
        RunStatus.SUCCEEDED,
        StepStatus.SKIPPED,
    )
    assert ended.run_of("a").status is StepStatus.DONE


def test_a_step_is_measured_two_minutes_later_also_when_the_run_is_over() -> None:
    ended, _ = played(run(step("a", SHED, measure=Metric.P95_MS)))
    assert (ended.is_over, due_at(ended)) == (True, NOW + MEASURED_AFTER)

    told, _ = played(ended, at=NOW + MEASURED_AFTER, value=1000.0)

    step_run = told.run_of("a")
    assert (step_run.before, step_run.after, step_run.effective) == (9000.0, 1000.0, True)
    assert due_at(told) is None
    assert told.events[-1].text == "a: p95_ms 9000 before, 1000 after: it helped"


@pytest.mark.parametrize(
    ("metric", "before", "value", "helped"),
    [
        (Metric.P95_MS, 1000.0, 900.0, True),
        (Metric.P95_MS, 1000.0, 901.0, False),
        (Metric.P95_MS, 0.0, 0.0, None),
        (Metric.P95_MS, None, 900.0, None),
        (Metric.P95_MS, 900.0, None, None),
        (Metric.AVAILABILITY_PERCENT, 90.0, 91.0, True),
        (Metric.AVAILABILITY_PERCENT, 90.0, 90.5, False),
        (Metric.AVAILABILITY_PERCENT, 90.0, 80.0, False),
    ],
)
def test_a_tenth_is_what_makes_a_step_effective(
    *, metric: Metric, before: float | None, value: float | None, helped: bool | None
) -> None:
    assert effective(metric, before=before, after=value) is helped
