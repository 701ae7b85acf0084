"""Which weddings and services something has spoken against of late.

Key: ``tenant#trouble#bucket / name``: a bucket is read whole, and holds few. An item says until
which minute its scope is in trouble; only a later minute replaces it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b

from wedsync.alerting.observation import Scope
from wedsync.cloud import ConditionFailed, Item, Key, LessThan, Table
from wedsync.cloud.paging import every
from wedsync.cloud.values import EXPIRES_AT
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=1)
BUCKETS = 4


class TroubleStore:
    """Trouble by tenant and scope."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table

    def tell(self, tenant: Tenant, scope: Scope, *, until: int, now: datetime) -> None:
        """The scope is in trouble until the end of this minute, or later if that is known."""
        try:
            self._table.put(
                Item(
                    _key(tenant, scope),
                    {"until": until, EXPIRES_AT: int((now + KEPT).timestamp())},
                ),
                when=LessThan("until", until),
            )
        except ConditionFailed:
            return

    def until(self, tenant: Tenant, scopes: Iterable[Scope]) -> dict[Scope, int]:
        """Until when those of these scopes are in trouble that are; by a consistent read."""
        keys = {_key(tenant, scope): scope for scope in scopes}
        found: dict[Scope, int] = {}
        for partition in sorted({key.pk for key in keys}):
            for item in every(self._table, partition):
                if item.key in keys:
                    found[keys[item.key]] = item.number("until")
        return found


def _key(tenant: Tenant, scope: Scope) -> Key:
    kind = "wedding" if scope.wedding_id is not None else "service"
    text = f"{kind}:{scope.wedding_id or scope.service}"
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return Key(tenant.partition("trouble", digest[0] % BUCKETS), digest.hex())
