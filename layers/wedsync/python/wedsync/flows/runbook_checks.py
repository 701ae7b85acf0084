"""Whether what a runbook names is there: else it would wait for ever, or fail in the night."""

from collections.abc import Collection, Iterable, Iterator

from wedsync.alerting.catalog import ALERT_TYPES, PLATFORM_RULES
from wedsync.errors import FieldError, Invalid
from wedsync.runbooks.model import TARGETS, Match, Runbook, Scale, Ticket
from wedsync.spelling import did_you_mean, one_of
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

_OF_PLATFORM = tuple(each.rule_id for each in PLATFORM_RULES)


def require_things(
    services: Services, tenant: Tenant, runbook: Runbook, *, former: Runbook | None
) -> None:
    """Refuse rules, types, targets and contacts that are not there. Raises Invalid.

    What the former version names already may have gone since, and stands.
    """
    before = set() if former is None else set(_named(former))
    own = {each.rule_id for each in services.rules.every(tenant)}
    contacts = [each.contact_id for each in services.routing.contacts(tenant)]
    wrong = [
        *_unknown("/match/rules", runbook.match.rules, _OF_PLATFORM, before | own),
        *_unknown("/match/types", runbook.match.types, ALERT_TYPES, before),
        *_of_steps(runbook, contacts, before),
    ]
    if wrong:
        raise Invalid.fields(wrong)


def require_said(runbook: Runbook, *, said: Collection[str]) -> None:
    """Refuse a runbook for every incident that is armed because nobody said otherwise."""
    if runbook.match == Match() and "on_wedding_day" not in said:
        detail = "an empty match takes every incident: say what it may do, armed or dry_run"
        raise Invalid.field("/onWeddingDay", "missing", detail)


def _named(runbook: Runbook) -> Iterator[str]:
    yield from runbook.match.rules
    yield from runbook.match.types
    for step in runbook.steps:
        if isinstance(step.action, Scale):
            yield step.action.target
        elif isinstance(step.action, Ticket):
            yield step.action.contact_id


def _unknown(
    pointer: str, names: Iterable[str], known: Collection[str], before: Collection[str]
) -> Iterator[FieldError]:
    for index, name in enumerate(names):
        if name not in known and name not in before:
            yield _error(f"{pointer}/{index}", one_of(name, known))


def _of_steps(
    runbook: Runbook, contacts: Collection[str], before: Collection[str]
) -> Iterator[FieldError]:
    for index, step in enumerate(runbook.steps):
        pointer = f"/steps/{index}/action"
        match step.action:
            case Scale(dimension=dimension, target=target):
                known = TARGETS[dimension]
                if target not in known and target not in before:
                    yield _error(f"{pointer}/target", one_of(target, known))
            case Ticket(contact_id=contact_id):
                if contact_id not in contacts and contact_id not in before:
                    detail = f"no such contact{did_you_mean(contact_id, contacts)}"
                    yield _error(f"{pointer}/contactId", detail)
            case _:
                pass


def _error(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="unknown", detail=detail)
