"""What a caller may see: what it may not, it is told does not exist."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from wedsync.errors import WeddingNotFound
from wedsync.stores.weddings import WeddingStore
from wedsync.tenancy import Caller, Role
from wedsync.weddings.model import Wedding


class OfVendor(Protocol):
    """Something that a vendor did, or nobody in particular."""

    @property
    def vendor_id(self) -> str | None:
        """Who did it."""


A = TypeVar("A", bound=OfVendor)


def may_see(caller: Caller, wedding: Wedding) -> bool:
    """A vendor sees the weddings that list it; every other role sees its tenant's."""
    if caller.role is not Role.VENDOR:
        return True
    return any(vendor.vendor_id == caller.vendor_id for vendor in wedding.vendors)


def wedding_for(caller: Caller, wedding_id: str, weddings: WeddingStore) -> Wedding:
    """The wedding, if this caller may see it. Raises WeddingNotFound."""
    wedding = weddings.get(caller.tenant, wedding_id)
    if not may_see(caller, wedding):
        raise WeddingNotFound
    return wedding


def own_activity(caller: Caller, activity: Iterable[A]) -> tuple[A, ...]:
    """What of a wedding's activity this caller may see: a vendor its own, all others all."""
    return tuple(
        each
        for each in activity
        if caller.role is not Role.VENDOR or each.vendor_id == caller.vendor_id
    )
