"""An operator settles what is done by itself, and arms it."""

import re

from wedsync.api.runbooks import RunbookReply, RunbookRequest
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import PreconditionFailed, RunbookNotFound
from wedsync.flows.runbook_checks import require_said, require_things
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")


@endpoint(
    "PUT /api/monitoring/runbooks/{runbook_id}",
    summary="Make or replace a runbook",
    uses=(Resource.RUNBOOKS.read_write(), Resource.RULES.read(), Resource.ROUTING.read()),
    raises=(RunbookNotFound, PreconditionFailed),
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
    if not _NAME.match(runbook_id):
        raise RunbookNotFound("an id has lower-case letters, digits, dashes and underscores")
    former = services.runbooks.find(caller.tenant, runbook_id)
    version = former.version if former is not None else 0
    require_version(if_match, version)
    wanted = request.runbook(runbook_id)
    require_said(wanted, said=request.model_fields_set)
    require_things(services, caller.tenant, wanted, former=former)
    saved = services.runbooks.save(caller.tenant, wanted, expected=version)
    return Answer(RunbookReply.of(saved), {"etag": etag(saved.version)})
