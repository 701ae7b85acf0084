"""Somebody has a runbook run for an incident, or asks what it would do."""

from wedsync.api.runbooks import ExecuteRequest, ExecutionReply
from wedsync.errors import IncidentAlreadyResolved, IncidentNotFound, RunbookNotFound
from wedsync.flows.runbooks import execute
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/runbooks/{runbook_id}/execute",
    summary="Run a runbook for an incident, or tell what it would do",
    uses=(
        Resource.INCIDENTS.read(),
        Resource.RUNBOOKS.read_write(),
        Resource.WAKE.send(),
    ),
    raises=(IncidentNotFound, RunbookNotFound, IncidentAlreadyResolved),
    status=202,
)
def handler(
    incident_id: str,
    runbook_id: str,
    request: ExecuteRequest,
    caller: FromCaller,
    services: Injected,
) -> ExecutionReply:
    """Answer the run, which goes on by itself; one that cools down is answered as skipped."""
    execution = execute(
        services,
        caller.tenant,
        incident_id,
        runbook_id,
        dry_run=request.dry_run,
        by=caller.shown,
    )
    return ExecutionReply.of(execution)
