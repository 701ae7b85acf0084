"""What a caller may see: what it may not, it is told does not exist."""

from wedsync.errors import WeddingNotFound
from wedsync.stores.weddings import WeddingStore
from wedsync.tenancy import Caller, Role
from wedsync.weddings.model import Wedding


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
