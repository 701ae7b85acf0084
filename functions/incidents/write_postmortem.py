"""People write down what they have found out about an incident."""

from wedsync.api.postmortems import FindingsRequest, PostmortemReply
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import IncidentNotFound, PreconditionFailed, TooLarge
from wedsync.flows.postmortem import postmortem
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PUT /api/monitoring/incidents/{incident_id}/postmortem",
    summary="Write what was found out about an incident",
    uses=(
        Resource.INCIDENTS.read_write(),
        Resource.RUNBOOKS.read(),
        Resource.WEDDINGS.read(),
        Resource.WINDOWS.read(),
    ),
    raises=(IncidentNotFound, PreconditionFailed, TooLarge),
    layers=("numeric",),
)
def handler(
    incident_id: str,
    request: FindingsRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[PostmortemReply]:
    """Replace the version that If-Match names, or the present one, also of a closed incident."""
    tenant = caller.tenant
    services.incidents.get(tenant, incident_id)
    former = services.postmortems.findings(tenant, incident_id)
    require_version(if_match, former.version)
    findings = request.findings(by=caller.shown, at=services.now())
    saved = services.postmortems.save(tenant, incident_id, findings, expected=former.version)
    shown = PostmortemReply.of(postmortem(services, tenant, incident_id))
    return Answer(shown, {"etag": etag(saved.version)})
