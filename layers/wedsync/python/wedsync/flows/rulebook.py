"""The rules of a tenant: found one by one, added, and read together as they are judged by."""

from wedsync.alerting.catalog import PLATFORM_RULES, PlatformRule
from wedsync.alerting.feedback import leniency
from wedsync.alerting.own.book import Rulebook
from wedsync.alerting.own.rule import Rule
from wedsync.errors import FieldError, RuleNotFound, TooManyRules
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

MOST_RULES = 200
_REMEMBERED_SECONDS = 30
"""Should whoever changed a rule die before the book is turned, it is found out so late."""
_PLATFORM = {rule.rule_id: rule for rule in PLATFORM_RULES}


def find_rule(
    services: Services, tenant: Tenant, rule_id: str, *, pointer: str | None = None
) -> Rule | PlatformRule:
    """A rule of the tenant's or of the platform's. Raises RuleNotFound.

    ``pointer``: the member that names it, where that is not the path.
    """
    found = _PLATFORM.get(rule_id) or services.rules.find(tenant, rule_id)
    if found is None:
        unknown = FieldError(
            pointer=pointer or "", code=RuleNotFound.code, detail=RuleNotFound.title
        )
        raise RuleNotFound(errors=() if pointer is None else (unknown,))
    return found


def own_rule(services: Services, tenant: Tenant, rule_id: str) -> Rule:
    """A rule that the tenant may change. Raises RuleNotFound."""
    if rule_id in _PLATFORM:
        raise RuleNotFound("the platform's own rules cannot be changed")
    return services.rules.get(tenant, rule_id)


def add_rule(services: Services, tenant: Tenant, rule: Rule) -> Rule:
    """Keep a new rule. Raises TooManyRules."""
    kept = services.rules.every(tenant)
    if len(kept) >= MOST_RULES and all(each.rule_id != rule.rule_id for each in kept):
        raise TooManyRules(f"a tenant has at most {MOST_RULES} rules")
    return services.rules.add(tenant, rule)


def rulebook(services: Services, tenant: Tenant) -> Rulebook:
    """The tenant's active rules, as they stand now: one small read while nothing was changed."""
    generation = services.rules.generation(tenant)
    if not generation:
        return _EMPTY

    def read() -> Rulebook:
        rules = tuple(rule for rule in services.rules.every(tenant) if rule.active)
        tallies = services.tallies.every(tenant)
        return Rulebook(
            rules, {rule.rule_id: leniency(rule, tallies.get(rule.rule_id)) for rule in rules}
        )

    return services.memory.recall(
        (tenant, "rulebook", generation), read, now=services.now(), for_seconds=_REMEMBERED_SECONDS
    ).value


_EMPTY = Rulebook(())
