"""Somebody looks up who is on duty."""

from wedsync.api.roster import RosterReply
from wedsync.api.versions import etag
from wedsync.flows.duties import contacts_here, gaps_on_saturday
from wedsync.notifications.roster import Roster
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/oncall",
    summary="Read the roster, who is on duty now, and Saturday's gaps",
    uses=(Resource.ROUTING.read(),),
)
def handler(caller: FromCaller, services: Injected) -> Answer[RosterReply]:
    """Answer the roster without contacts that are gone; an empty one where none is settled."""
    now = services.now()
    roster = services.routing.roster(caller.tenant) or Roster(time_zone="UTC")
    known = contacts_here(services, caller.tenant)
    gaps = gaps_on_saturday(roster, now, known=known)
    reply = RosterReply.of(roster, gaps=gaps, known=known, at=now)
    return Answer(reply, {"etag": etag(roster.version)})
