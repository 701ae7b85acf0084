"""Buckets on S3 and secrets in Secrets Manager."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from wedsync.aws.faults import Caller, code_of
from wedsync.cloud import Clock
from wedsync.cloud.limits import check_object_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_LIFE = timedelta(minutes=5)


class S3Bucket:
    """A ``wedsync.cloud.Bucket`` on S3."""

    def __init__(self, client: "S3Client", *, name: str, caller: Caller) -> None:
        self._client = client
        self._name = name
        self._call = caller

    def put(self, name: str, data: bytes) -> None:
        """Store or replace an object."""
        check_object_name(name)
        self._call(
            lambda: self._client.put_object(Bucket=self._name, Key=name, Body=data),
            repeatable=True,
        )

    def get(self, name: str) -> bytes | None:
        """The object, or None: which S3 says only to those who may list the bucket."""
        check_object_name(name)
        try:
            return self._call(lambda: self._read(name), repeatable=True)
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise

    def _read(self, name: str) -> bytes:
        return self._client.get_object(Bucket=self._name, Key=name)["Body"].read()


class ManagedSecret:
    """A ``wedsync.cloud.Secret`` in Secrets Manager, remembered for five minutes."""

    def __init__(
        self, client: "SecretsManagerClient", *, name: str, clock: Clock, caller: Caller
    ) -> None:
        self._client = client
        self._name = name
        self._clock = clock
        self._call = caller
        self._known: tuple[bytes, datetime] | None = None

    def value(self) -> bytes:
        """The value; a rotated one is seen when the remembered one has aged."""
        now = self._clock.now()
        if self._known is not None and now < self._known[1]:
            return self._known[0]
        answer = self._call(
            lambda: self._client.get_secret_value(SecretId=self._name), repeatable=True
        )
        found = answer.get("SecretBinary") or answer["SecretString"].encode()
        self._known = (found, now + SECRET_LIFE)
        return found
