"""Somebody looks an alert up: what it is, and why it is so severe."""

from wedsync.api.alerts import AlertReply
from wedsync.errors import AlertNotFound
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/alerts/{alert_id}",
    summary="Read an alert",
    uses=(Resource.ALERTS.read(),),
    raises=(AlertNotFound,),
)
def handler(alert_id: str, caller: FromCaller, services: Injected) -> AlertReply:
    """Answer one episode."""
    return AlertReply.of(services.alerts.get(caller.tenant, alert_id).value)
