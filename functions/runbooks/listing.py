"""Somebody looks through the runbooks."""

from wedsync.api.runbooks import RunbookListReply, RunbookReply
from wedsync.flows.runbooks import runbooks_of
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/runbooks",
    summary="List runbooks",
    uses=(Resource.RUNBOOKS.read(),),
)
def handler(caller: FromCaller, services: Injected) -> RunbookListReply:
    """Answer all of them: the tenant's own, and the built-in ones that it has left as they are."""
    found = runbooks_of(services, caller.tenant)
    return RunbookListReply(items=[RunbookReply.of(each) for each in found])
