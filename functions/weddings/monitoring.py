"""How closely a wedding is watched, now or at another time, and why."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.api.shape import Instant
from wedsync.api.weddings import MonitoringReply
from wedsync.errors import WeddingNotFound
from wedsync.flows.cadence import forced_by
from wedsync.flows.visibility import wedding_for
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.tenancy import READERS, Role
from wedsync.weddings.calendar import local
from wedsync.weddings.phase import monitoring
from wedsync.weddings.timeline import operational_window, status


@endpoint(
    "GET /api/weddings/{wedding_id}/monitoring",
    summary="Read a wedding's monitoring cadence",
    uses=(
        Resource.WEDDINGS.read(),
        Resource.ALERTS.read(),
        Resource.INCIDENTS.read(),
        Resource.TENANT_SETTINGS.read(),
    ),
    raises=(WeddingNotFound,),
    roles=READERS | {Role.VENDOR},
)
def handler(
    wedding_id: str,
    caller: FromCaller,
    services: Injected,
    at: Annotated[Instant | None, Query()] = None,
) -> MonitoringReply:
    """Answer the cadence at ``at`` (default: now, with what forces it)."""
    wedding = wedding_for(caller, wedding_id, services.weddings)
    when = at or services.now()
    forced = forced_by(services, caller.tenant, wedding) if at is None else None
    plan = monitoring(wedding, when, stage=services.settings.stage, forced=forced)
    window = operational_window(wedding)
    return MonitoringReply(
        wedding_id=wedding.wedding_id,
        status=status(wedding, when),
        phase=plan.phase,
        interval_seconds=plan.interval_seconds,
        next_run_at=plan.next_run_at,
        reason=plan.reason,
        window_start=window.start,
        window_end=window.end,
        at=when,
        local=local(wedding, when),
        time_zone=wedding.venue.time_zone,
    )
