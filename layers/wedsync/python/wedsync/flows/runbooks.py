"""Runbooks as a tenant has them, and how their runs begin.

An incident is stored as one of which nobody has looked yet which runbooks it asks for; whoever has
looked, and stored a run for each, takes the mark away. Runs have their ids from the incident, so
that looking twice begins none twice. No more than ``MOST_RUNS`` begin by themselves: the most
specific ones, and the incident's timeline names the others.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wedsync.errors import (
    IncidentAlreadyResolved,
    Invalid,
    RunbookNotFound,
    TooManyRules,
    TooMuchContention,
)
from wedsync.flows.incidents import TRIES, change_incident
from wedsync.flows.wake import RunbookWake, wake_later
from wedsync.incidents.decisions import Decision, noted
from wedsync.incidents.ladder import SYSTEM
from wedsync.incidents.model import Incident, UpdateKind
from wedsync.incidents.timeline import Moment
from wedsync.runbooks.builtin import built_in
from wedsync.runbooks.execution import Execution, abort, approve, begun, skipped
from wedsync.runbooks.matching import is_wedding_day, mismatch, specificity
from wedsync.runbooks.model import Mode, Runbook, mode_of
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.episodes import Overtaken
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

MOST_RUNBOOKS = 50
"""What a tenant keeps of its own: one answer holds them all."""
MOST_RUNS = 10
"""What one incident begins by itself."""
_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class RunbookPage:
    """Some runbooks by their ids, and the cursor of the next ones."""

    runbooks: tuple[Runbook, ...]
    next_cursor: str | None


def runbook_page(
    services: Services, tenant: Tenant, *, limit: int, cursor: str | None
) -> RunbookPage:
    """Up to ``limit`` of all that there are for a tenant. Raises Invalid."""
    scope = tenant.partition("runbooks")
    after = open_cursor(scope, cursor)
    if after is not None and not is_runbook_id(after):
        raise Invalid.field("cursor", "unknown-cursor", "this cursor does not belong to this list")
    left = [each for each in runbooks_of(services, tenant) if each.runbook_id > (after or "")]
    shown = tuple(left[:limit])
    more = len(left) > limit
    return RunbookPage(shown, seal(scope, shown[-1].runbook_id if more else None))


def is_runbook_id(text: str) -> bool:
    """Whether a runbook can have this id."""
    return _ID.match(text) is not None


def save_runbook(services: Services, tenant: Tenant, runbook: Runbook, *, expected: int) -> Runbook:
    """Store as version ``expected`` + 1. Raises PreconditionFailed, TooManyRules, TooLarge."""
    if not expected and len(services.runbooks.all(tenant)) >= MOST_RUNBOOKS:
        raise TooManyRules(f"a tenant has at most {MOST_RUNBOOKS} runbooks of its own")
    return services.runbooks.save(tenant, runbook, expected=expected)


def runbooks_of(services: Services, tenant: Tenant) -> tuple[Runbook, ...]:
    """Every runbook that there is for a tenant, by its id: its own, else the built-in ones."""
    own = {each.runbook_id: each for each in services.runbooks.all(tenant)}
    every = {**built_in(), **own}
    return tuple(every[name] for name in sorted(every))


def find_runbook(services: Services, tenant: Tenant, runbook_id: str) -> Runbook:
    """The tenant's own runbook of that id, else the built-in one. Raises RunbookNotFound."""
    own = services.runbooks.find(tenant, runbook_id)
    if own is not None:
        return own
    if runbook_id in built_in():
        return built_in()[runbook_id]
    raise RunbookNotFound


def begin_matching(services: Services, tenant: Tenant, incident_id: str) -> tuple[str, ...]:
    """Begin the runs of runbooks that a new incident asks for; the ids of these runs."""
    incident = services.incidents.get(tenant, incident_id).value
    if not incident.runbooks_due:
        return ()
    asked = _asked_for(services, tenant, incident) if incident.is_active else []
    began = [
        _begin(
            services,
            tenant,
            runbook,
            incident,
            execution_id=_id_of(tenant, incident, runbook),
            dry_run=mode is Mode.DRY_RUN,
            by=SYSTEM,
            reason="the incident matches",
        ).execution_id
        for runbook, mode in asked[:MOST_RUNS]
    ]
    left_out = [runbook.runbook_id for runbook, _ in asked[MOST_RUNS:]]
    change_incident(
        services, tenant, incident_id, lambda each, now: _looked_at(each, left_out, at=now)
    )
    return tuple(began)


