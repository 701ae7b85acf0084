"""The rules that tenants made.

- ``tenant#rules / rule``: a rule, written version by version.
- ``tenant#rulebook / generation``: a number that every change of a rule raises, after it is stored
  and before it is answered: who finds the number unchanged needs to read no rule.
"""

from collections.abc import Iterator
from dataclasses import replace

from wedsync.alerting.own.rule import Rule
from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.paging import every
from wedsync.errors import PreconditionFailed, RuleNotFound, TooMuchContention
from wedsync.identifiers import plausible
from wedsync.stores.documents import LISTED_BYTES, Documents
from wedsync.tenancy import Tenant

_documents = Documents(Rule, most_bytes=LISTED_BYTES)
_CLOCKED = "clocked"
_TRIES = 24


class RuleStore:
    """One item for each rule."""

    def __init__(self, table: Table) -> None:
        """On the rules table."""
        self._table = table

    def get(self, tenant: Tenant, rule_id: str) -> Rule:
        """The rule. Raises RuleNotFound, also for another tenant's."""
        found = self.find(tenant, rule_id)
        if found is None:
            raise RuleNotFound
        return found

    def find(self, tenant: Tenant, rule_id: str) -> Rule | None:
        """The rule, if there is one."""
        if not plausible(rule_id):
            return None
        item = self._table.get(_key(tenant, rule_id))
        return None if item is None else _rule(item)

    def every(self, tenant: Tenant) -> tuple[Rule, ...]:
        """All of the tenant's rules, oldest first."""
        found = map(_rule, every(self._table, tenant.partition("rules")))
        return tuple(sorted(found, key=lambda rule: (rule.created_at, rule.rule_id)))

    def tenants(self) -> Iterator[Tenant]:
        """Every tenant that has rules, or had; may lag by seconds."""
        for item in every(self._table, _CLOCKED, index="clocked"):
            yield Tenant(item.text("owner"))

    def generation(self, tenant: Tenant) -> int:
        """A number that is another one after each change of a rule."""
        item = self._table.get(_book(tenant))
        return 0 if item is None else item.number("generation")

    def add(self, tenant: Tenant, rule: Rule) -> Rule:
        """Store a new one; where its id is stored already, what is: an earlier try of the same."""
        first = replace(rule, version=1)
        stored = first
        try:
            self._table.put(_item(tenant, first), when=Absent())
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise
            stored = _rule(conflict.current)
        self.turn(tenant)
        return stored

    def save(self, tenant: Tenant, rule: Rule, *, expected: int) -> Rule:
        """Store as version ``expected`` + 1. Raises PreconditionFailed."""
        saved = replace(rule, version=expected + 1)
        try:
            self._table.put(_item(tenant, saved), when=Equals("version", expected))
        except ConditionFailed:
            raise PreconditionFailed from None
        self.turn(tenant)
        return saved

    def remove(self, tenant: Tenant, rule: Rule) -> None:
        """Forget this version. Raises PreconditionFailed."""
        try:
            self._table.delete(_key(tenant, rule.rule_id), when=Equals("version", rule.version))
        except ConditionFailed:
            raise PreconditionFailed from None
        self.turn(tenant)

    def turn(self, tenant: Tenant) -> None:
        """Have whoever judges by these rules read them again."""
        for _ in range(_TRIES):
            item = self._table.get(_book(tenant))
            former = 0 if item is None else item.number("generation")
            turned = Item(
                _book(tenant),
                {"generation": former + 1, "clocked_in": _CLOCKED, "owner": tenant.id},
            )
            try:
                self._table.put(turned, when=Equals("generation", former) if item else Absent())
            except ConditionFailed:
                continue
            return
        raise TooMuchContention


def _key(tenant: Tenant, rule_id: str) -> Key:
    return Key(tenant.partition("rules"), rule_id)


def _book(tenant: Tenant) -> Key:
    return Key(tenant.partition("rulebook"), "generation")


def _item(tenant: Tenant, rule: Rule) -> Item:
    return Item(
        _key(tenant, rule.rule_id), {"body": _documents.dump(rule), "version": rule.version}
    )


def _rule(item: Item) -> Rule:
    return replace(_documents.load(item.text("body")), version=item.number("version"))
