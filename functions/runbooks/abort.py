"""A person ends a run: what it did is put back."""

from wedsync.api.runbooks import ExecutionReply
from wedsync.errors import Conflict, ExecutionNotFound
from wedsync.flows.runbooks import abort_run
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/runbook-executions/{execution_id}/abort",
    summary="Abort a run and put back what it did",
    uses=(Resource.RUNBOOKS.read_write(), Resource.WAKE.send()),
    raises=(ExecutionNotFound, Conflict),
)
def handler(execution_id: str, caller: FromCaller, services: Injected) -> ExecutionReply:
    """Answer the run, which is rolled back by itself; a repetition answers the same."""
    execution = abort_run(services, caller.tenant, execution_id, by=caller.shown)
    return ExecutionReply.of(execution)
