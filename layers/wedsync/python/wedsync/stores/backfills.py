"""Points that came when their windows had long been closed, apart from those that came in time.

- ``tenant#backfilled#scope / hour#job#chunk``: what one chunk of a job adds to an hour, by
  quarters. The row says that it was backfilled, and by which job.
- ``backfill#job / cursor``: how far a job has come.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wedsync.cloud import Item, Key, Sort, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.metrics.block import Block
from wedsync.stores.large import LargeItems
from wedsync.stores.rollups import QUARTERS, Scope
from wedsync.stores.windows import HOURS_KEPT
from wedsync.tenancy import Tenant

CURSOR_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What one chunk of a job adds to an hour of some scope."""

    hour: int
    job: str
    chunk: int
    blocks: tuple[Block, ...]

    def whole(self) -> Block:
        """All quarters together."""
        return Block.merge(self.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a job has come, and what came of it so far.

    ``position`` counts lines or hours that are done; ``taken`` are points that were added, or hours
    that had data; ``young`` were left to ingest. ``began_ms`` is when the job began, in epoch ms:
    what is young is judged by it, however often it goes on.
    """

    position: int = 0
    taken: int = 0
    repeated: int = 0
    young: int = 0
    refused: int = 0
    began_ms: int = 0


class BackfillStore:
    """Backfilled hours, and the cursors of jobs."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table
        self._large = LargeItems(table)

    def add(self, tenant: Tenant, scope: Scope, added: Added, *, now: datetime) -> None:
        """Store what a chunk adds, once: the same chunk again changes nothing."""
        key = Key(
            tenant.partition("backfilled", scope.text()),
            f"{added.hour:010d}#{added.job}#{added.chunk:08d}",
        )
        blocks = {f"quarter_{at}": block.encode() for at, block in enumerate(added.blocks)}
        self._large.put_newer(
            Item(
                key,
                {
                    **blocks,
                    "backfilled": 1,
                    "backfilled_by": added.job,
                    "backfilled_at": now.isoformat(),
                    "version": 1,
                    EXPIRES_AT: int((now + HOURS_KEPT).timestamp()),
                },
            )
        )

    def added(self, tenant: Tenant, scope: Scope, *, first: int, last: int) -> tuple[Added, ...]:
        """What was backfilled to the hours within these bounds, inclusive."""
        if not scope.storable:
            return ()
        sort = Sort(at_least=f"{first:010d}", at_most=f"{last:010d}~")
        found: list[Added] = []
        for item in self._large.query(tenant.partition("backfilled", scope.text()), sort):
            hour, job, chunk = item.key.sk.split("#")
            found.append(
                Added(
                    hour=int(hour),
                    job=job,
                    chunk=int(chunk),
                    blocks=tuple(Block.decode(item.raw(f"quarter_{at}")) for at in range(QUARTERS)),
                )
            )
        return tuple(found)

    def cursor(self, job: str) -> Cursor:
        """How far the job has come; at its start where it never ran."""
        item = self._table.get(_cursor_key(job))
        if item is None:
            return Cursor()
        return Cursor(
            position=item.number("position"),
            taken=item.number("taken"),
            repeated=item.number("repeated"),
            young=item.number("young"),
            refused=item.number("refused"),
            began_ms=item.number("began_ms"),
        )

    def move(self, job: str, cursor: Cursor, *, now: datetime) -> None:
        """Remember how far the job has come."""
        self._table.put(
            Item(
                _cursor_key(job),
                {
                    "position": cursor.position,
                    "taken": cursor.taken,
                    "repeated": cursor.repeated,
                    "young": cursor.young,
                    "refused": cursor.refused,
                    "began_ms": cursor.began_ms,
                    EXPIRES_AT: int((now + CURSOR_KEPT).timestamp()),
                },
            )
        )


def _cursor_key(job: str) -> Key:
    return Key(f"backfill#{job}", "cursor")
