"""An operator takes an alert; its escalation stops."""

from wedsync.api.alerts import AlertReply
from wedsync.errors import AlertAlreadyResolved, AlertNotFound
from wedsync.flows.answering import acknowledge_alert
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/metrics/alerts/{alert_id}/acknowledge",
    summary="Acknowledge an alert; its escalation stops",
    uses=(
        Resource.ALERTS.read_write(),
        Resource.INCIDENTS.read_write(),
        Resource.DELIVERIES.send(),
    ),
    raises=(AlertNotFound, AlertAlreadyResolved),
)
def handler(alert_id: str, caller: FromCaller, services: Injected) -> AlertReply:
    """Answer the acknowledged alert; a repetition answers the same."""
    alert = acknowledge_alert(services, caller.tenant, alert_id, by=caller.shown)
    return AlertReply.of(alert)
