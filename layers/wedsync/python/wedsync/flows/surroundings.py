"""What else is going on for a tenant while one thing is judged."""

from dataclasses import dataclass, field
from datetime import datetime

from wedsync.stores.weddings import WeddingStore
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Status, Wedding
from wedsync.weddings.saturday import is_saturday_for_some
from wedsync.weddings.timeline import operational_window, status


@dataclass(slots=True)
class TenantDay:
    """The tenant's weddings that are live now, looked up when first asked for."""

    tenant: Tenant
    weddings: WeddingStore
    now: datetime
    _today: tuple[Wedding, ...] | None = field(default=None, init=False)

    @property
    def today(self) -> tuple[Wedding, ...]:
        """The weddings whose status is today."""
        if self._today is None:
            ids = self.weddings.live_ids(self.tenant, self.now)
            found = self.weddings.find_many(self.tenant, ids)
            self._today = tuple(
                each for each in found.values() if status(each, self.now) is Status.TODAY
            )
        return self._today

    @property
    def open_windows(self) -> tuple[Wedding, ...]:
        """The weddings whose operational window is open."""
        return tuple(each for each in self.today if operational_window(each).contains(self.now))

    @property
    def any_wedding_today(self) -> bool:
        """Whether some wedding has its day."""
        return bool(self.today)

    @property
    def any_saturday_wedding_today(self) -> bool:
        """Whether some wedding has its day, and it is Saturday at its venue."""
        return is_saturday_for_some(self.today, self.now)
