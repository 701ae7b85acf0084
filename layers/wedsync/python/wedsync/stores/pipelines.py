"""Pipelines as tenants declared them: all of a tenant's in one item, written version by version.

So a batch finds those of all its tenants in one read, and a change holds from the next batch on.
Key: ``tenant#pipelines / pipelines``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.limits import BATCH_KEYS
from wedsync.errors import Conflict, PipelineNotFound, PreconditionFailed, TooMuchContention
from wedsync.stores.documents import Documents
from wedsync.tenancy import Tenant

MOST_PIPELINES = 50
MOST_BYTES = 300_000
TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPipeline:
    """One pipeline: its declaration as JSON text, and since when it is that."""

    pipeline_id: str
    declaration: str
    updated_at: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPipelines:
    """All of a tenant's; ``version`` rises with every change of any of them."""

    pipelines: tuple[DeclaredPipeline, ...] = ()
    version: int = 0

    def find(self, pipeline_id: str) -> DeclaredPipeline | None:
        """The one of this id."""
        return next((each for each in self.pipelines if each.pipeline_id == pipeline_id), None)

    def without(self, pipeline_id: str) -> "tuple[DeclaredPipeline, ...]":
        """The others."""
        return tuple(each for each in self.pipelines if each.pipeline_id != pipeline_id)


_documents = Documents(DeclaredPipelines)


class PipelineStore:
    """Pipelines by tenant."""

    def __init__(self, table: Table) -> None:
        """On the tenant settings table."""
        self._table = table

    def of(self, tenant: Tenant) -> DeclaredPipelines:
        """All of this tenant's."""
        return _declared(self._table.get(_key(tenant)))

    def of_many(self, tenants: Iterable[Tenant]) -> Mapping[Tenant, DeclaredPipelines]:
        """Those of all these tenants that have any, read at once."""
        keys = {_key(tenant): tenant for tenant in tenants}
        every = list(keys)
        found: dict[Tenant, DeclaredPipelines] = {}
        for at in range(0, len(every), BATCH_KEYS):
            for item in self._table.get_many(every[at : at + BATCH_KEYS]):
                found[keys[item.key]] = _declared(item)
        return found

    def get(self, tenant: Tenant, pipeline_id: str) -> DeclaredPipeline:
        """This one. Raises PipelineNotFound, also for another tenant's."""
        found = self.of(tenant).find(pipeline_id)
        if found is None:
            raise PipelineNotFound
        return found

    def save(
        self, tenant: Tenant, pipeline: DeclaredPipeline, *, expected: int | None
    ) -> DeclaredPipeline:
        """Store it, over version ``expected`` (0: there is none; None: over whatever there is).

        Raises PreconditionFailed, Conflict where there are too many, TooMuchContention.
        """
        for _ in range(TRIES):
            before = self.of(tenant)
            former = before.find(pipeline.pipeline_id)
            version = 0 if former is None else former.version
            if expected is not None and version != expected:
                raise PreconditionFailed
            saved = replace(pipeline, version=version + 1)
            others = before.without(pipeline.pipeline_id)
            every = tuple(sorted((*others, saved), key=lambda each: each.pipeline_id))
            if len(every) > MOST_PIPELINES:
                raise Conflict(f"a tenant has at most {MOST_PIPELINES} pipelines")
            if self._put(tenant, before, every):
                return saved
        raise TooMuchContention

    def remove(self, tenant: Tenant, pipeline_id: str, *, expected: int | None) -> None:
        """Forget it. Raises PipelineNotFound, PreconditionFailed, TooMuchContention."""
        for _ in range(TRIES):
            before = self.of(tenant)
            former = before.find(pipeline_id)
            if former is None:
                raise PipelineNotFound
            if expected is not None and former.version != expected:
                raise PreconditionFailed
            if self._put(tenant, before, before.without(pipeline_id)):
                return
        raise TooMuchContention

    def _put(
        self, tenant: Tenant, before: DeclaredPipelines, every: tuple[DeclaredPipeline, ...]
    ) -> bool:
        after = DeclaredPipelines(pipelines=every, version=before.version + 1)
        body = _documents.dump(after)
        if len(body.encode()) > MOST_BYTES:
            raise Conflict("the tenant's pipelines say too much together")
        when = Equals("version", before.version) if before.version else Absent()
        try:
            self._table.put(Item(_key(tenant), {"body": body, "version": after.version}), when=when)
        except ConditionFailed:
            return False
        return True


def _key(tenant: Tenant) -> Key:
    return Key(tenant.partition("pipelines"), "pipelines")


def _declared(item: Item | None) -> DeclaredPipelines:
    return DeclaredPipelines() if item is None else _documents.load(item.text("body"))
