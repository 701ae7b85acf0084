"""Somebody looks a pipeline up."""

from wedsync.api.pipelines import PipelineReply
from wedsync.api.versions import etag
from wedsync.errors import PipelineNotFound
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/metrics/pipelines/{pipeline_id}",
    summary="Read a pipeline",
    uses=(Resource.TENANT_SETTINGS.read(),),
    raises=(PipelineNotFound,),
)
def handler(pipeline_id: str, caller: FromCaller, services: Injected) -> Answer[PipelineReply]:
    """Answer it as it is declared, and where each of its figures is read."""
    found = services.pipelines.get(caller.tenant, pipeline_id)
    return Answer(PipelineReply.of(found), {"etag": etag(found.version)})
