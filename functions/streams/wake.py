"""Something falls due: a ladder's tier, a runbook's step, or the runs of some weddings."""

from wedsync.flows.emergency_mode import look_at_emergency
from wedsync.flows.grants import EVALUATING, RUNNING
from wedsync.flows.incidents import deliver
from wedsync.flows.removal import end_removal
from wedsync.flows.runbook_runs import go_on
from wedsync.flows.runbooks import begin_matching
from wedsync.flows.streams import look_at_streams
from wedsync.flows.wake import (
    EmergencyWake,
    LadderWake,
    RemovalWake,
    RunbookWake,
    StreamsWake,
    read_wake,
)
from wedsync.flows.watch import watch
from wedsync.resources import Resource
from wedsync.runtime.events import queue_consumer
from wedsync.runtime.log import log_figures
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant


@queue_consumer(
    Resource.WAKE,
    summary="Page the tiers that are due, judge the weddings that are, go on with runbooks",
    uses=(Resource.WEDDINGS.write(), Resource.WINDOWS.write(), *EVALUATING, *RUNNING),
    layers=("numeric",),
)
def handler(body: str, services: Services) -> None:
    """Look again at state and time: never early, never after an acknowledgement."""
    wake = read_wake(body)
    if isinstance(wake, LadderWake):
        tenant = Tenant(wake.tenant_id)
        deliver(services, tenant, wake.incident_id)
        for execution_id in begin_matching(services, tenant, wake.incident_id):
            go_on(services, tenant, execution_id)
    elif isinstance(wake, RunbookWake):
        go_on(services, Tenant(wake.tenant_id), wake.execution_id)
    elif isinstance(wake, RemovalWake):
        end_removal(services, Tenant(wake.tenant_id), wake.wedding_id)
    elif isinstance(wake, EmergencyWake):
        look_at_emergency(services, Tenant(wake.tenant_id))
    elif isinstance(wake, StreamsWake):
        look_at_streams(services)
    else:
        watched = watch(services, wake.due)
        if watched.runs:
            log_figures(
                "weddings were run",
                at=services.now(),
                figures={"WeddingRuns": watched.runs, "WeddingsJudged": watched.judged},
            )
