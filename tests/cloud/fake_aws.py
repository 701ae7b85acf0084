"""The bundle's resources made in moto, as the deployed ones are: keys, sparse indexes, names."""

import json
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final
from zipfile import ZipFile

from boto3.session import Session

from wedsync.resources import Resource, ResourceKind
from wedsync.runbooks.model import TARGETS, Dimension

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import GlobalSecondaryIndexTypeDef
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_timestream_write import TimestreamWriteClient

REGION: Final = "eu-west-1"
PREFIX: Final = "test"
READINGS_NAME = "test/api-1/routes"
"""The prefix of all names, the API's id, and that figures are there by route."""
SIGNING_SECRET = "planted"  # noqa: S105 - a fake one

_session = cache(Session)


@cache
def dynamodb() -> "DynamoDBClient":
    """Make a client as boto3 makes it, to look past the seam; use it inside mock_aws only."""
    return _session().client("dynamodb", REGION)


@cache
def kinesis() -> "KinesisClient":
    """Make a client for looking past the seam."""
    return _session().client("kinesis", REGION)


@cache
def sns() -> "SNSClient":
    """Make a client for looking past the seam."""
    return _session().client("sns", REGION)


@cache
def sqs() -> "SQSClient":
    """Make a client for looking past the seam."""
    return _session().client("sqs", REGION)


@cache
def s3() -> "S3Client":
    """Make a client for looking past the seam."""
    return _session().client("s3", REGION)


@cache
def timestream() -> "TimestreamWriteClient":
    """Make a client for looking past the seam."""
    return _session().client("timestream-write", REGION)


@cache
def cloudwatch() -> "CloudWatchClient":
    """Make a client for putting what AWS itself would measure."""
    return _session().client("cloudwatch", REGION)


@cache
def secretsmanager() -> "SecretsManagerClient":
    """Make a client for looking past the seam."""
    return _session().client("secretsmanager", REGION)


@cache
def functions() -> "LambdaClient":
    """Make a client for looking past the seam."""
    return _session().client("lambda", REGION)


def create_table(resource: Resource) -> str:
    """Make a table with its indexes, and answer its name."""
    indexes: list[GlobalSecondaryIndexTypeDef] = [
        {
            "IndexName": index.name,
            "KeySchema": [
                {"AttributeName": index.partition, "KeyType": "HASH"},
                {"AttributeName": index.sort, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
        for index in resource.indexes
    ]
    keys = {"pk", "sk", *(k for i in resource.indexes for k in (i.partition, i.sort))}
    name = f"{PREFIX}-{resource.slug}"
    dynamodb().create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in sorted(keys)],
        GlobalSecondaryIndexes=indexes,
    )
    return name


def create_functions() -> None:
    """Make those that can be given room; moto runs none of them."""
    archive = BytesIO()
    with ZipFile(archive, "w") as code:
        code.writestr("handler.py", "")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = (
        _session()
        .client("iam", REGION)
        .create_role(RoleName="test", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    )
    for name in TARGETS[Dimension.RESERVED_CONCURRENCY]:
        functions().create_function(
            FunctionName=f"{PREFIX}-{name}",
            Runtime="python3.13",
            Role=role,
            Handler="handler.handler",
            Code={"ZipFile": archive.getvalue()},
        )


def create(resource: Resource) -> str:
    """Make one resource, and answer what AWS calls it."""
    name = f"{PREFIX}-{resource.slug}"
    match resource.kind:
        case ResourceKind.TABLE:
            return create_table(resource)
        case ResourceKind.STREAM:
            kinesis().create_stream(StreamName=name, ShardCount=2)
        case ResourceKind.TOPIC:
            return sns().create_topic(Name=name)["TopicArn"]
        case ResourceKind.QUEUE:
            return sqs().create_queue(QueueName=name)["QueueUrl"]
        case ResourceKind.BUCKET:
            s3().create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        case ResourceKind.TIME_SERIES:
            timestream().create_database(DatabaseName=name)
            timestream().create_table(DatabaseName=name, TableName="points")
            return f"{name}/points"
        case ResourceKind.READINGS:
            name = READINGS_NAME
        case ResourceKind.CAPACITY:
            create_functions()
            name = PREFIX
        case ResourceKind.SECRET:
            secretsmanager().create_secret(Name=name, SecretString=SIGNING_SECRET)
    return name
