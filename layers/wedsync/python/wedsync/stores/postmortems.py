"""What people have found out about incidents, beside what the incidents tell themselves."""

from dataclasses import replace

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.errors import PreconditionFailed
from wedsync.incidents.postmortem import Findings
from wedsync.stores.documents import WRITTEN_BYTES, Documents
from wedsync.tenancy import Tenant

_documents = Documents(Findings, most_bytes=WRITTEN_BYTES)


class PostmortemStore:
    """One item for each incident of which somebody has written; version by version."""

    def __init__(self, table: Table) -> None:
        """On the incidents table."""
        self._table = table

    def findings(self, tenant: Tenant, incident_id: str) -> Findings:
        """What is written about an incident that there is; version 0 where nothing is."""
        item = self._table.get(_key(tenant, incident_id))
        if item is None:
            return Findings()
        return replace(_documents.load(item.text("body")), version=item.number("version"))

    def save(
        self, tenant: Tenant, incident_id: str, findings: Findings, *, expected: int
    ) -> Findings:
        """Store as version ``expected`` + 1. Raises PreconditionFailed."""
        saved = replace(findings, version=expected + 1)
        item = Item(
            _key(tenant, incident_id),
            {"body": _documents.dump(saved), "version": saved.version},
        )
        try:
            self._table.put(item, when=Equals("version", expected) if expected else Absent())
        except ConditionFailed:
            raise PreconditionFailed from None
        return saved


def _key(tenant: Tenant, incident_id: str) -> Key:
    return Key(tenant.partition("postmortems"), incident_id)
