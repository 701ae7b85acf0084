"""Streams to their consumers, with the rules of a Kinesis event source mapping.

A shard is read in order, a batch at a time. A batch that fails as a whole is split in two, which
costs no retry; one record that keeps failing is tried again until its retries or its age run
out, then its batch goes to the failure destination and the shard moves on. A partial failure
checkpoints below the lowest failed record, and everything from there runs again. A shard that took
its hashes from others is begun when these have been read to their ends. The batching window is not
waited for: it is the longest that a record may wait, and here none has to.
"""

import base64
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from infra.local.arns import arn_of, function_arn
from infra.local.engine import LocalCloud
from infra.local.invocations import Event, Invoker, Outcome, described, reported_failures
from infra.local.store.streams import Shard, StreamRecord
from wedsync.runtime.declarations import Function, StreamTrigger
from wedsync.settings import Settings

_EVENT_BYTES = 6 * 1024 * 1024
_ENVELOPE_BYTES = 582
_READ_AT_ONCE = 64
_LONGEST_PAUSE_SECONDS = 30


class EventSources:
    """Every consumer of every stream, shard by shard."""

    def __init__(self, cloud: LocalCloud, functions: Sequence[Function], invoker: Invoker) -> None:
        self._cloud = cloud
        self._invoker = invoker
        self._consumers = [
            Consumer(cloud, function, invoker)
            for function in functions
            if isinstance(function.declaration.trigger, StreamTrigger)
        ]

    @property
    def mappings(self) -> tuple["ShardMapping", ...]:
        """Every consumer's way through every shard that there is now."""
        return tuple(mapping for each in self._consumers for mapping in each.mappings())

    def run_due(self) -> Counter[str]:
        """Hand out a batch of each shard that has one due; nothing run means nothing is due."""
        return Counter(mapping.name for mapping in self.mappings if mapping.step())

    def next_due(self) -> datetime | None:
        """When the next batch or retry is due, None while every shard is drained."""
        return min(filter(None, (mapping.next_due() for mapping in self.mappings)), default=None)


class Consumer:
    """A consumer of a stream, whose shards may be split, merged and made anew meanwhile."""

    def __init__(self, cloud: LocalCloud, function: Function, invoker: Invoker) -> None:
        self._cloud = cloud
        self._function = function
        self._invoker = invoker
        self._stream = cloud.stream(cast("StreamTrigger", function.declaration.trigger).stream)
        self._shards: tuple[Shard, ...] = ()
        self._mappings: tuple[ShardMapping, ...] = ()

    def mappings(self) -> tuple["ShardMapping", ...]:
        """One for each shard, parents first."""
        shards = self._stream.shards()
        if shards is not self._shards:
            self._follow(shards)
        return self._mappings

    def _follow(self, shards: tuple[Shard, ...]) -> None:
        """Keep what is known of shards that are still the same ones."""
        known = {
            (mapping.shard_id, mapping.starting_sequence): mapping for mapping in self._mappings
        }
        found: dict[str, ShardMapping] = {}
        for shard in shards:
            mapping = known.get((shard.shard_id, shard.starting_sequence))
            if mapping is None:
                parents = tuple(found[name] for name in shard.parents if name in found)
                mapping = ShardMapping(self._cloud, self._function, shard, self._invoker, parents)
            mapping.closed = not shard.is_open
            found[shard.shard_id] = mapping
        self._mappings = tuple(found.values())
        self._shards = shards


