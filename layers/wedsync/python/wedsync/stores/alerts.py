"""Alert episodes, by fingerprint, and when each rule last opened one.

- ``tenant#alerts / fingerprint``: the present episode; the former ones by their ids.
- ``tenant#triggered / rule``: when the newest of the rule's episodes fired. It only ever moves on,
  so that noting the same episode again, or an older one, changes nothing.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wedsync.alerting.model import Alert, AlertState
from wedsync.cloud import Attribute, ConditionFailed, Item, Key, LessThan, Table
from wedsync.cloud.paging import every
from wedsync.errors import AlertNotFound
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.documents import Documents
from wedsync.stores.episodes import EpisodeTable, Stored
from wedsync.stores.order import sortable
from wedsync.tenancy import Tenant

_documents = Documents(Alert)
_OPEN = "open"


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Some alerts, newest first, and the cursor of the next ones."""

    alerts: tuple[Alert, ...]
    next_cursor: str | None


class AlertStore:
    """One present episode per fingerprint; the former ones by their ids."""

    def __init__(self, table: Table) -> None:
        """On the alerts table."""
        self._table = table
        self._episodes = EpisodeTable(
            table,
            family="alerts",
            documents=_documents,
            id_of=lambda alert: alert.alert_id,
            indexed=_indexed,
            versioned=lambda alert, version: replace(alert, version=version),
        )

    def get(self, tenant: Tenant, alert_id: str) -> Stored[Alert]:
        """The alert. Raises AlertNotFound, also for another tenant's."""
        found = self._episodes.find(tenant, alert_id)
        if found is None:
            raise AlertNotFound
        return found

    def current_many(self, tenant: Tenant, fingerprints: Iterable[str]) -> dict[str, Stored[Alert]]:
        """The present or latest episodes of these fingerprints."""
        return self._episodes.current_many(tenant, fingerprints)

    def keep(
        self, tenant: Tenant, alert: Alert | None, *, former: Stored[Alert] | None
    ) -> Stored[Alert] | None:
        """Store what became of ``former``: a change, a new episode, nothing. Raises Overtaken."""
        if alert is None:
            if former is not None:
                self._episodes.drop(tenant, former)
            return None
        if former is not None and former.value.alert_id == alert.alert_id:
            return self._episodes.save(tenant, alert, expected=former.version)
        return self._episodes.begin(tenant, alert.fingerprint, alert, after=former)

    def page(self, tenant: Tenant, *, limit: int, cursor: str | None) -> AlertPage:
        """Up to ``limit`` alerts, newest first; may lag by seconds."""
        partition = tenant.partition("alerts")
        page = self._table.query(
            partition,
            index="by_start",
            limit=limit,
            after=open_cursor(partition, cursor),
            descending=True,
        )
        return AlertPage(self._episodes.each_once(page.items), seal(partition, page.next))

    def note_triggered(self, tenant: Tenant, rule_id: str, fired_at: datetime) -> None:
        """An episode of this rule fired then: kept, unless a later one is known."""
        at = sortable(fired_at)
        with suppress(ConditionFailed):
            self._table.put(Item(_trigger(tenant, rule_id), {"at": at}), when=LessThan("at", at))

    def last_triggered(self, tenant: Tenant, rule_id: str) -> datetime | None:
        """When the newest episode of this rule fired; None where none ever did."""
        item = self._table.get(_trigger(tenant, rule_id))
        return None if item is None else _fired_at(item)

    def triggered(self, tenant: Tenant) -> dict[str, datetime]:
        """The same of every rule that ever opened an episode, by rule."""
        found = every(self._table, tenant.partition("triggered"))
        return {item.key.sk: _fired_at(item) for item in found}

    def open_of(self, tenant: Tenant) -> Iterator[Alert]:
        """This tenant's alerts that are not over; may lag by seconds."""
        for _, alert in self._open(tenant.partition("open"), index="open"):
            yield alert

    def open_of_wedding(self, tenant: Tenant, wedding_id: str) -> Iterator[Alert]:
        """A wedding's alerts that are not over; may lag by seconds."""
        return (each for each in self.open_of(tenant) if each.wedding_id == wedding_id)

    def open_of_all(self) -> Iterator[tuple[Tenant, Alert]]:
        """Every tenant's alerts that are not over; may lag by seconds."""
        return self._open(_OPEN, index="by_state")

    def _open(self, partition: str, *, index: str) -> Iterator[tuple[Tenant, Alert]]:
        for item in every(self._table, partition, index=index):
            yield Tenant(item.text("owner")), self._episodes.load(item).value


def _trigger(tenant: Tenant, rule_id: str) -> Key:
    return Key(tenant.partition("triggered"), rule_id)


def _fired_at(item: Item) -> datetime:
    return datetime.fromisoformat(item.text("at")).replace(tzinfo=UTC)


def _indexed(tenant: Tenant, alert: Alert) -> dict[str, Attribute]:
    started = sortable(alert.started_at)
    attributes: dict[str, Attribute] = {
        "owner": tenant.id,
        "tenant": tenant.partition("alerts"),
        "started_at": f"{started}#{alert.alert_id}",
    }
    if alert.state is not AlertState.RESOLVED or alert.unsettled_since is not None:
        attributes["state_of"] = _OPEN
        attributes["open_of"] = tenant.partition("open")
        attributes["state_since"] = f"{tenant.id}#{started}#{alert.alert_id}"
    return attributes
