"""One guard taken away at a time, at the seam: a simulation that notices nothing proves nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulation.cloud import Tampering
from wedsync.cloud import (
    EVERYTHING,
    Condition,
    ConditionFailed,
    Item,
    Key,
    Page,
    Sort,
    Table,
    holds,
)
from wedsync.cloud.forwarding import ForwardingTable
from wedsync.incidents.model import Incident, LadderStep, StepStatus
from wedsync.resources import Resource
from wedsync.stores.documents import Documents

_incidents = Documents(Incident)


def without_frame_ids() -> Tampering:
    """Hot items forget which frames they hold."""

    def forgetful(item: Item) -> Item:
        return Item(item.key, {**item.attributes, "ids": b""})

    return _on(Resource.HOT_WINDOWS, stored=forgetful)


def without_version_condition() -> Tampering:
    """Hot items are overwritten whatever happened since they were read."""
    return _on(Resource.HOT_WINDOWS, conditions=False)


def without_tier_claim() -> Tampering:
    """An incident is overwritten whatever happened since it was read: a claim excludes nobody."""
    return _on(Resource.INCIDENTS, conditions=False)


def without_acknowledgement() -> Tampering:
    """Who works on a ladder does not see that somebody has acknowledged."""

    def unanswered(item: Item) -> Item:
        incident = _incidents.load(item.text("body"))
        if incident.acknowledged_at is None or not incident.is_active:
            return item
        steps = tuple(
            replace(step, status=StepStatus.PENDING)
            if step.status is StepStatus.CANCELLED and step.epoch == incident.epoch
            else step
            for step in incident.steps
        )
        blind = replace(incident, acknowledged_at=None, acknowledged_by=None, steps=steps)
        return Item(item.key, {**item.attributes, "body": _incidents.dump(blind)})

    return _on(Resource.INCIDENTS, read=unanswered)


def without_lease_expiry_check() -> Tampering:
    """Every lease has run out for whoever looks: what a worker holds is taken from it at once."""

    def unheld(incident: Incident, step: LadderStep) -> LadderStep:
        if step.status is not StepStatus.CLAIMED:
            return step
        return replace(step, lease_until=incident.created_at)

    return _on(Resource.INCIDENTS, read=_with_steps(unheld))


def without_due_check() -> Tampering:
    """Every step is due for whoever looks: tiers are paged as soon as somebody comes by."""

    def due(incident: Incident, step: LadderStep) -> LadderStep:
        if step.status is not StepStatus.PENDING:
            return step
        return replace(step, due_at=min(step.due_at, incident.created_at))

    return _on(Resource.INCIDENTS, read=_with_steps(due))


def without_expiry_filter() -> Tampering:
    """Expired items are there for every reader and every condition until they are deleted."""

    def tamper(of: Resource, table: Table) -> Table:
        return _Undying(table) if of is Resource.IDEMPOTENCY else table

    return tamper


def _with_steps(change: Callable[[Incident, LadderStep], LadderStep]) -> Callable[[Item], Item]:
    def read(item: Item) -> Item:
        incident = _incidents.load(item.text("body"))
        steps = tuple(change(incident, step) for step in incident.steps)
        body = _incidents.dump(replace(incident, steps=steps))
        return Item(item.key, {**item.attributes, "body": body})

    return read


def _as_it_is(item: Item) -> Item:
    return item


def _on(
    resource: Resource,
    *,
    stored: Callable[[Item], Item] = _as_it_is,
    read: Callable[[Item], Item] = _as_it_is,
    conditions: bool = True,
) -> Tampering:
    def tamper(of: Resource, table: Table) -> Table:
        return _Tampered(table, stored, read, conditions=conditions) if of is resource else table

    return tamper


class _Tampered(ForwardingTable):
    def __init__(
        self,
        table: Table,
        stored: Callable[[Item], Item],
        read: Callable[[Item], Item],
        *,
        conditions: bool,
    ) -> None:
        super().__init__(table)
        self._stored = stored
        self._read = read
        self._conditions = conditions

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        item = super().get(key, consistent=consistent)
        return None if item is None else self._read(item)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        return tuple(map(self._read, super().get_many(keys, consistent=consistent)))

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        super().put(self._stored(item), when=when if self._conditions else None)

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        super().delete(key, when=when if self._conditions else None)

    def query(
        self,
        partition: str,
        *,
        sort: Sort = EVERYTHING,
        index: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        descending: bool = False,
        consistent: bool = True,
    ) -> Page:
        page = super().query(
            partition,
            sort=sort,
            index=index,
            limit=limit,
            after=after,
            descending=descending,
            consistent=consistent,
        )
        return Page(tuple(map(self._read, page.items)), page.next)


class _Undying(ForwardingTable):
    """Remembers every item beside the table, which forgets the expired ones."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._kept: dict[Key, Item] = {}

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return super().get(key, consistent=consistent) or self._kept.get(key)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        found = (self.get(key, consistent=consistent) for key in keys)
        return tuple(item for item in found if item is not None)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        self._check(item.key, when)
        super().put(item)
        self._kept[item.key] = item

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        self._check(key, when)
        super().delete(key)
        self._kept.pop(key, None)

    def _check(self, key: Key, when: Condition | None) -> None:
        current = self.get(key)
        if when is not None and not holds(when, None if current is None else current.attributes):
            raise ConditionFailed(current)
