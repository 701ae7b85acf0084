"""Somebody looks a runbook up."""

from wedsync.api.runbooks import RunbookReply
from wedsync.api.versions import etag
from wedsync.errors import RunbookNotFound
from wedsync.flows.runbooks import find_runbook
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/runbooks/{runbook_id}",
    summary="Read a runbook",
    uses=(Resource.RUNBOOKS.read(),),
    raises=(RunbookNotFound,),
)
def handler(runbook_id: str, caller: FromCaller, services: Injected) -> Answer[RunbookReply]:
    """Answer the tenant's own runbook of that id, else the built-in one."""
    runbook = find_runbook(services, caller.tenant, runbook_id)
    return Answer(RunbookReply.of(runbook), {"etag": etag(runbook.version)})
