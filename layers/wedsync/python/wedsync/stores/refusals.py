"""Records that proved no right to be counted, as far as rules look at them.

Key: ``tenant#refusals / arrival#place``, beside the row that keeps what was sent: small, so that
many are counted with little reading. The same record, delivered again, leaves the same item.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from wedsync.alerting.refusals import Refusal
from wedsync.cloud import Attribute, Item, Key, Sort, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.stores.order import sortable
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=1)
MOST_READ = 1000
"""More in five minutes make nothing clearer."""


class RefusalStore:
    """One small item for each refused record."""

    def __init__(self, table: Table) -> None:
        """On the rejections table."""
        self._table = table

    def note(self, tenant: Tenant, refusals: Iterable[Refusal]) -> None:
        """Keep these for an hour; the same ones again change nothing."""
        for each in refusals:
            attributes: dict[str, Attribute] = {
                "place": each.place,
                "code": each.code,
                "arrived_at": each.arrived_at.astimezone(UTC).isoformat(),
                EXPIRES_AT: int((each.arrived_at + KEPT).timestamp()),
            }
            if each.key_id is not None:
                attributes["key_id"] = each.key_id
            sort = f"{sortable(each.arrived_at)}#{each.place}"
            self._table.put(Item(Key(tenant.partition("refusals"), sort), attributes))

    def between(self, tenant: Tenant, since: datetime, until: datetime) -> tuple[Refusal, ...]:
        """Those that arrived after ``since`` and by ``until``, the oldest thousand."""
        page = self._table.query(
            tenant.partition("refusals"),
            # A place follows the instant behind a sign that sorts before this one.
            sort=Sort(at_least=f"{sortable(since)}$", at_most=f"{sortable(until)}$"),
            limit=MOST_READ,
        )
        return tuple(_read(item) for item in page.items)


def _read(item: Item) -> Refusal:
    return Refusal(
        place=item.text("place"),
        code=item.text("code"),
        key_id=item.text("key_id") if "key_id" in item.attributes else None,
        arrived_at=datetime.fromisoformat(item.text("arrived_at")),
    )
