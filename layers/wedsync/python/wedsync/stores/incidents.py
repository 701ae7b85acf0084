"""Incidents with their ladders, one item each."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from wedsync.alerting.severity import Impact, Severity
from wedsync.cloud import Attribute, Item, Sort, Table
from wedsync.cloud.paging import every
from wedsync.errors import IncidentNotFound
from wedsync.incidents.ladder import look_at
from wedsync.incidents.model import Incident
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.documents import Documents
from wedsync.stores.episodes import EpisodeTable, Stored
from wedsync.stores.order import sortable
from wedsync.tenancy import Tenant

_documents = Documents(Incident)
_DUE = "due"
_WEDDING = "wedding"


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Some incidents in the order of their list, and the cursor of the next ones."""

    incidents: tuple[Incident, ...]
    next_cursor: str | None


def scope_name(tenant: Tenant, scope: str) -> str:
    """The name under which the incidents of one wedding, or of one fingerprint, follow."""
    text = f"{tenant.id}\n{scope}"
    return f"inc_{hashlib.blake2b(text.encode(), digest_size=10).hexdigest()}"


class IncidentStore:
    """One present incident per scope; the former ones by their ids."""

    def __init__(self, table: Table) -> None:
        """On the incidents table."""
        self._table = table
        self._episodes = EpisodeTable(
            table,
            family="incidents",
            documents=_documents,
            id_of=lambda incident: incident.incident_id,
            indexed=_indexed,
            versioned=lambda incident, version: replace(incident, version=version),
        )

    def get(self, tenant: Tenant, incident_id: str) -> Stored[Incident]:
        """The incident. Raises IncidentNotFound, also for another tenant's."""
        found = self._episodes.find(tenant, incident_id)
        if found is None:
            raise IncidentNotFound
        return found

    def current(self, tenant: Tenant, name: str) -> Stored[Incident] | None:
        """The present, or latest, incident of a scope."""
        return self._episodes.current(tenant, name)

    def begin(
        self, tenant: Tenant, incident: Incident, *, after: Stored[Incident] | None
    ) -> Stored[Incident]:
        """Store a new incident of its scope. Raises Overtaken."""
        name = incident.incident_id.rpartition("-")[0]
        return self._episodes.begin(tenant, name, incident, after=after)

    def save(self, tenant: Tenant, incident: Incident, *, expected: int) -> Stored[Incident]:
        """Store a change. Raises Overtaken."""
        return self._episodes.save(tenant, incident, expected=expected)

    def active(self, tenant: Tenant, *, limit: int, cursor: str | None) -> IncidentPage:
        """This tenant's active incidents; may lag by seconds.

        The worst first: by severity, then by wedding impact, then the oldest, over all pages.
        """
        partition = tenant.partition("active")
        page = self._table.query(
            partition, index="active", limit=limit, after=open_cursor(partition, cursor)
        )
        return IncidentPage(self._episodes.each_once(page.items), seal(partition, page.next))

    def page(self, tenant: Tenant, *, limit: int, cursor: str | None) -> IncidentPage:
        """Up to ``limit`` incidents of this tenant, newest first; may lag by seconds."""
        partition = tenant.partition("incidents")
        page = self._table.query(
            partition,
            index="by_creation",
            limit=limit,
            after=open_cursor(partition, cursor),
            descending=True,
        )
        return IncidentPage(self._episodes.each_once(page.items), seal(partition, page.next))

    def opened(
        self, tenant: Tenant, *, since: datetime, until: datetime, most: int
    ) -> tuple[Incident, ...]:
        """The newest of those that were opened in that time, newest first; may lag by seconds."""
        sort = Sort(at_least=sortable(since), at_most=sortable(until) + "~")
        items: list[Item] = []
        after = None
        while len(items) < most:
            page = self._table.query(
                tenant.partition("incidents"),
                index="by_creation",
                sort=sort,
                limit=most - len(items),
                after=after,
                descending=True,
            )
            items += page.items
            if (after := page.next) is None:
                break
        return self._episodes.each_once(items)

    def about_weddings(self) -> Iterator[tuple[Tenant, str]]:
        """Every tenant's weddings that an active incident is about; may lag by seconds."""
        for item in every(self._table, _WEDDING, index="by_wedding"):
            tenant_id, wedding_id, _ = item.text("wedding").split("#")
            yield Tenant(tenant_id), wedding_id

    def of_wedding(self, tenant: Tenant, wedding_id: str) -> Iterator[Incident]:
        """The active incidents that are about a wedding; may lag by seconds."""
        cursor = None
        while True:
            page = self.active(tenant, limit=100, cursor=cursor)
            yield from (each for each in page.incidents if each.wedding_id == wedding_id)
            if (cursor := page.next_cursor) is None:
                return

    def about(self, tenant: Tenant, wedding_id: str, *, until: datetime) -> tuple[Incident, ...]:
        """All incidents about a wedding that were opened by then, the oldest first; may lag."""
        sort = Sort(at_most=sortable(until) + "~")
        partition = tenant.partition("about", wedding_id)
        return self._episodes.each_once(
            every(self._table, partition, index="of_wedding", sort=sort)
        )

    def due(self, until: datetime) -> Iterator[tuple[Tenant, Incident]]:
        """Every tenant's incidents with something due by then; may lag by seconds."""
        by_then = Sort(at_most=sortable(until) + "~")
        for item in every(self._table, _DUE, index="by_due", sort=by_then):
            yield Tenant(item.text("owner")), self._episodes.load(item).value


def _indexed(tenant: Tenant, incident: Incident) -> dict[str, Attribute]:
    created = f"{sortable(incident.created_at)}#{incident.incident_id}"
    attributes: dict[str, Attribute] = {
        "owner": tenant.id,
        "tenant": tenant.partition("incidents"),
        "created_at": created,
    }
    if incident.wedding_id is not None:
        attributes["about"] = tenant.partition("about", incident.wedding_id)
    if incident.is_active:
        attributes["active_of"] = tenant.partition("active")
        attributes["worst_first"] = f"{_mildness(incident)}#{created}"
        if incident.wedding_id is not None:
            attributes["concerns"] = _WEDDING
            attributes["wedding"] = f"{tenant.id}#{incident.wedding_id}#{incident.incident_id}"
    due = look_at(incident)
    if due is not None:
        attributes["due_in"] = _DUE
        attributes["due_at"] = f"{sortable(due)}#{tenant.id}#{incident.incident_id}"
    return attributes


def _mildness(incident: Incident) -> str:
    """Two digits, 0 for the worst: a sort key cannot mix directions, so ranks are turned round."""
    severity = Severity.CRITICAL.rank - incident.severity.rank
    impact = Impact.HIGH.rank - incident.wedding_impact.rank
    return f"{severity}{impact}"
