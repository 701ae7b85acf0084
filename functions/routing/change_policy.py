"""An operator settles who is paged when."""

import re

from wedsync.api.policies import PolicyReply, PolicyRequest
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import PolicyNotFound, PreconditionFailed, TooLarge, TooManyRules
from wedsync.flows.policies import require_no_slip, require_room
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")


@endpoint(
    "PUT /api/monitoring/escalation-policies/{name}",
    summary="Make or replace an escalation policy",
    uses=(Resource.ROUTING.read_write(),),
    raises=(PolicyNotFound, PreconditionFailed, TooLarge, TooManyRules),
)
def handler(
    name: str,
    policy: PolicyRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[PolicyReply]:
    """Replace the version that If-Match names, or the present one.

    Under the name of a built-in policy it takes that one's place. Incidents that are under way
    keep the ladder that they began with.
    """
    if not _NAME.match(name):
        raise PolicyNotFound("a name has lower-case letters, digits, dashes and underscores")
    former = services.routing.policy(caller.tenant, name)
    if former is None:
        require_no_slip(name)
        require_room(services, caller.tenant)
    version = former[1] if former is not None else 0
    require_version(if_match, version)
    settled = policy.policy(name)
    saved = services.routing.save_policy(caller.tenant, settled, expected=version)
    return Answer(PolicyReply.of(settled, version=saved), {"etag": etag(saved)})
