"""Somebody looks whether the tenant is in emergency mode, and why."""

from wedsync.api.emergency import EmergencyReply
from wedsync.api.versions import etag
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/operations/emergency-mode",
    summary="Read whether emergency mode is on",
    uses=(Resource.TENANT_SETTINGS.read(),),
)
def handler(caller: FromCaller, services: Injected) -> Answer[EmergencyReply]:
    """Answer how it was switched on last, and whether it lasts."""
    last = services.emergency.last(caller.tenant)
    reply = EmergencyReply.of(last, now=services.now())
    return Answer(reply, {"etag": etag(reply.version)})
