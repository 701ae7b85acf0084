"""A person says yes to the step that waits for one."""

from wedsync.api.runbooks import ExecutionReply
from wedsync.errors import Conflict, ExecutionNotFound
from wedsync.flows.runbooks import approve_step
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/runbook-executions/{execution_id}/approve",
    summary="Approve the step of a run that waits for a person",
    uses=(Resource.RUNBOOKS.read_write(), Resource.WAKE.send()),
    raises=(ExecutionNotFound, Conflict),
)
def handler(execution_id: str, caller: FromCaller, services: Injected) -> ExecutionReply:
    """Answer the run, which goes on by itself; a repetition answers the same."""
    execution = approve_step(services, caller.tenant, execution_id, by=caller.shown)
    return ExecutionReply.of(execution)
