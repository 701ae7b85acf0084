"""What was told to whom, delivery by delivery, and how the endpoints are."""

from dataclasses import dataclass, replace
from datetime import timedelta

from wedsync.cloud import EXPIRES_AT, Absent, ConditionFailed, Equals, Item, Key, Sort, Table
from wedsync.cloud.paging import every
from wedsync.notifications.breaker import Circuit
from wedsync.notifications.delivery import Delivery
from wedsync.notifications.told import key_parts
from wedsync.stores.cursors import open_cursor, seal
from wedsync.stores.documents import Documents
from wedsync.stores.episodes import Overtaken
from wedsync.stores.order import sortable
from wedsync.tenancy import Tenant

_documents = Documents(Delivery)
_circuits = Documents(Circuit)
KEPT = timedelta(days=90)
_CIRCUIT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, newest first, and the cursor of the next ones."""

    deliveries: tuple[Delivery, ...]
    next_cursor: str | None


class DeliveryStore:
    """One item a delivery, under its dedup key; for 90 days."""

    def __init__(self, table: Table) -> None:
        """On the notifications table."""
        self._table = table

    def find(self, tenant: Tenant, dedup_key: str) -> Delivery | None:
        """The delivery of that key."""
        item = self._table.get(_key(tenant, dedup_key))
        return None if item is None else _load(item)

    def plan(self, tenant: Tenant, delivery: Delivery) -> Delivery:
        """Store a new one; where it is planned already, what is stored."""
        try:
            return self._put(tenant, delivery, None)
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise
            return _load(conflict.current)

    def save(self, tenant: Tenant, delivery: Delivery) -> Delivery:
        """Store a change of the version that it carries. Raises Overtaken."""
        try:
            return self._put(tenant, delivery, delivery.version)
        except ConditionFailed as conflict:
            raise Overtaken(conflict.current) from None

    def about(self, tenant: Tenant, subject_id: str) -> tuple[Delivery, ...]:
        """Everything about an incident, or an alert."""
        return self._all(tenant, subject_id, Sort())

    def at_moment(self, tenant: Tenant, subject_id: str, moment: str) -> tuple[Delivery, ...]:
        """What was told at one step of a ladder."""
        return self._all(tenant, subject_id, Sort(begins_with=f"{moment}#"))

    def page(
        self, tenant: Tenant, *, subject_id: str | None, limit: int, cursor: str | None
    ) -> DeliveryPage:
        """Of one incident or alert, or of all; newest first; may lag by seconds."""
        if subject_id is None:
            index, partition = "by_time", tenant.partition("notifications")
        else:
            index, partition = "by_subject", tenant.partition("about", subject_id)
        page = self._table.query(
            partition,
            index=index,
            limit=limit,
            after=open_cursor(partition, cursor),
            descending=True,
        )
        return DeliveryPage(tuple(map(_load, page.items)), seal(partition, page.next))

    def circuit(self, tenant: Tenant, endpoint: str) -> Circuit:
        """How an endpoint has been; a closed circuit where nothing speaks against it."""
        item = self._table.get(Key(tenant.partition("circuits"), endpoint))
        if item is None:
            return Circuit()
        return replace(_circuits.load(item.text("body")), version=item.number("version"))

    def save_circuit(
        self, tenant: Tenant, endpoint: str, circuit: Circuit, *, now_unix: int
    ) -> bool:
        """Store a change of the version that it carries; False where somebody else was first."""
        version = circuit.version + 1
        item = Item(
            Key(tenant.partition("circuits"), endpoint),
            {
                "body": _circuits.dump(replace(circuit, version=version)),
                "version": version,
                EXPIRES_AT: now_unix + _CIRCUIT_SECONDS,
            },
        )
        try:
            self._table.put(
                item, when=Equals("version", circuit.version) if circuit.version else Absent()
            )
        except ConditionFailed:
            return False
        return True

    def _all(self, tenant: Tenant, subject_id: str, sort: Sort) -> tuple[Delivery, ...]:
        items = every(self._table, tenant.partition("told", subject_id), sort=sort)
        return tuple(map(_load, items))

    def _put(self, tenant: Tenant, delivery: Delivery, expected: int | None) -> Delivery:
        saved = replace(delivery, version=(expected or 0) + 1)
        planned = f"{sortable(saved.planned_at)}#{saved.notification_id}"
        item = Item(
            _key(tenant, saved.dedup_key),
            {
                "body": _documents.dump(saved),
                "version": saved.version,
                "tenant": tenant.partition("notifications"),
                "subject_of": tenant.partition("about", saved.subject_id),
                "planned": planned,
                EXPIRES_AT: int((saved.planned_at + KEPT).timestamp()),
            },
        )
        self._table.put(item, when=Absent() if expected is None else Equals("version", expected))
        return saved


def _key(tenant: Tenant, dedup_key: str) -> Key:
    tenant_id, subject_id, moment, target = key_parts(dedup_key)
    if tenant_id != tenant.id:
        raise ValueError("this delivery is another tenant's")
    return Key(tenant.partition("told", subject_id), f"{moment}#{target}")


def _load(item: Item) -> Delivery:
    return replace(_documents.load(item.text("body")), version=item.number("version"))
