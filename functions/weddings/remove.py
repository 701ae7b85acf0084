"""A wedding will not take place: it leaves the registry, and what was open about it ends."""

from wedsync.api.versions import IfMatch, require_version
from wedsync.errors import PreconditionFailed, WeddingNotFound
from wedsync.flows.grants import PAGING
from wedsync.flows.removal import remove_wedding
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/weddings/{wedding_id}",
    summary="Remove a wedding; its alerts and incidents are resolved",
    uses=(
        Resource.WEDDINGS.read_write(),
        Resource.ALERTS.read_write(),
        *PAGING,
    ),
    raises=(WeddingNotFound, PreconditionFailed),
    status=204,
)
def handler(
    wedding_id: str,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one.

    From then on its points are counted as those of a wedding that nobody registered.
    """
    wedding = services.weddings.get(caller.tenant, wedding_id)
    require_version(if_match, wedding.version)
    remove_wedding(services, caller.tenant, wedding, by=caller.shown)
    return Answer(None)
