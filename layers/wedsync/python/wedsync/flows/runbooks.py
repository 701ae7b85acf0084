"""Runbooks as a tenant has them, and how their runs begin.

An incident is stored as one of which nobody has looked yet which runbooks it asks for; whoever has
looked, and stored a run for each, takes the mark away. Runs have their ids from the incident, so
that looking twice begins none twice.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from wedsync.errors import (
    IncidentAlreadyResolved,
    RunbookNotFound,
    TooMuchContention,
)
from wedsync.flows.incidents import TRIES, change_incident
from wedsync.flows.wake import RunbookWake, wake_later
from wedsync.incidents.decisions import Decision
from wedsync.incidents.ladder import SYSTEM
from wedsync.incidents.model import Incident
from wedsync.incidents.timeline import Moment
from wedsync.runbooks.builtin import built_in
from wedsync.runbooks.execution import Execution, abort, approve, begun, skipped
from wedsync.runbooks.matching import is_wedding_day, mismatch
from wedsync.runbooks.model import Mode, Runbook, mode_of
from wedsync.stores.episodes import Overtaken
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


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
    """Begin a run of each runbook that a new incident asks for; the ids of these runs."""
    incident = services.incidents.get(tenant, incident_id).value
    if not incident.runbooks_due:
        return ()
    began = []
    if incident.is_active:
        for runbook in runbooks_of(services, tenant):
            mode = mode_of(runbook, is_wedding_day=is_wedding_day(incident))
            if mode is Mode.OFF or mismatch(runbook, incident) is not None:
                continue
            execution = _begin(
                services,
                tenant,
                runbook,
                incident,
                execution_id=_id_of(tenant, incident, runbook),
                dry_run=mode is Mode.DRY_RUN,
                by=SYSTEM,
                reason="the incident matches",
            )
            began.append(execution.execution_id)
    change_incident(
        services,
        tenant,
        incident_id,
        lambda each, _: Decision(
            incident=replace(each, runbooks_due=False) if each.runbooks_due else each,
            reason="its runbooks have begun",
        ),
    )
    return tuple(began)


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
