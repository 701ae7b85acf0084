"""A run goes on: what is due is done, stored step by step, and the rest is woken for."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from wedsync.cloud import CapacityBusy, CapacityRefused
from wedsync.errors import TooMuchContention, Unavailable
from wedsync.flows.cadence import LOOK_AHEAD
from wedsync.flows.capacity import pulls_lever
from wedsync.flows.incidents import TRIES
from wedsync.flows.runbook_actions import StepRefused, former_of, perform, put_back, tell_of_wait
from wedsync.flows.runbook_figures import measure
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import seconds_until
from wedsync.flows.wake import RunbookWake, wake_later
from wedsync.incidents.model import Incident
from wedsync.runbooks.execution import (
    BUSY_PAUSES_SECONDS,
    Around,
    Deed,
    Execution,
    Move,
    claimed,
    done,
    due_at,
    failed,
    looked,
    measured,
    next_move,
)
from wedsync.runbooks.model import TENANT_WIDE, Runbook, Scale, Step
from wedsync.stores.episodes import Overtaken
from wedsync.stores.services import Services
from wedsync.stores.weddings import OPENING_SHARDS
from wedsync.tenancy import Tenant
from wedsync.weddings.model import TimelineItem, TimelineKind, Wedding
from wedsync.weddings.timeline import operational_window

MOVES = 60
"""Moves of one run in one go; what is left then is woken for."""
_CEREMONY = timedelta(hours=1)
"""How long a ceremony lasts of which nobody has said when it ends."""


def go_on(services: Services, tenant: Tenant, execution_id: str) -> None:
    """Do what is due of a run. Raises ExecutionNotFound, or Unavailable to be called again."""
    execution = services.executions.get(tenant, execution_id)
    incident = services.incidents.get(tenant, execution.incident_id).value
    around = _around(services, tenant, incident, execution.runbook)
    for _ in range(MOVES):
        move = next_move(execution, around=around, now=services.now())
        if move.deed is None and move.execution == execution:
            break
        with suppress(Overtaken):
            _carry_out(services, tenant, incident, move)
        execution = services.executions.get(tenant, execution_id)
    due = due_at(execution)
    now = services.now()
    if due is not None and due <= now + LOOK_AHEAD:
        seconds = max(1, seconds_until(due, now))
        wake = RunbookWake(tenant_id=tenant.id, execution_id=execution_id)
        wake_later(services, wake, after_seconds=seconds)


def _carry_out(services: Services, tenant: Tenant, incident: Incident, move: Move) -> None:
    execution, step, now = move.execution, move.step, services.now()
    if step is None:
        # Told before it is stored: nothing wakes a run that waits, so nobody would make up for it.
        tell_of_wait(services, tenant, incident, execution)
        services.executions.save(tenant, execution)
    elif move.metric is not None:
        value = measure(services, tenant, incident, move.metric)
        note = looked if move.deed is Deed.LOOK else measured
        services.executions.save(tenant, note(execution, step.step_id, value=value, now=now))
    else:
        _take(services, tenant, incident, execution, step, undo=move.deed is Deed.UNDO)


def _take(
    services: Services,
    tenant: Tenant,
    incident: Incident,
    execution: Execution,
    step: Step,
    *,
    undo: bool,
) -> None:
    """Claim the step, do it (or put it back), and mark it. Raises Overtaken before it is ours."""
    former, obstacle = _former(services, tenant, execution, step)
    mine = _claim(services, tenant, incident, execution, step, former=former)
    run = mine.run_of(step.step_id)
    try:
        if obstacle is not None:
            raise obstacle
        if undo:
            outcome = put_back(services, tenant, mine, step, run.former or "null")
        else:
            outcome = perform(services, tenant, incident, mine, step)
    except (StepRefused, CapacityRefused) as refused:
        mark = partial(failed, outcome=str(refused), final=True)
    except CapacityBusy:
        outcome = "an earlier change is still being made"
        mark = partial(failed, outcome=outcome, final=False, pauses=BUSY_PAUSES_SECONDS)
    except Unavailable:
        mark = partial(failed, outcome="a dependency did not answer", final=False)
    else:
        mark = partial(done, outcome=outcome)
    _mark(
        services,
        tenant,
        mine.execution_id,
        lambda now, each: mark(each, step.step_id, attempt=run.attempt, now=now),
    )


def _former(
    services: Services, tenant: Tenant, execution: Execution, step: Step
) -> tuple[str | None, CapacityRefused | CapacityBusy | Unavailable | None]:
    """What is before the step, or why that cannot be known: the step is not taken then.

    What can be put back is taken with its former state kept, and never without.
    """
    if execution.run_of(step.step_id).former is not None:
        return None, None
    try:
        return former_of(services, tenant, step), None
    except (CapacityRefused, CapacityBusy, Unavailable) as obstacle:
        return None, obstacle


def _claim(
    services: Services,
    tenant: Tenant,
    incident: Incident,
    execution: Execution,
    step: Step,
    *,
    former: str | None,
) -> Execution:
    """The run with the step as ours, and, at its first try, with what it is measured by."""
    before = None
    if execution.run_of(step.step_id).attempt == 0 and step.measure is not None:
        before = measure(services, tenant, incident, step.measure)
    return services.executions.save(
        tenant,
        claimed(execution, step.step_id, former=former, before=before, now=services.now()),
    )


def _mark(
    services: Services,
    tenant: Tenant,
    execution_id: str,
    change: Callable[[datetime, Execution], Execution],
) -> None:
    for _ in range(TRIES):
        stored = services.executions.get(tenant, execution_id)
        changed = change(services.now(), stored)
        if changed is stored:
            return
        try:
            services.executions.save(tenant, changed)
        except Overtaken:
            continue
        return
    raise TooMuchContention


def _around(services: Services, tenant: Tenant, incident: Incident, runbook: Runbook) -> Around:
    now = services.now()
    under_way = TenantDay(tenant, services.weddings, now).open_windows
    own = [each for each in under_way if each.wedding_id == incident.wedding_id]
    touched: dict[str, int] = {}
    ends: dict[str, datetime] = {}
    everywhere = under_way
    if any(_is_everybodys(services, tenant, step) for step in runbook.steps):
        everywhere = _under_way_anywhere(services, now)
    for step in runbook.steps:
        weddings = under_way if step.action.kind in TENANT_WIDE else own
        if _is_everybodys(services, tenant, step):
            weddings = everywhere
        touched[step.step_id] = len(weddings)
        latest = max((end for each in weddings for end in _ceremonies(each, now)), default=None)
        if latest is not None:
            ends[step.step_id] = latest
    return Around(incident_is_active=incident.is_active, touched=touched, ceremony_ends=ends)


def _is_everybodys(services: Services, tenant: Tenant, step: Step) -> bool:
    """Whether the step touches the weddings of all tenants: they share functions and stream."""
    return isinstance(step.action, Scale) and pulls_lever(services, tenant, step.action)


def _under_way_anywhere(services: Services, now: datetime) -> tuple[Wedding, ...]:
    return tuple(
        wedding
        for shard in OPENING_SHARDS
        for _, wedding in services.weddings.opening(shard, now, now, ahead=timedelta())
        if operational_window(wedding).contains(now)
    )


def _ceremonies(wedding: Wedding, now: datetime) -> list[datetime]:
    """When the ceremonies end that are under way."""
    items = [each for each in wedding.timeline if each.kind is TimelineKind.CEREMONY]
    return [end for each in items if each.starts_at <= now < (end := _end(wedding, each))]


def _end(wedding: Wedding, item: TimelineItem) -> datetime:
    if item.ends_at is not None:
        return item.ends_at
    later = (each.starts_at for each in wedding.timeline if each.starts_at > item.starts_at)
    return min((*later, item.starts_at + _CEREMONY))
