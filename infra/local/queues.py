"""The queues to their consumers, as SNS, SQS and Lambda do it: at least once, in batches.

What a topic publishes is first put on the queues that it feeds; how far that has come is durable.

A message that fails comes back after a pause that grows; the fifth receive is the last, after
which the message lies in the quarantine bucket with its reason.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import md5

from infra.local.arns import arn_of
from infra.local.deliveries import envelope
from infra.local.engine import LocalCloud
from infra.local.filter_policies import FilterPolicy
from infra.local.invocations import Event, Invoker, described, reported_failures
from infra.local.store.messages import Published, Received
from wedsync.cloud import Delayed
from wedsync.resources import Resource
from wedsync.runtime.declarations import Function, QueueTrigger
from wedsync.settings import Settings

_MOST_RECEIVES = 5
_PAUSE_SECONDS = 5
_PAGE = 200


class ConsumedQueue:
    """One queue with its consumer: a source of its own, so that a slow one delays no other."""

    def __init__(
        self, cloud: LocalCloud, function: Function, trigger: QueueTrigger, invoker: Invoker
    ) -> None:
        self._cloud = cloud
        self._function = function
        self._trigger = trigger
        self._invoker = invoker
        self.queue = trigger.queue
        self._policy = None if trigger.only is None else FilterPolicy(_listed(trigger.only))
        self._fed_setting = f"fed-{trigger.queue.slug}"
        self._fed_to = self._begin_feeding() if trigger.topics else 0

    def run_due(self) -> Counter[str]:
        """Hand out a batch; nothing run means that no message is visible."""
        if self._trigger.topics:
            self._feed()
        ran = self._run_batch(self._function, self._trigger)
        return Counter([self._function.declaration.name] if ran else [])

    def next_due(self) -> datetime | None:
        """When the next message becomes visible, None while there is none."""
        if self._trigger.topics and self._cloud.outbox.published(since=self._fed_to, limit=1):
            return self._cloud.clock.now()
        return self._cloud.queue(self.queue).earliest_due()

    def _feed(self) -> None:
        """Put on the queue what its topics have published since."""
        queue = self._cloud.queue(self.queue)
        while page := self._cloud.outbox.published(since=self._fed_to, limit=_PAGE):
            for message in page:
                if self._wants(message):
                    told = envelope(message, self._invoker.settings)
                    queue.send(Delayed(json.dumps(told), 0))
            self._fed_to = page[-1].seq
            self._cloud.settings.set(self._fed_setting, str(self._fed_to))

    def _begin_feeding(self) -> int:
        """A queue that is new to its data begins with what is published from now on."""
        kept = self._cloud.settings.get(self._fed_setting)
        if kept is None:
            kept = str(self._cloud.outbox.newest())
            self._cloud.settings.set(self._fed_setting, kept)
        return int(kept)

    def _wants(self, message: Published) -> bool:
        if message.topic not in self._trigger.topics:
            return False
        return self._policy is None or self._policy.accepts(message.attributes)

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


def queues_of(
    cloud: LocalCloud, functions: Sequence[Function], invoker: Invoker
) -> tuple[ConsumedQueue, ...]:
    """Every queue that some function consumes."""
    return tuple(
        ConsumedQueue(cloud, function, function.declaration.trigger, invoker)
        for function in functions
        if isinstance(function.declaration.trigger, QueueTrigger)
    )


def _listed(only: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {name: list(values) for name, values in only.items()}


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