class ShardMapping:
    """One consumer's way through one shard. Its checkpoint is durable; its retries begin anew."""

    def __init__(
        self,
        cloud: LocalCloud,
        function: Function,
        shard: Shard,
        invoker: Invoker,
        parents: Sequence["ShardMapping"] = (),
    ) -> None:
        self.name = function.declaration.name
        self.shard_id = shard.shard_id
        self.starting_sequence = shard.starting_sequence
        self.closed = False
        self._parents = tuple(parents)
        self._trigger = cast("StreamTrigger", function.declaration.trigger)
        self._function = function
        self._invoker = invoker
        self._clock = cloud.clock
        self._stream = cloud.stream(self._trigger.stream)
        self._failures = cloud.bucket(self._trigger.failures_to)
        self._arn = arn_of(self._trigger.stream, invoker.settings)
        self._done = self._stream.checkpoint(self.name, self.shard_id)
        # Last sequence numbers of the batches to try next, the innermost of a split on top.
        self._ends: list[str] = []
        self._attempts = 0
        self._retry_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether a parent has not been read to its end."""
        if all(parent.drained for parent in self._parents):
            self._parents = ()
        return bool(self._parents)

    @property
    def drained(self) -> bool:
        """Whether the shard is closed and all of it, and of its parents, has been dealt with."""
        return self.closed and not self.waits and not self._waiting()

    def step(self) -> bool:
        """Deal with one batch; False where nothing is due."""
        if self.waits or (self._retry_at is not None and self._retry_at > self._clock.now()):
            return False
        batch = self._next_batch()
        if not batch:
            return False
        if stale := self._stale(batch):
            self._give_up(stale, "RecordAgeExceeded", "older than the mapping's maximum age")
            return True
        outcome = self._invoker.invoke(
            self._function, kinesis_event(batch, self._arn, self._invoker.settings)
        )
        self._judge(batch, outcome)
        return True

    def next_due(self) -> datetime | None:
        """When there is something to try; may be now."""
        if self.waits:
            return None
        if self._retry_at is not None:
            return self._retry_at
        return self._clock.now() if self._waiting() else None

    def _waiting(self) -> bool:
        return bool(self._stream.records(self.shard_id, after=self._done, limit=1))

    def _judge(self, batch: Sequence[StreamRecord], outcome: Outcome) -> None:
        failed_from = lowest_failure([record.sequence for record in batch], outcome)
        if failed_from is None:
            self._finish(batch[-1].sequence)
        elif failed_from == WHOLE and len(batch) > 1:
            self._split(batch)
        elif max(failed_from, 0) == 0 and self._attempts >= self._trigger.retries:
            self._give_up(batch, "RetryAttemptsExhausted", described(outcome))
        else:
            self._retry(batch, max(failed_from, 0))

    def _split(self, batch: Sequence[StreamRecord]) -> None:
        self._hold(batch[-1].sequence)
        self._hold(batch[(len(batch) - 1) // 2].sequence)
        self._attempts = 0
        self._retry_at = None

    def _retry(self, batch: Sequence[StreamRecord], failed_from: int) -> None:
        self._hold(batch[-1].sequence)
        if failed_from:
            self._checkpoint(batch[failed_from - 1].sequence)
            self._attempts = 0
        pause_seconds = min(2**self._attempts, _LONGEST_PAUSE_SECONDS)
        self._attempts += 1
        self._retry_at = self._clock.now() + timedelta(seconds=pause_seconds)

    def _give_up(self, batch: Sequence[StreamRecord], condition: str, reason: str) -> None:
        abandoned = Abandoned(
            function=self._function,
            shard_id=self.shard_id,
            condition=condition,
            reason=reason,
            invocations=self._attempts + 1 if condition == "RetryAttemptsExhausted" else 0,
            at=self._clock.now(),
        )
        name, data = abandoned.document(batch, self._arn, self._invoker.settings)
        self._failures.put(name, data)
        self._finish(batch[-1].sequence)

    def _hold(self, end: str) -> None:
        if not self._ends or self._ends[-1] != end:
            self._ends.append(end)

    def _finish(self, sequence: str) -> None:
        self._checkpoint(sequence)
        while self._ends and self._ends[-1] <= sequence:
            self._ends.pop()
        self._attempts = 0
        self._retry_at = None

    def _checkpoint(self, sequence: str) -> None:
        self._stream.set_checkpoint(self.name, self.shard_id, sequence)
        self._done = sequence

    def _next_batch(self) -> list[StreamRecord]:
        """Up to a batch of records, no more than one event holds, none past a split's end."""
        while True:
            batch = self._read(self._ends[-1] if self._ends else None)
            if batch or not self._ends:
                return batch
            # What was split has passed its retention meanwhile.
            self._ends.pop()

    def _read(self, end: str | None) -> list[StreamRecord]:
        batch: list[StreamRecord] = []
        size = 0
        after = self._done
        while len(batch) < self._trigger.batch_size:
            limit = min(_READ_AT_ONCE, self._trigger.batch_size - len(batch))
            page = self._stream.records(self.shard_id, after=after, limit=limit)
            for record in page:
                size += 4 * len(record.data) // 3 + _ENVELOPE_BYTES
                past = end is not None and record.sequence > end
                if past or (batch and size > _EVENT_BYTES):
                    return batch
                batch.append(record)
            if len(page) < limit:
                break
            after = page[-1].sequence
        return batch

    def _stale(self, batch: Sequence[StreamRecord]) -> Sequence[StreamRecord]:
        horizon = self._clock.now() - timedelta(seconds=self._trigger.max_age_seconds)
        fresh = next((i for i, record in enumerate(batch) if record.arrived_at >= horizon), None)
        return batch[:fresh]


