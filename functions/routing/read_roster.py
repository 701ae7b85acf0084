"""Somebody looks up who is on duty."""

from wedsync.api.roster import RosterReply
from wedsync.api.versions import etag
from wedsync.flows.duties import gaps_on_saturday
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
    """Answer the roster; an empty one where none is settled."""
    now = services.now()
    roster = services.routing.roster(caller.tenant) or Roster(time_zone="UTC")
    gaps = gaps_on_saturday(services, caller.tenant, roster, now)
    reply = RosterReply.of(roster, gaps=gaps, at=now)
    return Answer(reply, {"etag": etag(roster.version)})
