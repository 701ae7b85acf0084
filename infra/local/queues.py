"""The delay queue to its consumers, as SQS and Lambda do it: at least once, in batches.

A message that fails comes back after a pause that grows; the fifth receive is the last, after
which the message lies in the quarantine bucket with its reason.
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import md5

from infra.local.arns import arn_of
from infra.local.engine import LocalCloud
from infra.local.invocations import Event, Invoker, described, reported_failures
from infra.local.store.messages import Received
from wedsync.resources import Resource
from wedsync.runtime.declarations import Function, QueueTrigger
from wedsync.settings import Settings

_MOST_RECEIVES = 5
_PAUSE_SECONDS = 5


class Queues:
    """Every consumer of a queue."""

    def __init__(self, cloud: LocalCloud, functions: Sequence[Function], invoker: Invoker) -> None:
        self._cloud = cloud
        self._invoker = invoker
        self._consumers = [
            (function, function.declaration.trigger)
            for function in functions
            if isinstance(function.declaration.trigger, QueueTrigger)
        ]

    def run_due(self) -> Counter[str]:
        """Hand out a batch to each consumer; nothing run means that no message is visible."""
        return Counter(
            function.declaration.name
            for function, trigger in self._consumers
            if self._run_batch(function, trigger)
        )

    def next_due(self) -> datetime | None:
        """When the next message becomes visible, None while there is none."""
        due = (self._cloud.queue(trigger.queue).earliest_due() for _, trigger in self._consumers)
        return min(filter(None, due), default=None)

    def _run_batch(self, function: Function, trigger: QueueTrigger) -> bool:
        queue = self._cloud.queue(trigger.queue)
        due = queue.earliest_due()
        if due is None or due > self._cloud.clock.now():
            return False
        lease = timedelta(seconds=function.declaration.timeout_seconds)
        batch = queue.receive(limit=trigger.batch_size, lease=lease)
        if not batch:
            return False
        settings = self._invoker.settings
        outcome = self._invoker.invoke(function, sqs_event(batch, trigger.queue, settings))
        failed = reported_failures(outcome)
        known = {message.message_id for message in batch}
        every = failed is None or any(name not in known for name in failed)
        for message in batch:
            if every or (failed is not None and message.message_id in failed):
                self._failed(function, trigger.queue, message, described(outcome))
            else:
                queue.delete(message.receipt)
        return True

    def _failed(self, function: Function, queue: Resource, message: Received, reason: str) -> None:
        now = self._cloud.clock.now()
        if message.receives < _MOST_RECEIVES:
            pause = timedelta(seconds=_PAUSE_SECONDS * message.receives)
            self._cloud.queue(queue).release(message.receipt, at=now + pause)
            return
        record = {
            "reason": reason,
            "queue": queue.slug,
            "function": function.declaration.name,
            "messageId": message.message_id,
            "receives": message.receives,
            "sentAt": message.sent_at.isoformat(),
            "at": now.isoformat(),
            "body": message.body,
        }
        self._cloud.bucket(Resource.QUARANTINE).put(
            f"queues/{queue.slug}/{message.message_id}", json.dumps(record).encode()
        )
        self._cloud.queue(queue).delete(message.receipt)


def sqs_event(batch: Sequence[Received], queue: Resource, settings: Settings) -> Event:
    """A batch as Lambda hands it out."""
    return {
        "Records": [
            {
                "messageId": message.message_id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": str(message.receives),
                    "SentTimestamp": str(round(message.sent_at.timestamp() * 1000)),
                },
                "messageAttributes": {},
                "md5OfBody": md5(message.body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": arn_of(queue, settings),
                "awsRegion": settings.region,
            }
            for message in batch
        ]
    }
