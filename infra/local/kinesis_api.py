"""The part of Kinesis' JSON API that producers use, so that an ordinary client can put records.

An answer leaves only after the records are committed. SigV4 signatures are not verified.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from infra.local.arns import ACCOUNT, arn_of
from infra.local.engine import LocalCloud
from infra.local.http_events import Reply, Request
from infra.local.store.streams import HASHES, LocalStream, Shard
from wedsync.cloud import Record
from wedsync.cloud.limits import (
    STREAM_CALL_BYTES,
    STREAM_KEY_CHARACTERS,
    STREAM_RECORD_BYTES,
    STREAM_RECORDS,
)
from wedsync.errors import Throttled, Unavailable
from wedsync.resources import Resource
from wedsync.settings import Settings

Document: TypeAlias = Mapping[str, object]

_TARGET = "Kinesis_20131202."
_JSON = "application/x-amz-json-1.1"


class KinesisError(Exception):
    """What the API refuses, by the name that it gives it."""

    def __init__(self, kind: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status


class KinesisApi:
    """Kinesis for the bundle's one stream."""

    def __init__(
        self, cloud: LocalCloud, settings: Settings, *, after_put: Callable[[], None]
    ) -> None:
        """``after_put`` is called when records lie on a stream for its consumers."""
        self._cloud = cloud
        self._after_put = after_put
        self._settings = settings
        self._streams = {settings.stream_name: Resource.METRICS_STREAM}
        self._made_at = cloud.clock.now().timestamp()
        self._actions = {
            "PutRecord": self._put_record,
            "PutRecords": self._put_records,
            "DescribeStream": self._describe_stream,
            "DescribeStreamSummary": self._describe_stream_summary,
            "ListShards": self._list_shards,
            "ListStreams": self._list_streams,
            "SplitShard": self._split_shard,
            "MergeShards": self._merge_shards,
        }

    @staticmethod
    def speaks(request: Request) -> bool:
        """Whether this request is for Kinesis and not for the gateway."""
        target = request.header("x-amz-target") or ""
        return request.method == "POST" and request.target == b"/" and target.startswith("Kinesis")

    def answer(self, request: Request, *, request_id: str) -> Reply:
        """Carry out one call."""
        try:
            status, document = 200, self._answer(request)
        except KinesisError as error:
            status, document = error.status, {"__type": error.kind, "message": error.message}
        except Throttled:
            kind = "ProvisionedThroughputExceededException"
            status, document = 400, {"__type": kind, "message": "Rate exceeded."}
        except Unavailable:
            status, document = 500, {"__type": "InternalFailureException", "message": "Try again."}
        body = json.dumps(document).encode() if document else b""
        headers = (
            ("content-type", _JSON),
            ("content-length", str(len(body))),
            ("x-amzn-requestid", request_id),
        )
        return Reply(status=status, headers=headers, body=body)

    def _answer(self, request: Request) -> Document:
        name = (request.header("x-amz-target") or "").removeprefix(_TARGET)
        action = self._actions.get(name)
        if action is None:
            raise KinesisError("UnknownOperationException", f"{name} is not served here.")
        if "cbor" in (request.header("content-type") or ""):
            raise KinesisError("SerializationException", "Speak JSON here: AWS_CBOR_DISABLE=true.")
        try:
            asked = json.loads(request.body or b"{}")
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            raise KinesisError("SerializationException", "The body is not a JSON object.")
        return action(asked)

    def _put_record(self, asked: Document) -> Document:
        stream = self._stream(asked)
        placed = stream.place(
            [_record(asked, "")], hashes=[_explicit_hash(asked.get("ExplicitHashKey"))]
        )
        self._after_put()
        return {
            "ShardId": placed[0].shard_id,
            "SequenceNumber": placed[0].sequence,
            "EncryptionType": "NONE",
        }

    def _put_records(self, asked: Document) -> Document:
        stream = self._stream(asked)
        entries = asked.get("Records")
        if not isinstance(entries, list) or not 1 <= len(entries) <= STREAM_RECORDS:
            raise _invalid(f"'records' must have 1 to {STREAM_RECORDS} members")
        if not all(isinstance(entry, dict) for entry in entries):
            raise KinesisError("SerializationException", "A record is not a JSON object.")
        records = [_record(entry, f"records.{n}.") for n, entry in enumerate(entries, start=1)]
        if sum(_size(record) for record in records) > STREAM_CALL_BYTES:
            raise KinesisError(
                "InvalidArgumentException", f"Records size exceeds {STREAM_CALL_BYTES} bytes."
            )
        hashes = [_explicit_hash(entry.get("ExplicitHashKey")) for entry in entries]
        placed = stream.place(records, hashes=hashes)
        self._after_put()
        return {
            "FailedRecordCount": 0,
            "Records": [
                {"SequenceNumber": one.sequence, "ShardId": one.shard_id} for one in placed
            ],
            "EncryptionType": "NONE",
        }

    def _describe_stream(self, asked: Document) -> Document:
        shards = self._stream(asked).shards()
        described = {**self._described(), "Shards": [_shard(shard) for shard in shards]}
        return {"StreamDescription": {**described, "HasMoreShards": False}}

    def _describe_stream_summary(self, asked: Document) -> Document:
        open_shards = sum(shard.is_open for shard in self._stream(asked).shards())
        summary = {**self._described(), "OpenShardCount": open_shards, "ConsumerCount": 0}
        return {"StreamDescriptionSummary": summary}

    def _list_shards(self, asked: Document) -> Document:
        return {"Shards": [_shard(shard) for shard in self._stream(asked).shards()]}

    def _list_streams(self, _: Document) -> Document:
        members = ("StreamName", "StreamARN", "StreamStatus", "StreamModeDetails")
        described = self._described()
        return {
            "StreamNames": list(self._streams),
            "HasMoreStreams": False,
            "StreamSummaries": [{name: described[name] for name in members}],
        }

    def _split_shard(self, asked: Document) -> Document:
        stream, shard_id = self._stream(asked), _shard_id(asked, "ShardToSplit")
        at_hash = _explicit_hash(asked.get("NewStartingHashKey"))
        if at_hash is None:
            raise _invalid("'newStartingHashKey' must not be null")
        try:
            stream.split(shard_id, at_hash=at_hash)
        except ValueError as error:
            raise KinesisError("InvalidArgumentException", str(error)) from error
        self._after_put()
        return {}

    def _merge_shards(self, asked: Document) -> Document:
        stream = self._stream(asked)
        pair = (_shard_id(asked, "ShardToMerge"), _shard_id(asked, "AdjacentShardToMerge"))
        try:
            stream.merge(*pair)
        except ValueError as error:
            raise KinesisError("InvalidArgumentException", str(error)) from error
        self._after_put()
        return {}

    def _described(self) -> dict[str, object]:
        return {
            "StreamName": self._settings.stream_name,
            "StreamARN": arn_of(Resource.METRICS_STREAM, self._settings),
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": self._made_at,
            "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
            "EncryptionType": "NONE",
        }

    def _stream(self, asked: Document) -> LocalStream:
        name = asked.get("StreamName") or str(asked.get("StreamARN") or "").rpartition("/")[2]
        if not isinstance(name, str) or not name:
            raise KinesisError("InvalidArgumentException", "StreamName or StreamARN is needed.")
        resource = self._streams.get(name)
        if resource is None:
            raise KinesisError(
                "ResourceNotFoundException", f"Stream {name} under account {ACCOUNT} not found."
            )
        return self._cloud.stream(resource)


