"""Escalation policies as a tenant has them: its own, else the built-in ones."""

from contextlib import suppress
from dataclasses import replace

from wedsync.alerting.model import Alert
from wedsync.alerting.severity import Severity
from wedsync.errors import FieldError, Invalid, PolicyNotFound, TooManyRules
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.tenant_settings import settings_of
from wedsync.incidents.model import Incident, Policy
from wedsync.incidents.policies import PolicyChoice, choose_policy, templates
from wedsync.spelling import misspelt
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.context import wedding_context
from wedsync.weddings.model import WeddingContext

MOST_POLICIES = 50


def find_policy(services: Services, tenant: Tenant, name: str) -> tuple[Policy, int]:
    """The policy of that name and its version, 0 for a built-in one. Raises PolicyNotFound."""
    own = services.routing.policy(tenant, name)
    if own is not None:
        return own
    if name in templates():
        return templates()[name], 0
    raise PolicyNotFound


def require_no_slip(name: str) -> None:
    """Refuse a name that is surely a slip of a built-in one: nothing would climb it."""
    meant = misspelt(name, frozenset(templates()))
    if meant is not None:
        known = ", ".join(sorted(templates()))
        detail = f"did you mean {meant}? built-in policies are {known}"
        raise Invalid.field("name", "misspelt", detail)


def require_room(services: Services, tenant: Tenant) -> None:
    """Refuse one more than a tenant may have. Raises TooManyRules."""
    if len(services.routing.policies(tenant)) >= MOST_POLICIES:
        raise TooManyRules(f"a tenant has at most {MOST_POLICIES} escalation policies of its own")


def own_ladder(services: Services, tenant: Tenant, choice: PolicyChoice) -> PolicyChoice:
    """The same choice with the tenant's own ladder of that name, where it has one."""
    own = services.routing.policy(tenant, choice.policy.name)
    return choice if own is None else replace(choice, policy=own[0])


def ladder_of_clock(
    services: Services, tenant: Tenant, severity: Severity, context: WeddingContext | None
) -> PolicyChoice:
    """The ladder that the severity asks for under a wedding's clock, else under its tenant's."""
    day = TenantDay(tenant, services.weddings, services.now())
    choice = choose_policy(
        severity,
        context,
        any_wedding_today=context is None and day.any_wedding_today,
        any_saturday_wedding_today=context is None and day.any_saturday_wedding_today,
    )
    return own_ladder(services, tenant, choice)


def ladder_now(
    services: Services, tenant: Tenant, incident: Incident, severity: Severity
) -> PolicyChoice:
    """The ladder that an incident of this severity would begin with now."""
    context = incident.wedding_context
    if incident.wedding_id is not None:
        wedding = services.weddings.find(tenant, incident.wedding_id)
        if wedding is not None:
            season = settings_of(services, tenant).season
            context = wedding_context(wedding, services.now(), season)
    return ladder_of_clock(services, tenant, severity, context)


def asked_ladder(
    services: Services, tenant: Tenant, alert: Alert, choice: PolicyChoice
) -> PolicyChoice:
    """The ladder that the alert's rule asks for, else the tenant's own of the chosen name.

    Roles that the rule names are called with the first tier.
    """
    found = own_ladder(services, tenant, choice)
    if alert.policy is not None:
        with suppress(PolicyNotFound):
            policy, _ = find_policy(services, tenant, alert.policy)
            found = PolicyChoice(policy=policy, reason=f"its rule asks for {alert.policy}")
    if not alert.roles:
        return found
    first, *others = found.policy.tiers
    roles = tuple(dict.fromkeys((*first.roles, *alert.roles)))
    tiers = (replace(first, roles=roles), *others)
    return replace(found, policy=replace(found.policy, tiers=tiers))


def named_ladder(services: Services, tenant: Tenant, name: str, *, pointer: str) -> PolicyChoice:
    """The ladder that somebody asks for by name. Raises PolicyNotFound, with the pointer."""
    try:
        policy, _ = find_policy(services, tenant, name)
    except PolicyNotFound as error:
        wrong = FieldError(pointer=pointer, code=error.code, detail=error.title)
        raise PolicyNotFound(errors=(wrong,)) from None
    return PolicyChoice(policy=policy, reason=f"{name} was asked for")
