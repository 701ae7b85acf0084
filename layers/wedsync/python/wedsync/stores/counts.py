"""How many points came to a tenant in a minute: what quality is told from.

The same items as the totals of hot items, read without their blocks, so that whoever tells of
quality alone does without numpy.
"""

from dataclasses import dataclass

from wedsync.cloud import Item, Table
from wedsync.cloud.paging import every
from wedsync.tenancy import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Points of one hot item as they were sent; ``duplicates`` are copies.

    ``newest_ms`` is the time of the newest that came on time, 0 where none did.
    """

    sent_on_time: int
    sent_late: int
    duplicates: int
    newest_ms: int


def counts_of(item: Item) -> Counts:
    """What an item of totals counts."""
    return Counts(
        sent_on_time=item.number("sent_on_time"),
        sent_late=item.number("sent_late"),
        duplicates=item.number("duplicates"),
        newest_ms=item.number("newest_ms"),
    )


class CountStore:
    """Counts by tenant and minute."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table

    def of(self, tenant: Tenant, minute: int) -> tuple[Counts, ...]:
        """The counts of every hot item of a tenant's minute."""
        return tuple(map(counts_of, every(self._table, totals_partition(tenant, minute))))


def totals_partition(tenant: Tenant, minute: int) -> str:
    """Where the totals of a tenant's minute lie."""
    return tenant.partition("totals", minute)
