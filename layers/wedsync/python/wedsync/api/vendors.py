"""The body of a wedding's vendors."""

from collections.abc import Iterable
from datetime import UTC, datetime

from wedsync.api.shape import Reply
from wedsync.flows.vendors import VendorHealth
from wedsync.weddings.calendar import local
from wedsync.weddings.model import Wedding


class VendorHealthReply(Reply):
    """One vendor at this wedding; null where nothing is known.

    ``online``: a heartbeat came within five minutes. ``errorRate``: the percentage of its requests
    answered with status 500 and above, in the current minute and the four before.
    """

    vendor_id: str
    name: str | None
    category: str | None
    assigned: bool
    online: bool | None
    last_heartbeat: datetime | None
    last_seen: datetime | None
    local: datetime | None
    requests: int
    error_rate: float | None

    @classmethod
    def of(cls, wedding: Wedding, health: VendorHealth) -> "VendorHealthReply":
        """This vendor; ``local`` is its last sign on the venue's clock."""
        seen = _instant(health.seen_ms)
        return cls(
            vendor_id=health.vendor.vendor_id,
            name=health.vendor.name,
            category=health.vendor.category,
            assigned=health.assigned,
            online=health.online,
            last_heartbeat=_instant(health.heartbeat_ms),
            last_seen=seen,
            local=None if seen is None else local(wedding, seen),
            requests=health.requests,
            error_rate=health.error_percent,
        )


class VendorsHealthReply(Reply):
    """The vendors of a wedding that the caller may see, those that it lists first.

    ``vendorsOnline`` counts among them, and is null if no heartbeat ever came of any.
    """

    wedding_id: str
    vendors_online: int | None
    vendors: list[VendorHealthReply]
    local: datetime
    time_zone: str

    @classmethod
    def of(
        cls, wedding: Wedding, vendors: Iterable[VendorHealth], *, at: datetime
    ) -> "VendorsHealthReply":
        """These vendors, as they were then."""
        shown = [VendorHealthReply.of(wedding, each) for each in vendors]
        known = [each.online for each in shown if each.online is not None]
        return cls(
            wedding_id=wedding.wedding_id,
            vendors_online=sum(known) if known else None,
            vendors=shown,
            local=local(wedding, at),
            time_zone=wedding.venue.time_zone,
        )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
