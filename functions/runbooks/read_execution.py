"""Somebody looks how a run of a runbook goes."""

from wedsync.api.runbooks import ExecutionReply
from wedsync.errors import ExecutionNotFound
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/runbook-executions/{execution_id}",
    summary="Read a run of a runbook",
    uses=(Resource.RUNBOOKS.read(),),
    raises=(ExecutionNotFound,),
)
def handler(execution_id: str, caller: FromCaller, services: Injected) -> ExecutionReply:
    """Answer the run with each of its steps, and what the steps came to."""
    return ExecutionReply.of(services.executions.get(caller.tenant, execution_id))
