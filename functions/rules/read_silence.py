"""Somebody looks a silence up."""

from wedsync.api.silences import SilenceReply
from wedsync.api.versions import etag
from wedsync.errors import SilenceNotFound
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/alerts/silences/{silence_id}",
    summary="Read a silence",
    uses=(Resource.RULES.read(),),
    raises=(SilenceNotFound,),
)
def handler(silence_id: str, caller: FromCaller, services: Injected) -> Answer[SilenceReply]:
    """Answer it as it stands now."""
    found = services.silences.get(caller.tenant, silence_id)
    return Answer(SilenceReply.of(found, now=services.now()), {"etag": etag(found.version)})
