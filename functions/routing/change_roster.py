"""An operator settles who is on duty."""

from wedsync.api.roster import RosterReply, RosterRequest
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import PreconditionFailed, TooLarge
from wedsync.flows.duties import contacts_here, gaps_on_saturday
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PUT /api/monitoring/oncall",
    summary="Replace the roster",
    uses=(Resource.ROUTING.read_write(),),
    raises=(PreconditionFailed, TooLarge),
)
def handler(
    roster: RosterRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[RosterReply]:
    """Replace the version that If-Match names, or the present one; the answer tells of gaps."""
    tenant, now = caller.tenant, services.now()
    former = services.routing.roster(tenant)
    version = former.version if former is not None else 0
    require_version(if_match, version)
    known = contacts_here(services, tenant)
    settled = roster.roster(known=known, at=now)
    saved = services.routing.save_roster(tenant, settled, expected=version)
    gaps = gaps_on_saturday(saved, now, known=known)
    reply = RosterReply.of(saved, gaps=gaps, known=known, at=now)
    return Answer(reply, {"etag": etag(saved.version)})
