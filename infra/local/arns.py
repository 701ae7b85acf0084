"""Names as AWS would write them, for events that carry them; no account stands behind them."""

from wedsync.resources import Resource, ResourceKind
from wedsync.settings import Settings

ACCOUNT = "000000000000"
_SERVICES = {
    ResourceKind.TABLE: "dynamodb",
    ResourceKind.STREAM: "kinesis",
    ResourceKind.TOPIC: "sns",
    ResourceKind.QUEUE: "sqs",
}


def arn_of(resource: Resource, settings: Settings) -> str:
    """The ARN of a stream, topic or queue."""
    service = _SERVICES[resource.kind]
    name = f"stream/{settings.stream_name}" if service == "kinesis" else f"wedsync-{resource.slug}"
    return f"arn:aws:{service}:{settings.region}:{ACCOUNT}:{name}"


def function_arn(name: str, settings: Settings) -> str:
    """The ARN of a function."""
    return f"arn:aws:lambda:{settings.region}:{ACCOUNT}:function:{name}"
