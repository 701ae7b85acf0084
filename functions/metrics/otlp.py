"""Metrics that an OpenTelemetry SDK or collector exports, put on the stream as points."""

from wedsync.api.otlp import OtlpReply
from wedsync.errors import Forbidden
from wedsync.flows.accept import accept_export
from wedsync.metrics.otlp_wire import is_protobuf
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, RawBody, endpoint
from wedsync.tenancy import Role


@endpoint(
    "POST /v1/metrics",
    summary="Export metrics by OTLP",
    uses=(
        Resource.METRICS_STREAM.send(),
        Resource.SIGNING.read(),
        Resource.HOT_WINDOWS.read(),
        Resource.RUNNING_TOTALS.read_write(),
        Resource.WEDDINGS.read(),
        Resource.TENANT_SETTINGS.read(),
        Resource.LIMITS.read_write(),
        Resource.REJECTIONS.write(),
        Resource.QUARANTINE.write(),
    ),
    raises=(Forbidden,),
    roles=(Role.ADMIN, Role.OPERATOR, Role.VENDOR, Role.DEVICE),
    layers=("numeric",),
    takes_raw_body=True,
)
def handler(body: RawBody, caller: FromCaller, services: Injected) -> Answer[OtlpReply]:
    """Answer in the form of the export once the stream holds what it amounts to."""
    reply = OtlpReply.of(accept_export(services, caller, body))
    if is_protobuf(body):
        headers = {"content-type": "application/x-protobuf"}
        return Answer(reply, headers, encoded=reply.protobuf())
    return Answer(reply)
