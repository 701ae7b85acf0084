"""Batches straight to the stream, each a record under the device's signature."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from wedsync.client.outlet import Accepted, Again, Batch, Outcome
from wedsync.metrics.signature import sign

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

_MOST_BATCHES = 20
_CALL_BYTES = 5 * 1024 * 1024


class KinesisOutlet:
    """Puts batches with ``PutRecords``; of a call that fails in part, only that part comes again.

    Without a key the records are unsigned. The platform then knows points that come as JSON by
    their event ids alone, so each is given one: the batch's id and its place in it. Frames have
    an id of their own.
    """

    def __init__(
        self,
        kinesis: KinesisClient,
        stream: str,
        *,
        key_id: str | None = None,
        secret: str = "",
        clock: Callable[[], float] = time.time,  # noqa: TID251 - a device has its own clock
    ) -> None:
        """``key_id`` and ``secret`` are those of a device's key."""
        self._kinesis = kinesis
        self._stream = stream
        self._key_id = key_id
        self._secret = secret.encode()
        self._clock = clock

    @property
    def most_batches(self) -> int:
        """As many as fit a call, unless they compress badly."""
        return _MOST_BATCHES

    def put(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Put all batches in one call, or in several where they are too large for one."""
        calls = _calls([self._record(batch) for batch in batches])
        return [outcome for records in calls for outcome in self._put(records)]

    def _put(self, records: Sequence[PutRecordsRequestEntryTypeDef]) -> Sequence[Outcome]:
        try:
            answer = self._kinesis.put_records(StreamName=self._stream, Records=records)
        except (BotoCoreError, ClientError) as error:
            # Whatever it is, even a missing right: the batches wait until somebody puts it right.
            return [Again(str(error))] * len(records)
        return [
            Again(f"{each['ErrorCode']}: {each.get('ErrorMessage', '')}")
            if each.get("ErrorCode")
            else Accepted()
            for each in answer["Records"]
        ]

    def close(self) -> None:
        """Nothing to do: the Kinesis client is its maker's."""

    def _record(self, batch: Batch) -> tuple[str, bytes]:
        """Its partition key, and what it is sent as."""
        key = batch.first.get("weddingId") or batch.first.get("vendorId") or batch.batch_id
        if self._key_id is None:
            data = batch.frame or _with_event_ids(batch).body
        else:
            data = sign(
                batch.body,
                secret=self._secret,
                key_id=self._key_id,
                at_unix=int(self._clock()),
                batch_id=batch.batch_id,
            )
        return str(key)[:256], data


def _calls(
    records: Sequence[tuple[str, bytes]],
) -> Iterator[Sequence[PutRecordsRequestEntryTypeDef]]:
    """The records in parts that fit a call."""
    call: list[PutRecordsRequestEntryTypeDef] = []
    size = 0
    for key, data in records:
        needed = len(data) + len(key.encode())
        if call and size + needed > _CALL_BYTES:
            yield call
            call, size = [], 0
        call.append({"PartitionKey": key, "Data": data})
        size += needed
    if call:
        yield call


def _with_event_ids(batch: Batch) -> Batch:
    lines = [
        _with_event_id(line, f"{batch.batch_id}.{place}") + b"\n"
        for place, line in enumerate(batch.lines.splitlines())
    ]
    return Batch(batch.batch_id, b"".join(lines))


def _with_event_id(line: bytes, event_id: str) -> bytes:
    """The point with this id, if it has none; a line that a disk has damaged as it is."""
    try:
        point = json.loads(line)
    except ValueError:
        return line
    if not isinstance(point, dict):
        return line
    return json.dumps({"eventId": event_id, **point}).encode()
