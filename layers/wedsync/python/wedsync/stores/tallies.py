"""What people said of the alerts of each rule.

Key: ``tenant#tallies / rule``: marks and numbers change in one conditional write.
"""

from dataclasses import replace

from wedsync.alerting.feedback import Tally
from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.paging import every
from wedsync.stores.documents import Documents
from wedsync.stores.episodes import Overtaken
from wedsync.tenancy import Tenant

_documents = Documents(Tally)


class TallyStore:
    """One item for each rule that was ever marked."""

    def __init__(self, table: Table) -> None:
        """On the rules table."""
        self._table = table

    def get(self, tenant: Tenant, rule_id: str) -> Tally:
        """The rule's tally, empty where nobody has said anything yet."""
        item = self._table.get(_key(tenant, rule_id))
        return Tally(rule_id=rule_id) if item is None else _tally(item)

    def every(self, tenant: Tenant) -> dict[str, Tally]:
        """All tallies of the tenant, by rule."""
        items = every(self._table, tenant.partition("tallies"))
        return {item.key.sk: _tally(item) for item in items}

    def save(self, tenant: Tenant, tally: Tally, *, expected: int) -> Tally:
        """Store as version ``expected`` + 1. Raises Overtaken."""
        saved = replace(tally, version=expected + 1)
        item = Item(
            _key(tenant, tally.rule_id),
            {"body": _documents.dump(saved), "version": saved.version},
        )
        try:
            self._table.put(item, when=Equals("version", expected) if expected else Absent())
        except ConditionFailed as conflict:
            raise Overtaken(conflict.current) from None
        return saved


def _key(tenant: Tenant, rule_id: str) -> Key:
    return Key(tenant.partition("tallies"), rule_id)


def _tally(item: Item) -> Tally:
    return replace(_documents.load(item.text("body")), version=item.number("version"))
