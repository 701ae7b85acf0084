"""An operator takes a runbook away."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

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
    if_match: Annotated[str | None, Header(alias="if-match")] = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; runs under way go on."""
    former = services.runbooks.find(caller.tenant, runbook_id)
    if former is None:
        raise RunbookNotFound("there is no runbook of your own under this id")
    if if_match not in (None, "*", f'"{former.version}"'):
        raise PreconditionFailed
    services.runbooks.remove(caller.tenant, former)
    return Answer(None)
