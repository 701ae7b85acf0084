"""Whom to tell, as a tenant has settled it: contacts, the roster, escalation policies."""

from collections.abc import Iterator
from dataclasses import replace

from wedsync.cloud import Absent, Attribute, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.paging import every
from wedsync.errors import ContactNotFound, PreconditionFailed
from wedsync.identifiers import plausible
from wedsync.incidents.model import Policy
from wedsync.notifications.contacts import Contact
from wedsync.notifications.roster import Roster
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.documents import LISTED_BYTES, WRITTEN_BYTES, Documents
from wedsync.tenancy import Tenant

_contacts = Documents(Contact, most_bytes=LISTED_BYTES)
_rosters = Documents(Roster, most_bytes=WRITTEN_BYTES)
_policies = Documents(Policy, most_bytes=WRITTEN_BYTES)
_ROSTERS = "rosters"
_ROSTER = "roster"


class RoutingStore:
    """One item for each contact, each policy, and the roster; written version by version."""

    def __init__(self, table: Table) -> None:
        """On the routing table."""
        self._table = table

    def contact(self, tenant: Tenant, contact_id: str) -> Contact:
        """The contact. Raises ContactNotFound, also for another tenant's."""
        found = self.find_contact(tenant, contact_id)
        if found is None:
            raise ContactNotFound
        return found

    def find_contact(self, tenant: Tenant, contact_id: str) -> Contact | None:
        """The contact, if there is one."""
        if not plausible(contact_id):
            return None
        item = self._table.get(Key(tenant.partition("contacts"), contact_id))
        return None if item is None else _contact(item)

    def contacts(self, tenant: Tenant) -> tuple[Contact, ...]:
        """Every contact, oldest first."""
        return tuple(map(_contact, every(self._table, tenant.partition("contacts"))))

    def contact_page(
        self, tenant: Tenant, *, limit: int, cursor: str | None
    ) -> tuple[tuple[Contact, ...], str | None]:
        """Some contacts, oldest first, and the cursor of the next ones."""
        partition = tenant.partition("contacts")
        page = self._table.query(partition, limit=limit, after=open_cursor(partition, cursor))
        return tuple(_contact(item) for item in page.items), seal(partition, page.next)

    def add_contact(self, tenant: Tenant, contact: Contact) -> Contact:
        """Store a new one; where its id is stored already, what is: an earlier try of the same."""
        first = replace(contact, version=1)
        key = Key(tenant.partition("contacts"), contact.contact_id)
        item = Item(key, {"body": _contacts.dump(first), "version": 1})
        try:
            self._table.put(item, when=Absent())
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise
            return _contact(conflict.current)
        return first

    def save_contact(self, tenant: Tenant, contact: Contact, *, expected: int) -> Contact:
        """Store as version ``expected`` + 1. Raises PreconditionFailed."""
        saved = replace(contact, version=expected + 1)
        key = Key(tenant.partition("contacts"), contact.contact_id)
        self._save(key, _contacts.dump(saved), saved.version)
        return saved

    def remove_contact(self, tenant: Tenant, contact: Contact) -> None:
        """Forget this version. Raises PreconditionFailed."""
        self._remove(Key(tenant.partition("contacts"), contact.contact_id), contact.version)

    def roster(self, tenant: Tenant) -> Roster | None:
        """The roster, if one is settled."""
        item = self._table.get(Key(tenant.partition(_ROSTER), _ROSTER))
        return None if item is None else _roster(item)

    def save_roster(self, tenant: Tenant, roster: Roster, *, expected: int) -> Roster:
        """Store as version ``expected`` + 1. Raises PreconditionFailed."""
        saved = replace(roster, version=expected + 1)
        self._save(
            Key(tenant.partition(_ROSTER), _ROSTER),
            _rosters.dump(saved),
            saved.version,
            {"roster_of": _ROSTERS, "owner": tenant.id},
        )
        return saved

    def gaps_told_of(self, tenant: Tenant) -> str | None:
        """The gaps that were told of last."""
        item = self._table.get(Key(tenant.partition(_ROSTER), "told"))
        return None if item is None else item.text("gaps")

    def note_gaps(self, tenant: Tenant, gaps: str) -> None:
        """Remember which gaps were told of."""
        self._table.put(Item(Key(tenant.partition(_ROSTER), "told"), {"gaps": gaps}))

    def rosters(self) -> Iterator[tuple[Tenant, Roster]]:
        """Every tenant's roster; may lag by seconds."""
        for item in every(self._table, _ROSTERS, index="rosters"):
            yield Tenant(item.text("owner")), _roster(item)

    def policy(self, tenant: Tenant, name: str) -> tuple[Policy, int] | None:
        """The tenant's own policy of that name with its version; None where it has none."""
        if not plausible(name):
            return None
        item = self._table.get(Key(tenant.partition("policies"), name))
        return None if item is None else (_policies.load(item.text("body")), item.number("version"))

    def policies(self, tenant: Tenant) -> dict[str, tuple[Policy, int]]:
        """All of the tenant's own policies by name, each with its version."""
        found: dict[str, tuple[Policy, int]] = {}
        for item in every(self._table, tenant.partition("policies")):
            policy = _policies.load(item.text("body"))
            found[policy.name] = (policy, item.number("version"))
        return found

    def save_policy(self, tenant: Tenant, policy: Policy, *, expected: int) -> int:
        """Store as version ``expected`` + 1, which is answered. Raises PreconditionFailed."""
        key = Key(tenant.partition("policies"), policy.name)
        self._save(key, _policies.dump(policy), expected + 1)
        return expected + 1

    def remove_policy(self, tenant: Tenant, name: str, *, expected: int) -> None:
        """Forget this version of the tenant's own policy. Raises PreconditionFailed."""
        self._remove(Key(tenant.partition("policies"), name), expected)

    def _remove(self, key: Key, version: int) -> None:
        try:
            self._table.delete(key, when=Equals("version", version))
        except ConditionFailed:
            raise PreconditionFailed from None

    def _save(
        self, key: Key, body: str, version: int, others: dict[str, Attribute] | None = None
    ) -> None:
        when = Equals("version", version - 1) if version > 1 else Absent()
        try:
            self._table.put(
                Item(key, {"body": body, "version": version, **(others or {})}), when=when
            )
        except ConditionFailed:
            raise PreconditionFailed from None


def _contact(item: Item) -> Contact:
    return replace(_contacts.load(item.text("body")), version=item.number("version"))


def _roster(item: Item) -> Roster:
    return replace(_rosters.load(item.text("body")), version=item.number("version"))
