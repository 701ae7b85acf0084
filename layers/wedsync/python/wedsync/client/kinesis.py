"""Batches straight to the stream, each a record under the device's signature."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from wedsync.client.outlet import Accepted, Again, Batch, Encoder, Outcome, compressed_lines
from wedsync.metrics.signature import sign

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

_MOST_BATCHES = 20
"""Of 200 KB at most: within the 5 MiB of a call, however badly they compress."""


class KinesisOutlet:
    """Puts batches with ``PutRecords``; of a call that fails in part, only that part comes again.

    Without a key the records are unsigned. The platform then knows points by their event ids
    alone, so each is given one: the batch's id and its place in it.
    """

    def __init__(
        self,
        kinesis: KinesisClient,
        stream: str,
        *,
        key_id: str | None = None,
        secret: str = "",
        encode: Encoder = compressed_lines,
        clock: Callable[[], float] = time.time,  # noqa: TID251 - a device has its own clock
    ) -> None:
        """``key_id`` and ``secret`` are those of a device's key."""
        self._kinesis = kinesis
        self._stream = stream
        self._key_id = key_id
        self._secret = secret.encode()
        self._encode = encode
        self._clock = clock

    @property
    def most_batches(self) -> int:
        """As many as fit a call."""
        return _MOST_BATCHES

    def put(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Put all batches in one call."""
        try:
            answer = self._kinesis.put_records(
                StreamName=self._stream, Records=[self._record(batch) for batch in batches]
            )
        except (BotoCoreError, ClientError) as error:
            # Whatever it is, even a missing right: the batches wait until somebody puts it right.
            return [Again(str(error))] * len(batches)
        return [
            Again(f"{each['ErrorCode']}: {each.get('ErrorMessage', '')}")
            if each.get("ErrorCode")
            else Accepted()
            for each in answer["Records"]
        ]

    def close(self) -> None:
        """Nothing to do: the Kinesis client is its maker's."""

    def _record(self, batch: Batch) -> PutRecordsRequestEntryTypeDef:
        key = batch.first.get("weddingId") or batch.first.get("vendorId") or batch.batch_id
        if self._key_id is None:
            data = self._encode(_with_event_ids(batch))
        else:
            data = sign(
                self._encode(batch),
                secret=self._secret,
                key_id=self._key_id,
                at_unix=int(self._clock()),
                batch_id=batch.batch_id,
            )
        return {"PartitionKey": str(key)[:256], "Data": data}


def _with_event_ids(batch: Batch) -> Batch:
    points = [json.loads(line) for line in batch.lines.splitlines()]
    for place, point in enumerate(points):
        point.setdefault("eventId", f"{batch.batch_id}.{place}")
    return Batch(batch.batch_id, b"".join(json.dumps(point).encode() + b"\n" for point in points))