WHOLE = -1
"""The whole batch failed, and nobody knows where."""


def lowest_failure(sequences: Sequence[str], outcome: Outcome) -> int | None:
    """The place of the first failed record; None: all went well; ``WHOLE``: the batch failed."""
    failed = reported_failures(outcome)
    if failed is None:
        return WHOLE
    if not failed:
        return None
    places = {sequence: place for place, sequence in enumerate(sequences)}
    if any(name not in places for name in failed):
        return WHOLE
    return min(places[name] for name in failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """Why a batch was given up: the invocation record that Lambda leaves in a bucket."""

    function: Function
    shard_id: str
    condition: str
    reason: str
    invocations: int
    at: datetime

    def document(
        self, batch: Sequence[StreamRecord], stream_arn: str, settings: Settings
    ) -> tuple[str, bytes]:
        """Its object's name, the same at every try, and its content."""
        name = self.function.declaration.name
        first, last = batch[0], batch[-1]
        moment = self.at.astimezone(UTC)
        body = {
            "version": "1.0",
            "timestamp": _rfc3339(self.at),
            "reason": self.reason,
            "requestContext": {
                "functionArn": function_arn(name, settings),
                "condition": self.condition,
                "approximateInvokeCount": self.invocations,
            },
            "KinesisBatchInfo": {
                "shardId": self.shard_id,
                "startSequenceNumber": first.sequence,
                "endSequenceNumber": last.sequence,
                "approximateArrivalOfFirstRecord": _rfc3339(first.arrived_at),
                "approximateArrivalOfLastRecord": _rfc3339(last.arrived_at),
                "batchSize": len(batch),
                "streamArn": stream_arn,
            },
            "payload": json.dumps(kinesis_event(batch, stream_arn, settings)),
        }
        key = (
            f"aws/lambda/{name}/{self.shard_id}/{moment:%Y/%m/%d}/"
            f"{moment:%Y-%m-%dT%H.%M.%S}-{first.sequence}"
        )
        return key, json.dumps(body).encode()


def kinesis_event(batch: Sequence[StreamRecord], stream_arn: str, settings: Settings) -> Event:
    """A batch as Lambda hands it out."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": record.sequence,
                    "data": base64.b64encode(record.data).decode(),
                    "approximateArrivalTimestamp": record.arrived_at.timestamp(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{record.shard_id}:{record.sequence}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/wedsync",
                "awsRegion": settings.region,
                "eventSourceARN": stream_arn,
            }
            for record in batch
        ]
    }


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
