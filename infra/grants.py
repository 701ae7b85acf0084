"""What a declared grant means to IAM: the only place that knows actions.

A grant of a function turns into exact actions on exact resources. Reading a table reaches its
indexes too; writing one needs no right to read, also where a refused condition shows the stored
item, because IAM judges that by the write's own action. Every resource is encrypted with the
bundle's own key, so each grant brings the few key actions that its service calls in the
caller's name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from wedsync.resources import Access, Grant, Resource, ResourceKind
from wedsync.settings import History


class Part(StrEnum):
    """Which ARNs of a resource an action concerns."""

    SELF = "self"
    INDEXES = "indexes"
    OBJECTS = "objects"
    FUNCTIONS = "functions"
    STREAMS = "streams"
    """Those that can be given more room."""
    EVERYTHING = "everything"
    """What belongs to no resource: IAM knows the action on ``*`` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Actions on one part of a resource."""

    actions: tuple[str, ...]
    part: Part = Part.SELF


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What one kind of access to one kind of resource needs.

    ``key_actions`` are on the bundle's key, and only through the resource's own service.
    """

    permissions: tuple[Permission, ...]
    key_actions: tuple[str, ...]


_DECRYPT = ("kms:Decrypt",)
_ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
_FINDING_TIMESTREAM = Permission(actions=("timestream:DescribeEndpoints",), part=Part.EVERYTHING)
_SEND = {
    ResourceKind.STREAM: Meaning(
        permissions=(Permission(actions=("kinesis:PutRecords",)),),
        key_actions=("kms:GenerateDataKey",),
    ),
    ResourceKind.TOPIC: Meaning(
        permissions=(Permission(actions=("sns:Publish",)),), key_actions=_ENCRYPT
    ),
    ResourceKind.QUEUE: Meaning(
        permissions=(Permission(actions=("sqs:SendMessage",)),), key_actions=_ENCRYPT
    ),
}
_READ = {
    ResourceKind.TABLE: Meaning(
        permissions=(
            Permission(actions=("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")),
            Permission(actions=("dynamodb:Query",), part=Part.INDEXES),
        ),
        key_actions=("kms:Decrypt", "kms:DescribeKey"),
    ),
    ResourceKind.BUCKET: Meaning(
        permissions=(
            # Without the right to list, a missing object answers 403 instead of 404.
            Permission(actions=("s3:ListBucket",)),
            Permission(actions=("s3:GetObject",), part=Part.OBJECTS),
        ),
        key_actions=_DECRYPT,
    ),
    ResourceKind.SECRET: Meaning(
        permissions=(Permission(actions=("secretsmanager:GetSecretValue",)),),
        key_actions=_DECRYPT,
    ),
    ResourceKind.TIME_SERIES: Meaning(
        permissions=(Permission(actions=("timestream:Select",)), _FINDING_TIMESTREAM),
        key_actions=_DECRYPT,
    ),
    ResourceKind.READINGS: Meaning(
        permissions=(
            Permission(
                actions=("cloudwatch:GetMetricData", "cloudwatch:ListMetrics"),
                part=Part.EVERYTHING,
            ),
        ),
        # CloudWatch keeps what it measures under keys of its own.
        key_actions=(),
    ),
    ResourceKind.CAPACITY: Meaning(
        permissions=(
            Permission(actions=("lambda:GetFunctionConcurrency",), part=Part.FUNCTIONS),
            Permission(actions=("kinesis:DescribeStreamSummary",), part=Part.STREAMS),
        ),
        # How much room there is is no data of anybody's.
        key_actions=(),
    ),
}
_WRITE = {
    ResourceKind.TABLE: Meaning(
        permissions=(
            Permission(actions=("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")),
        ),
        key_actions=("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    ),
    ResourceKind.BUCKET: Meaning(
        permissions=(Permission(actions=("s3:PutObject",), part=Part.OBJECTS),),
        key_actions=_ENCRYPT,
    ),
    ResourceKind.TIME_SERIES: Meaning(
        permissions=(Permission(actions=("timestream:WriteRecords",)), _FINDING_TIMESTREAM),
        key_actions=_ENCRYPT,
    ),
    ResourceKind.TOPIC: Meaning(
        permissions=(Permission(actions=("sns:Subscribe",)),), key_actions=_DECRYPT
    ),
    ResourceKind.CAPACITY: Meaning(
        permissions=(
            Permission(
                actions=("lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"),
                part=Part.FUNCTIONS,
            ),
            Permission(actions=("kinesis:UpdateShardCount",), part=Part.STREAMS),
        ),
        key_actions=(),
    ),
}
_MEANINGS = {Access.READ: _READ, Access.WRITE: _WRITE, Access.SEND: _SEND}

CONSUMING = {
    ResourceKind.STREAM: Meaning(
        permissions=(
            Permission(
                actions=(
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                )
            ),
        ),
        key_actions=_DECRYPT,
    ),
    ResourceKind.QUEUE: Meaning(
        permissions=(
            Permission(
                actions=("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
            ),
        ),
        key_actions=_DECRYPT,
    ),
}
"""What Lambda needs, in the function's name, to poll an event source."""

PARKING = Meaning(
    permissions=(
        Permission(actions=("s3:ListBucket",)),
        Permission(actions=("s3:PutObject",), part=Part.OBJECTS),
    ),
    key_actions=_ENCRYPT,
)
"""What Lambda needs, in the function's name, to put a failed batch into a bucket."""

SENDING_FAILURES = _SEND[ResourceKind.QUEUE]
"""What is needed to put an event that was given up on a queue."""

_SERVICES = {
    ResourceKind.TABLE: "dynamodb",
    ResourceKind.STREAM: "kinesis",
    ResourceKind.TOPIC: "sns",
    ResourceKind.QUEUE: "sqs",
    ResourceKind.BUCKET: "s3",
    ResourceKind.SECRET: "secretsmanager",
    ResourceKind.TIME_SERIES: "timestream",
    ResourceKind.READINGS: "cloudwatch",
    ResourceKind.CAPACITY: "lambda",
}


def as_deployed(grants: Iterable[Grant], history: History) -> tuple[Grant, ...]:
    """Turn the history's grants into those on what a deployment has in its place.

    Timestream is granted as it is declared. An InfluxDB asks for a token, whatever is done with
    it, and the rollups that stand in for a history are granted by themselves.
    """
    deployed: list[Grant] = []
    for grant in grants:
        if grant.resource is not Resource.HISTORY or history is History.TIMESTREAM:
            deployed.append(grant)
        elif history is History.INFLUXDB3:
            deployed.append(Resource.HISTORY_TOKEN.read())
    return tuple(deployed)


def meanings(grant: Grant) -> tuple[Meaning, ...]:
    """Tell what this grant needs. Raises ValueError for access that the resource does not know."""
    found = []
    for access in sorted(grant.access):
        meaning = _MEANINGS[access].get(grant.resource.kind)
        if meaning is None:
            kind = grant.resource.kind
            raise ValueError(f"{grant.resource.name}: no {access} on a {kind}")
        found.append(meaning)
    return tuple(found)


def service(kind: ResourceKind) -> str:
    """Name the service that uses the key in the caller's name."""
    return _SERVICES[kind]
