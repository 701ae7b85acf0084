"""Escalation policies as a tenant has them: its own, else the built-in ones."""

from dataclasses import replace

from wedsync.errors import FieldError, PolicyNotFound
from wedsync.incidents.model import Policy
from wedsync.incidents.policies import TEMPLATES, PolicyChoice
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


def find_policy(services: Services, tenant: Tenant, name: str) -> tuple[Policy, int]:
    """The policy of that name and its version, 0 for a built-in one. Raises PolicyNotFound."""
    own = services.routing.policy(tenant, name)
    if own is not None:
        return own
    if name in TEMPLATES:
        return TEMPLATES[name], 0
    raise PolicyNotFound


def own_ladder(services: Services, tenant: Tenant, choice: PolicyChoice) -> PolicyChoice:
    """The same choice with the tenant's own ladder of that name, where it has one."""
    own = services.routing.policy(tenant, choice.policy.name)
    return choice if own is None else replace(choice, policy=own[0])


def named_ladder(services: Services, tenant: Tenant, name: str, *, pointer: str) -> PolicyChoice:
    """The ladder that somebody asks for by name. Raises PolicyNotFound, with the pointer."""
    try:
        policy, _ = find_policy(services, tenant, name)
    except PolicyNotFound as error:
        wrong = FieldError(pointer=pointer, code=error.code, detail=error.title)
        raise PolicyNotFound(errors=(wrong,)) from None
    return PolicyChoice(policy=policy, reason=f"{name} was asked for")
