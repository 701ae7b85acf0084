"""An operator says that an alert is over."""

from wedsync.api.alerts import AlertReply
from wedsync.errors import AlertNotFound
from wedsync.flows.answering import resolve_alert
from wedsync.flows.grants import PAGING
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/metrics/alerts/{alert_id}/resolve",
    summary="Resolve an alert",
    uses=(Resource.ALERTS.read_write(), *PAGING),
    raises=(AlertNotFound,),
)
def handler(alert_id: str, caller: FromCaller, services: Injected) -> AlertReply:
    """Answer the resolved alert; a repetition answers the same."""
    return AlertReply.of(resolve_alert(services, caller.tenant, alert_id, by=caller.shown))
