"""How each vendor of a wedding fares: whether it is online, when it was heard of, what fails."""

from dataclasses import dataclass

from wedsync.cloud.memory import Remembered
from wedsync.flows.readers import window_reader
from wedsync.flows.recent import WINDOW_MINUTES, RecentWedding
from wedsync.flows.times import epoch_ms
from wedsync.metrics.quality import VENDOR_ONLINE_MS
from wedsync.metrics.series import API_REQUEST
from wedsync.metrics.shares import error_percent
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Vendor, Wedding

CACHED_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorHealth:
    """One vendor at one wedding; None where nothing is known. Times are epoch ms.

    ``assigned``: the wedding lists it. ``seen_ms`` is when anything last came of it. ``online``: a
    heartbeat came within five minutes. ``error_percent`` is the share of its requests that the
    server failed in the current minute and the four before.
    """

    vendor: Vendor
    assigned: bool
    online: bool | None
    heartbeat_ms: int | None
    seen_ms: int | None
    requests: int
    error_percent: float | None

    @property
    def vendor_id(self) -> str:
        """Whose health it is."""
        return self.vendor.vendor_id


def vendors_of(
    services: Services, tenant: Tenant, wedding: Wedding
) -> Remembered[tuple[VendorHealth, ...]]:
    """The wedding's vendors, and whoever else was heard of at it, at most a second old."""
    return services.memory.recall(
        (tenant, "vendors", wedding.wedding_id, wedding.version),
        lambda: _vendors_of(services, tenant, wedding),
        now=services.now(),
        for_seconds=CACHED_SECONDS,
    )


def _vendors_of(services: Services, tenant: Tenant, wedding: Wedding) -> tuple[VendorHealth, ...]:
    now = services.now()
    recent = RecentWedding(services, window_reader(services, tenant, now), wedding, now)
    requests = recent.last_minutes(WINDOW_MINUTES).select(API_REQUEST)
    beats, seen = recent.facts.vendor_heartbeat_ms, recent.facts.vendor_seen_ms
    listed = {vendor.vendor_id: vendor for vendor in wedding.vendors}
    others = {each: Vendor(vendor_id=each) for each in sorted(seen) if each not in listed}
    found: list[VendorHealth] = []
    for vendor_id, vendor in (listed | others).items():
        own = requests.narrowed("vendor", vendor_id)
        beat = beats.get(vendor_id)
        found.append(
            VendorHealth(
                vendor=vendor,
                assigned=vendor_id in listed,
                online=None if beat is None else beat >= epoch_ms(now) - VENDOR_ONLINE_MS,
                heartbeat_ms=beat,
                seen_ms=seen.get(vendor_id),
                requests=own.summary().count if own else 0,
                error_percent=error_percent(own) if own else None,
            )
        )
    return tuple(found)
