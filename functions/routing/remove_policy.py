"""An operator takes a ladder of the tenant's own away."""

from wedsync.api.versions import IfMatch, require_version
from wedsync.errors import PolicyNotFound, PreconditionFailed
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/monitoring/escalation-policies/{name}",
    summary="Remove an escalation policy of the tenant's own",
    uses=(Resource.ROUTING.read_write(),),
    raises=(PolicyNotFound, PreconditionFailed),
    status=204,
)
def handler(
    name: str,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one.

    A built-in policy of that name holds again. What asks for a name that is no more climbs the
    ladder of the clock; incidents that are under way keep the ladder that they began with.
    """
    former = services.routing.policy(caller.tenant, name)
    if former is None:
        raise PolicyNotFound("the tenant has no policy of its own by that name")
    require_version(if_match, former[1])
    services.routing.remove_policy(caller.tenant, name, expected=former[1])
    return Answer(None)
