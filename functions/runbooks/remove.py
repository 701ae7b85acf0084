"""An operator takes a runbook away."""

from wedsync.api.versions import IfMatch, require_version
from wedsync.errors import PreconditionFailed, RunbookNotFound
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/monitoring/runbooks/{runbook_id}",
    summary="Remove a runbook; a built-in one stands again as it was",
    uses=(Resource.RUNBOOKS.read_write(),),
    raises=(RunbookNotFound, PreconditionFailed),
    status=204,
)
def handler(
    runbook_id: str,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; runs under way go on."""
    former = services.runbooks.find(caller.tenant, runbook_id)
    if former is None:
        raise RunbookNotFound("there is no runbook of your own under this id")
    require_version(if_match, former.version)
    services.runbooks.remove(caller.tenant, former)
    return Answer(None)
