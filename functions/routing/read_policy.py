"""Somebody looks an escalation policy up."""

from wedsync.api.policies import PolicyReply
from wedsync.api.versions import etag
from wedsync.errors import PolicyNotFound
from wedsync.flows.policies import find_policy
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/escalation-policies/{name}",
    summary="Read an escalation policy",
    uses=(Resource.ROUTING.read(),),
    raises=(PolicyNotFound,),
)
def handler(name: str, caller: FromCaller, services: Injected) -> Answer[PolicyReply]:
    """Answer the tenant's own policy of that name, else the built-in one."""
    policy, version = find_policy(services, caller.tenant, name)
    return Answer(PolicyReply.of(policy, version=version), {"etag": etag(version)})
