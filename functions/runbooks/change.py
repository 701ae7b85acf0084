"""An operator settles what is done by itself, and arms it."""

from wedsync.api.runbooks import RunbookReply, RunbookRequest
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import PreconditionFailed, RunbookNotFound, TooLarge, TooManyRules
from wedsync.flows.runbook_checks import require_said, require_things
from wedsync.flows.runbooks import is_runbook_id, save_runbook
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PUT /api/monitoring/runbooks/{runbook_id}",
    summary="Make or replace a runbook",
    uses=(Resource.RUNBOOKS.read_write(), Resource.RULES.read(), Resource.ROUTING.read()),
    raises=(RunbookNotFound, PreconditionFailed, TooManyRules, TooLarge),
)
def handler(
    runbook_id: str,
    request: RunbookRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[RunbookReply]:
    """Replace the version that If-Match names, or the present one; runs under way keep theirs.

    Under the id of a built-in runbook it takes that one's place.
    """
    if not is_runbook_id(runbook_id):
        raise RunbookNotFound("an id has lower-case letters, digits, dashes and underscores")
    former = services.runbooks.find(caller.tenant, runbook_id)
    version = former.version if former is not None else 0
    require_version(if_match, version)
    wanted = request.runbook(runbook_id)
    require_said(wanted, said=request.model_fields_set)
    require_things(services, caller.tenant, wanted, former=former)
    saved = save_runbook(services, caller.tenant, wanted, expected=version)
    return Answer(RunbookReply.of(saved), {"etag": etag(saved.version)})
