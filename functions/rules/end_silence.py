"""An operator ends a silence; what is still in breach is told of at its next look."""

from dataclasses import replace

from wedsync.api.versions import IfMatch, require_version
from wedsync.errors import PreconditionFailed, SilenceNotFound
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/metrics/alerts/silences/{silence_id}",
    summary="End a silence",
    uses=(Resource.RULES.read_write(),),
    raises=(SilenceNotFound, PreconditionFailed),
    status=204,
)
def handler(
    silence_id: str,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[None]:
    """End it now; it stays on the list as over. One that is over already is left as it is."""
    now = services.now()
    former = services.silences.get(caller.tenant, silence_id)
    require_version(if_match, former.version)
    if former.ends_at > now:
        ended = replace(former, starts_at=min(former.starts_at, now), ends_at=now)
        services.silences.save(caller.tenant, ended, expected=former.version)
    return Answer(None)
