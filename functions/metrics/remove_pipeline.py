"""An operator ends what is derived from what is ingested."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

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
    if_match: Annotated[str | None, Header(alias="if-match")] = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; what it derived stays."""
    former = services.pipelines.get(caller.tenant, pipeline_id)
    if if_match not in (None, "*", f'"{former.version}"'):
        raise PreconditionFailed
    expected = None if if_match in (None, "*") else former.version
    services.pipelines.remove(caller.tenant, pipeline_id, expected=expected)
    return Answer(None)
