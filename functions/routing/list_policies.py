"""Somebody looks through the ladders that there are."""

from wedsync.api.policies import PolicyListReply, PolicyReply
from wedsync.incidents.policies import templates
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/escalation-policies",
    summary="List escalation policies",
    uses=(Resource.ROUTING.read(),),
)
def handler(caller: FromCaller, services: Injected) -> PolicyListReply:
    """Answer the tenant's own policies and the built-in ones that it has left as they are."""
    built_in = {name: (policy, 0) for name, policy in templates().items()}
    found = {**built_in, **services.routing.policies(caller.tenant)}
    return PolicyListReply(
        items=[
            PolicyReply.of(policy, version=version)
            for _, (policy, version) in sorted(found.items())
        ]
    )
