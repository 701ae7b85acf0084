"""Somebody looks through what is silenced, and what was."""

from wedsync.api.silences import SilenceListReply, SilenceReply
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/alerts/silences",
    summary="List silences",
    uses=(Resource.RULES.read(),),
)
def handler(caller: FromCaller, services: Injected) -> SilenceListReply:
    """Answer every silence of the last month."""
    now = services.now()
    found = services.silences.every(caller.tenant)
    return SilenceListReply(items=[SilenceReply.of(each, now=now) for each in found])
