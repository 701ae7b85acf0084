"""Runbooks of a tenant, and their runs.

``tenant#runbooks / id`` is a runbook; ``tenant#executions / id`` a run, in the index of what is due
and in that of its incident; ``tenant#cooldowns / runbook#scope`` names the run after which nothing
more is done for a while.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from wedsync.cloud import (
    EXPIRES_AT,
    Absent,
    Attribute,
    ConditionFailed,
    Equals,
    Item,
    Key,
    Sort,
    Table,
)
from wedsync.cloud.paging import every
from wedsync.errors import ExecutionNotFound, PreconditionFailed
from wedsync.identifiers import plausible
from wedsync.runbooks.execution import Execution, due_at
from wedsync.runbooks.model import Runbook
from wedsync.stores.documents import WRITTEN_BYTES, Documents
from wedsync.stores.episodes import Overtaken
from wedsync.stores.order import sortable
from wedsync.tenancy import Tenant

_runbooks = Documents(Runbook, most_bytes=WRITTEN_BYTES)
_executions = Documents(Execution)
_DUE = "due"


class RunbookStore:
    """A tenant's own runbooks, version by version."""

    def __init__(self, table: Table) -> None:
        """On the runbooks table."""
        self._table = table

    def find(self, tenant: Tenant, runbook_id: str) -> Runbook | None:
        """The tenant's own runbook of that id."""
        if not plausible(runbook_id):
            return None
        item = self._table.get(_runbook_key(tenant, runbook_id))
        return None if item is None else _runbook(item)

    def all(self, tenant: Tenant) -> tuple[Runbook, ...]:
        """All of the tenant's own runbooks, by their ids."""
        return tuple(map(_runbook, every(self._table, tenant.partition("runbooks"))))

    def save(self, tenant: Tenant, runbook: Runbook, *, expected: int) -> Runbook:
        """Store as version ``expected`` + 1. Raises PreconditionFailed."""
        saved = replace(runbook, version=expected + 1)
        item = Item(
            _runbook_key(tenant, runbook.runbook_id),
            {"body": _runbooks.dump(saved), "version": saved.version},
        )
        try:
            self._table.put(item, when=Equals("version", expected) if expected else Absent())
        except ConditionFailed:
            raise PreconditionFailed from None
        return saved

    def remove(self, tenant: Tenant, runbook: Runbook) -> None:
        """Forget this version. Raises PreconditionFailed."""
        try:
            self._table.delete(
                _runbook_key(tenant, runbook.runbook_id), when=Equals("version", runbook.version)
            )
        except ConditionFailed:
            raise PreconditionFailed from None


class ExecutionStore:
    """Runs of runbooks, one item each."""

    def __init__(self, table: Table) -> None:
        """On the runbooks table."""
        self._table = table

    def get(self, tenant: Tenant, execution_id: str) -> Execution:
        """The run. Raises ExecutionNotFound, also for another tenant's."""
        item = None
        if plausible(execution_id):
            item = self._table.get(_execution_key(tenant, execution_id))
        if item is None:
            raise ExecutionNotFound
        return _execution(item)

    def begin(self, tenant: Tenant, execution: Execution) -> Execution:
        """Store a new run; where it is stored already, what is: an earlier try of the same."""
        try:
            return self._put(tenant, execution, Absent(), 1)
        except ConditionFailed as conflict:
            if conflict.current is None:
                raise
            return _execution(conflict.current)

    def save(self, tenant: Tenant, execution: Execution) -> Execution:
        """Store a change of the version that it carries. Raises Overtaken."""
        expected = execution.version
        try:
            return self._put(tenant, execution, Equals("version", expected), expected + 1)
        except ConditionFailed as conflict:
            raise Overtaken(conflict.current) from None

    def of_incident(self, tenant: Tenant, incident_id: str) -> tuple[Execution, ...]:
        """All runs for an incident, the oldest first; may lag by seconds."""
        partition = tenant.partition("runs", incident_id)
        return tuple(map(_execution, every(self._table, partition, index="of_incident")))

    def due(self, until: datetime) -> Iterator[tuple[Tenant, str, datetime]]:
        """Every tenant's runs with something due by then, and when; may lag by seconds."""
        by_then = Sort(at_most=sortable(until) + "~")
        for item in every(self._table, _DUE, index="by_due", sort=by_then):
            due = due_at(_execution(item))
            if due is not None:
                yield Tenant(item.text("owner")), item.key.sk, due

    def cool_down(
        self, tenant: Tenant, scope: str, *, execution_id: str, now: datetime, until: datetime
    ) -> str | None:
        """Claim the time after a run for it; the run that has claimed it before, if one has."""
        key = Key(tenant.partition("cooldowns"), scope)
        for _ in range(_TRIES):
            item = self._table.get(key)
            if item is not None:
                holder = item.text("execution_id")
                if holder == execution_id:
                    return None
                if item.number("until_unix") > now.timestamp():
                    return holder
            mine = Item(
                key,
                {
                    "execution_id": execution_id,
                    "until_unix": int(until.timestamp()),
                    EXPIRES_AT: int(until.timestamp()),
                },
            )
            when = Absent() if item is None else Equals("execution_id", item.text("execution_id"))
            try:
                self._table.put(mine, when=when)
            except ConditionFailed:
                continue
            return None
        raise Overtaken

    def _put(
        self, tenant: Tenant, execution: Execution, when: Absent | Equals, version: int
    ) -> Execution:
        saved = replace(execution, version=version)
        attributes: dict[str, Attribute] = {
            "body": _executions.dump(saved),
            "version": version,
            "owner": tenant.id,
            "about": tenant.partition("runs", saved.incident_id),
            "created_at": f"{sortable(saved.created_at)}#{saved.execution_id}",
        }
        due = due_at(saved)
        if due is not None:
            attributes["due_in"] = _DUE
            attributes["due_at"] = f"{sortable(due)}#{tenant.id}#{saved.execution_id}"
        self._table.put(Item(_execution_key(tenant, saved.execution_id), attributes), when=when)
        return saved


_TRIES = 8


def _runbook_key(tenant: Tenant, runbook_id: str) -> Key:
    return Key(tenant.partition("runbooks"), runbook_id)


def _execution_key(tenant: Tenant, execution_id: str) -> Key:
    return Key(tenant.partition("executions"), execution_id)


def _runbook(item: Item) -> Runbook:
    return replace(_runbooks.load(item.text("body")), version=item.number("version"))


def _execution(item: Item) -> Execution:
    return replace(_executions.load(item.text("body")), version=item.number("version"))
