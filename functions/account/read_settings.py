"""Somebody looks a tenant's settings up."""

from wedsync.api.settings import SettingsReply
from wedsync.api.versions import etag
from wedsync.flows.tenant_settings import usual_settings
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/settings",
    summary="Read the tenant's settings",
    uses=(Resource.TENANT_SETTINGS.read(),),
)
def handler(caller: FromCaller, services: Injected) -> Answer[SettingsReply]:
    """Answer what is settled, as stored; the usual where nothing is."""
    settings = services.tenant_settings.find(caller.tenant) or usual_settings(services)
    reply = SettingsReply.of(settings, at=services.now())
    return Answer(reply, {"etag": etag(settings.version)})
