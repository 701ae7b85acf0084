"""What a caller may see: what it may not, it is told does not exist."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from wedsync.errors import WeddingNotFound
from wedsync.stores.weddings import WeddingStore
from wedsync.tenancy import Caller, Role, Tenant
from wedsync.weddings.model import Wedding


class OfVendor(Protocol):
    """Something that is a vendor's, or nobody's in particular."""

    @property
    def vendor_id(self) -> str | None:
        """Whose it is."""


A = TypeVar("A", bound=OfVendor)


def may_see(caller: Caller, wedding: Wedding) -> bool:
    """A vendor sees the weddings that list it; every other role sees its tenant's."""
    if caller.role is not Role.VENDOR:
        return True
    return caller.vendor_id is not None and works_at(caller.vendor_id, wedding)


def works_at(vendor_id: str, wedding: Wedding) -> bool:
    """Whether the wedding lists this vendor."""
    return any(vendor.vendor_id == vendor_id for vendor in wedding.vendors)


def foreign_weddings(
    weddings: WeddingStore, tenant: Tenant, vendor_id: str | None, named: Iterable[str | None]
) -> frozenset[str]:
    """Those of the named weddings that do not list this vendor; none for a sender that is none."""
    if vendor_id is None:
        return frozenset()
    found = weddings.find_many(tenant, {each for each in named if each is not None})
    return frozenset(name for name, each in found.items() if not works_at(vendor_id, each))


def wedding_for(caller: Caller, wedding_id: str, weddings: WeddingStore) -> Wedding:
    """The wedding, if this caller may see it. Raises WeddingNotFound."""
    wedding = weddings.get(caller.tenant, wedding_id)
    if not may_see(caller, wedding):
        raise WeddingNotFound
    return wedding


def own_share(caller: Caller, told: Iterable[A]) -> tuple[A, ...]:
    """What of all that is told of a wedding this caller may see: a vendor its own, others all."""
    return tuple(
        each
        for each in told
        if caller.role is not Role.VENDOR or each.vendor_id == caller.vendor_id
    )