def _record(entry: Document, where: str) -> Record:
    key = entry.get("PartitionKey")
    if not isinstance(key, str) or not 1 <= len(key) <= STREAM_KEY_CHARACTERS:
        raise _invalid(f"'{where}partitionKey' must have 1 to {STREAM_KEY_CHARACTERS} characters")
    data = entry.get("Data")
    if not isinstance(data, str):
        raise _invalid(f"'{where}data' must not be null")
    try:
        record = Record(key, base64.b64decode(data, validate=True))
        size = _size(record)
    except (binascii.Error, ValueError) as error:
        raise KinesisError("SerializationException", f"{where}data: {error}") from error
    if size > STREAM_RECORD_BYTES:
        raise _invalid(f"'{where}data' must have at most {STREAM_RECORD_BYTES} bytes")
    return record


def _size(record: Record) -> int:
    return len(record.data) + len(record.partition_key.encode())


def _explicit_hash(text: object) -> int | None:
    if text is None:
        return None
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 39):
        raise _invalid("'explicitHashKey' must be a number of 128 bits")
    if (hashed := int(text)) >= HASHES:
        raise KinesisError("InvalidArgumentException", "ExplicitHashKey is out of range.")
    return hashed


def _shard(shard: Shard) -> dict[str, object]:
    sequences = {"StartingSequenceNumber": shard.starting_sequence}
    if shard.ending_sequence is not None:
        sequences["EndingSequenceNumber"] = shard.ending_sequence
    parents = dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))
    return {
        "ShardId": shard.shard_id,
        **parents,
        "HashKeyRange": {
            "StartingHashKey": str(shard.first_hash),
            "EndingHashKey": str(shard.last_hash),
        },
        "SequenceNumberRange": sequences,
    }


def _shard_id(asked: Document, name: str) -> str:
    shard_id = asked.get(name)
    if not isinstance(shard_id, str):
        raise _invalid(f"'{name[0].lower()}{name[1:]}' must not be null")
    return shard_id


def _invalid(what: str) -> KinesisError:
    return KinesisError("ValidationException", f"1 validation error detected: Value at {what}")
