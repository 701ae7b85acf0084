"""Somebody looks through what is derived."""

from wedsync.api.pipelines import PipelineListReply, PipelineReply
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/pipelines",
    summary="List pipelines",
    uses=(Resource.TENANT_SETTINGS.read(),),
)
def handler(caller: FromCaller, services: Injected) -> PipelineListReply:
    """Answer all of the tenant's, by id."""
    found = services.pipelines.of(caller.tenant).pipelines
    return PipelineListReply(items=[PipelineReply.of(each) for each in found])
