"""An operator declares what is derived from what is ingested."""

import re

from wedsync.api.pipelines import PipelineReply, PipelineRequest
from wedsync.api.versions import IfMatch, etag, names_version, require_version
from wedsync.errors import Conflict, PipelineNotFound, PreconditionFailed
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint

_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")


@endpoint(
    "PUT /api/metrics/pipelines/{pipeline_id}",
    summary="Make or replace a pipeline",
    uses=(Resource.TENANT_SETTINGS.read_write(),),
    raises=(PipelineNotFound, PreconditionFailed, Conflict),
)
def handler(
    pipeline_id: str,
    pipeline: PipelineRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[PipelineReply]:
    """Replace the version that If-Match names, or the present one. It holds from the next batch."""
    if not _ID.match(pipeline_id):
        raise PipelineNotFound("an id has lower-case letters, digits, dashes and underscores")
    former = services.pipelines.of(caller.tenant).find(pipeline_id)
    version = 0 if former is None else former.version
    require_version(if_match, version)
    saved = services.pipelines.save(
        caller.tenant,
        pipeline.declared(pipeline_id, at=services.now()),
        expected=version if names_version(if_match) else None,
    )
    return Answer(PipelineReply.of(saved), {"etag": etag(saved.version)})
