"""Points over HTTP: put on the stream, under the platform's own signature."""

from wedsync.api.ingest import IngestReply
from wedsync.errors import Forbidden
from wedsync.flows.accept import accept
from wedsync.resources import Resource
from wedsync.runtime.http import FromCaller, Injected, RawBody, endpoint
from wedsync.tenancy import Role


@endpoint(
    "POST /api/metrics/ingest",
    summary="Send metric points",
    uses=(
        Resource.METRICS_STREAM.send(),
        Resource.SIGNING.read(),
        Resource.HOT_WINDOWS.read(),
        Resource.WEDDINGS.read(),
        Resource.TENANT_SETTINGS.read(),
        Resource.LIMITS.read_write(),
        Resource.REJECTIONS.write(),
        Resource.QUARANTINE.write(),
    ),
    raises=(Forbidden,),
    roles=(Role.ADMIN, Role.OPERATOR, Role.VENDOR, Role.DEVICE),
    status=202,
    layers=("numeric",),
    takes_raw_body=True,
)
def handler(body: RawBody, caller: FromCaller, services: Injected) -> IngestReply:
    """Answer once the stream holds the points; every one that it does not hold is named."""
    return IngestReply.of(accept(services, caller, body))
