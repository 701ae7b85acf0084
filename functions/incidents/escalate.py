"""Somebody wants more people: the next tier is paged now."""

from wedsync.api.incidents import Escalated
from wedsync.errors import IncidentAlreadyResolved, IncidentNotFound, LadderExhausted
from wedsync.flows.grants import PAGING
from wedsync.flows.incidents import change_incident, publish_step
from wedsync.incidents.ladder import Claimed
from wedsync.incidents.lifecycle import escalate, level_at
from wedsync.resources import Resource
from wedsync.runtime.http import FromArrival, FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/incidents/{incident_id}/escalate",
    summary="Page the next tier now",
    uses=(Resource.ROUTING.read(), *PAGING),
    raises=(IncidentNotFound, IncidentAlreadyResolved, LadderExhausted),
)
def handler(
    incident_id: str, caller: FromCaller, arrived_at: FromArrival, services: Injected
) -> Escalated:
    """Answer the level that was reached; of calls in parallel only one raises it.

    A request that is sent again finds the tier that it raised, and raises no other.
    """
    tenant, request = caller.tenant, services.new_id("esc")
    seen = level_at(services.incidents.get(tenant, incident_id).value, arrived_at)
    done = change_incident(
        services,
        tenant,
        incident_id,
        lambda incident, now: escalate(
            incident, by=caller.shown, at=now, seen_level=seen, request=request
        ),
    )
    if done.step is not None:
        sent = publish_step(services, tenant, Claimed(incident=done.incident, step=done.step))
        return Escalated.of(done, notifications_sent=len(sent))
    return Escalated.of(done, notifications_sent=None)