def _asked_for(
    services: Services, tenant: Tenant, incident: Incident
) -> list[tuple[Runbook, Mode]]:
    """The runbooks that it matches, and what they may do: the most specific first."""
    on_wedding_day = is_wedding_day(incident)
    found = [
        (runbook, mode_of(runbook, is_wedding_day=on_wedding_day))
        for runbook in runbooks_of(services, tenant)
        if mismatch(runbook, incident) is None
    ]
    asked = [(runbook, mode) for runbook, mode in found if mode is not Mode.OFF]
    # Of equally specific ones, what only says what it would do comes last.
    by_mode = sorted(asked, key=lambda each: each[1] is Mode.DRY_RUN)
    return sorted(by_mode, key=lambda each: specificity(each[0]), reverse=True)


def _looked_at(incident: Incident, left_out: Sequence[str], *, at: datetime) -> Decision:
    """The incident whose runs are stored; its timeline names the runbooks that have none."""
    if not incident.runbooks_due:
        return Decision(incident=incident, reason="its runbooks have begun before")
    looked = replace(incident, runbooks_due=False)
    if left_out:
        text = f"no more than {MOST_RUNS} runbooks begin by themselves; left out: "
        text += ", ".join(left_out)
        looked = noted(looked, at=at, by=SYSTEM, kind=UpdateKind.RUNBOOK, text=text)
    return Decision(incident=looked, reason="its runbooks have begun")


def execute(
    services: Services,
    tenant: Tenant,
    incident_id: str,
    runbook_id: str,
    *,
    dry_run: bool | None,
    by: str,
) -> Execution:
    """Begin a run by hand; ``dry_run`` None: as the runbook may by itself.

    Raises RunbookNotFound, IncidentNotFound, IncidentAlreadyResolved.
    """
    incident = services.incidents.get(tenant, incident_id).value
    runbook = find_runbook(services, tenant, runbook_id)
    if not incident.is_active:
        raise IncidentAlreadyResolved
    mode = mode_of(runbook, is_wedding_day=is_wedding_day(incident))
    execution = _begin(
        services,
        tenant,
        runbook,
        incident,
        execution_id=services.new_id("run"),
        dry_run=mode is not Mode.ARMED if dry_run is None else dry_run,
        by=by,
        reason=f"{by} asked for it",
    )
    _wake(services, tenant, execution.execution_id)
    return execution


def approve_step(services: Services, tenant: Tenant, execution_id: str, *, by: str) -> Execution:
    """Let the step go on that waits for a person. Raises ExecutionNotFound, Conflict."""
    return _changed(
        services,
        tenant,
        execution_id,
        lambda execution: approve(execution, by=by, at=services.now()),
    )


def abort_run(services: Services, tenant: Tenant, execution_id: str, *, by: str) -> Execution:
    """End a run and put back what it did. Raises ExecutionNotFound, Conflict."""
    return _changed(
        services,
        tenant,
        execution_id,
        lambda execution: abort(execution, by=by, at=services.now()),
    )


def moments_of(executions: Iterable[Execution]) -> tuple[Moment, ...]:
    """What runs have to tell on an incident's timeline."""
    return tuple(
        Moment(at=event.at, by=event.by, kind="runbook", text=event.text)
        for execution in executions
        for event in execution.events
    )


def _begin(
    services: Services,
    tenant: Tenant,
    runbook: Runbook,
    incident: Incident,
    *,
    execution_id: str,
    dry_run: bool,
    by: str,
    reason: str,
) -> Execution:
    now = services.now()
    wanted = begun(
        runbook,
        execution_id=execution_id,
        incident_id=incident.incident_id,
        dry_run=dry_run,
        by=by,
        reason=reason,
        at=now,
    )
    if not dry_run:
        holder = services.executions.cool_down(
            tenant,
            f"{runbook.runbook_id}#{_scope(incident)}",
            execution_id=execution_id,
            now=now,
            until=now + timedelta(seconds=runbook.cooldown_seconds),
        )
        if holder is not None:
            wanted = skipped(wanted, f"it cools down after {holder}", at=now)
    return services.executions.begin(tenant, wanted)


def _changed(
    services: Services,
    tenant: Tenant,
    execution_id: str,
    change: Callable[[Execution], Execution],
) -> Execution:
    for _ in range(TRIES):
        stored = services.executions.get(tenant, execution_id)
        changed = change(stored)
        try:
            saved = stored if changed is stored else services.executions.save(tenant, changed)
        except Overtaken:
            continue
        _wake(services, tenant, execution_id)
        return saved
    raise TooMuchContention


def _wake(services: Services, tenant: Tenant, execution_id: str) -> None:
    wake = RunbookWake(tenant_id=tenant.id, execution_id=execution_id)
    wake_later(services, wake, after_seconds=0)


def _scope(incident: Incident) -> str:
    """What cools down together: a wedding, or services."""
    if incident.wedding_id is not None:
        return f"wedding {incident.wedding_id}"
    return f"services {' '.join(sorted(incident.affected_services))[:500]}"


def _id_of(tenant: Tenant, incident: Incident, runbook: Runbook) -> str:
    text = f"{tenant.id}\n{incident.incident_id}\n{runbook.runbook_id}"
    return f"run_{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"
