"""The clients of boto3: each made when it is first needed, and then kept."""

import json
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.parsers import JSONParser, ResponseParserFactory

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_timestream_query import TimestreamQueryClient
    from mypy_boto3_timestream_write import TimestreamWriteClient


class Clients:
    """The clients of one process; without a region, that of boto3's own configuration."""

    def __init__(self, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """Tables: their answers are plain JSON, with bytes still in base 64."""
        plain = botocore.session.get_session()
        plain.register_component("response_parser_factory", _PlainParsers())
        return boto3.session.Session(botocore_session=plain).client(
            "dynamodb",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=2),
        )

    @cached_property
    def kinesis(self) -> "KinesisClient":
        """Streams."""
        return self._session.client(
            "kinesis",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=5),
        )

    @cached_property
    def sns(self) -> "SNSClient":
        """Topics."""
        return self._session.client(
            "sns",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=5),
        )

    @cached_property
    def sqs(self) -> "SQSClient":
        """Queues."""
        return self._session.client(
            "sqs",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=5),
        )

    @cached_property
    def s3(self) -> "S3Client":
        """Buckets."""
        return self._session.client(
            "s3",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=10),
        )

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """Secrets."""
        return self._session.client(
            "secretsmanager",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=5),
        )

    @cached_property
    def timestream_write(self) -> "TimestreamWriteClient":
        """The history, to write to."""
        return self._session.client(
            "timestream-write",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=10),
        )

    @cached_property
    def timestream_query(self) -> "TimestreamQueryClient":
        """The history, to read from."""
        return self._session.client(
            "timestream-query",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=10),
        )

    @cached_property
    def functions(self) -> "LambdaClient":
        """Functions, to give them room."""
        return self._session.client(
            "lambda",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=5),
        )

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """What AWS measures."""
        return self._session.client(
            "cloudwatch",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=_config(read_timeout_seconds=10),
        )

    @cached_property
    def _session(self) -> boto3.session.Session:
        return boto3.session.Session()


class _PlainParsers(ResponseParserFactory):
    """Makes parsers that leave answers as JSON, for the one protocol that DynamoDB speaks."""

    def create_parser(self, protocol_name: str) -> JSONParser:
        if protocol_name != "json":
            raise ValueError(f"no plain parser for the protocol {protocol_name}")
        return _PlainParser()


class _PlainParser(JSONParser):
    """Walking an answer by its shape, to change bytes alone, costs four times its JSON."""

    def _handle_json_body(self, raw_body: bytes, shape: object) -> object:
        del shape
        return json.loads(raw_body) if raw_body else {}


def _config(*, read_timeout_seconds: int) -> Config:
    """One attempt a call (``faults.Caller`` tries again), and no check of what types checked."""
    return Config(
        connect_timeout=1,
        read_timeout=read_timeout_seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=False,
        tcp_keepalive=True,
        max_pool_connections=20,
    )
