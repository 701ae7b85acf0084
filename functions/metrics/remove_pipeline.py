"""An operator ends what is derived from what is ingested."""

from wedsync.api.versions import IfMatch, names_version, require_version
from wedsync.errors import PipelineNotFound, PreconditionFailed
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/metrics/pipelines/{pipeline_id}",
    summary="Remove a pipeline",
    uses=(Resource.TENANT_SETTINGS.read_write(),),
    raises=(PipelineNotFound, PreconditionFailed),
    status=204,
)
def handler(
    pipeline_id: str,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; what it derived stays."""
    former = services.pipelines.get(caller.tenant, pipeline_id)
    require_version(if_match, former.version)
    expected = former.version if names_version(if_match) else None
    services.pipelines.remove(caller.tenant, pipeline_id, expected=expected)
    return Answer(None)
