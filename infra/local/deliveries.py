"""Topics to their HTTP subscribers, as SNS does it: filter policies, its envelope, its retries.

How far a subscriber has come is durable, so that a message is delivered at least once. Refusals
(4xx) are final; anything else is tried three times more, 20 s apart, then the message is kept in
the quarantine bucket with its reason. Subscribers are on this machine only.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from threading import Lock
from typing import TypeAlias
from urllib.parse import urlsplit

from infra.local.arns import arn_of
from infra.local.engine import LocalCloud
from infra.local.filter_policies import FilterPolicy
from infra.local.store.messages import Published, Subscription
from wedsync.cloud.endpoints import is_loopback_name
from wedsync.resources import Resource, ResourceKind
from wedsync.settings import Settings

_RETRIES = 3
_PAUSE = timedelta(seconds=20)
_TIMEOUT_SECONDS = 5.0
_PAGE = 200


@dataclass(slots=True, kw_only=True)
class _Again:
    seq: int
    tries: int
    at: str


@dataclass(slots=True, kw_only=True)
class _Progress:
    """Everything up to ``seq`` was dealt with, but for what is tried again."""

    seq: int
    again: list[_Again] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> "_Progress":
        document = json.loads(text)
        return cls(seq=document["seq"], again=[_Again(**again) for again in document["again"]])


@dataclass(slots=True, kw_only=True)
class _Subscriber:
    subscription: Subscription
    policy: FilterPolicy | None
    progress: _Progress

    @property
    def name(self) -> str:
        return f"delivery-{self.subscription.subscription_id}"


class Deliveries:
    """Every subscriber's way through what was published."""

    def __init__(
        self, cloud: LocalCloud, settings: Settings, *, post: "Post | None" = None
    ) -> None:
        """``post`` hands a notification to a subscriber; over HTTP unless told otherwise."""
        self._cloud = cloud
        self._settings = settings
        self._post = post or post_over_http
        self._lock = Lock()
        self._subscribers = [self._opened(one) for one in cloud.outbox.subscriptions()]

    def subscribe(self, topic: Resource, url: str, filter_policy: object | None) -> Subscription:
        """Deliver from now on. ValueError: SNS would refuse it, or it is not on this machine."""
        if topic.kind is not ResourceKind.TOPIC:
            raise ValueError(f"{topic.slug} is not a topic")
        if not is_loopback_url(url):
            raise ValueError("a subscriber has an http URL on this machine")
        if filter_policy is not None:
            FilterPolicy(filter_policy)
        written = None if filter_policy is None else json.dumps(filter_policy)
        with self._lock:
            known = {one.subscription.subscription_id: one for one in self._subscribers}
            number = self._cloud.outbox.subscribe(topic, url, filter_policy=written)
            subscription = Subscription(
                subscription_id=number, topic=topic, url=url, filter_policy=written
            )
            if number not in known:
                self._keep(f"delivery-{number}", _Progress(seq=self._cloud.outbox.newest()))
            known[number] = self._opened(subscription)
            self._subscribers = list(known.values())
        return subscription

    def subscriptions(self) -> tuple[Subscription, ...]:
        """All subscribers, oldest first."""
        return self._cloud.outbox.subscriptions()

    def run_due(self) -> Counter[str]:
        """Deliver what was published, and try again what is due."""
        ran: Counter[str] = Counter()
        for subscriber in tuple(self._subscribers):
            while tried := self._run_page(subscriber):
                ran[subscriber.name] += tried
        return +ran

    def next_due(self) -> datetime | None:
        """When a delivery is due, None while all is delivered."""
        due = [
            datetime.fromisoformat(again.at)
            for subscriber in self._subscribers
            for again in subscriber.progress.again
        ]
        if any(
            self._cloud.outbox.published(since=subscriber.progress.seq, limit=1)
            for subscriber in self._subscribers
        ):
            due.append(self._cloud.clock.now())
        return min(due, default=None)

    def _run_page(self, subscriber: _Subscriber) -> int:
        now = self._cloud.clock.now()
        progress = subscriber.progress
        due = [one for one in progress.again if datetime.fromisoformat(one.at) <= now]
        fresh = self._cloud.outbox.published(since=progress.seq, limit=_PAGE)
        if not due and not fresh:
            return 0
        for again in due:
            progress.again.remove(again)
            if found := self._cloud.outbox.published(since=again.seq - 1, limit=1):
                self._try(subscriber, found[0], again.tries)
        for message in fresh:
            if self._wants(subscriber, message):
                self._try(subscriber, message, 0)
            progress.seq = message.seq
        self._keep(subscriber.name, progress)
        return len(due) + len(fresh)

    def _wants(self, subscriber: _Subscriber, message: Published) -> bool:
        if message.topic is not subscriber.subscription.topic:
            return False
        return subscriber.policy is None or subscriber.policy.accepts(message.attributes)

    def _try(self, subscriber: _Subscriber, message: Published, tries: int) -> None:
        subscription = subscriber.subscription
        failure = self._post(subscription, envelope(message, self._settings))
        if failure is None:
            return
        if failure.final or tries >= _RETRIES:
            record = {
                "reason": failure.reason,
                "url": subscription.url,
                "tries": tries + 1,
                "notification": envelope(message, self._settings),
            }
            self._cloud.bucket(Resource.QUARANTINE).put(
                f"topics/{message.topic.slug}/{subscriber.name}/{message.seq}",
                json.dumps(record).encode(),
            )
            return
        at = (self._cloud.clock.now() + _PAUSE).isoformat()
        subscriber.progress.again.append(_Again(seq=message.seq, tries=tries + 1, at=at))

    def _opened(self, subscription: Subscription) -> _Subscriber:
        written = subscription.filter_policy
        kept = self._cloud.settings.get(f"delivery-{subscription.subscription_id}")
        return _Subscriber(
            subscription=subscription,
            policy=None if written is None else FilterPolicy(json.loads(written)),
            progress=_Progress.read(kept) if kept else _Progress(seq=0),
        )

    def _keep(self, name: str, progress: _Progress) -> None:
        self._cloud.settings.set(name, json.dumps(asdict(progress)))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a subscriber did not take a notification. ``final``: it never will."""

    reason: str
    final: bool


Post: TypeAlias = Callable[[Subscription, dict[str, object]], Failure | None]
"""Hands a notification to a subscriber; None: it was taken."""


def envelope(message: Published, settings: Settings) -> dict[str, object]:
    """A message as SNS posts it. It carries no signature: nobody outside could have sent it."""
    return {
        "Type": "Notification",
        "MessageId": f"{message.topic.slug}-{message.seq}",
        "TopicArn": arn_of(message.topic, settings),
        "Subject": message.subject,
        "Message": message.body,
        "Timestamp": message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": "",
        "UnsubscribeURL": "",
        "MessageAttributes": {
            name: {"Type": "Number" if isinstance(value, int) else "String", "Value": str(value)}
            for name, value in message.attributes.items()
        },
    }


def is_loopback_url(url: str) -> bool:
    """Whether this is a plain http URL of this machine."""
    try:
        parts = urlsplit(url)
        reachable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme == "http" and reachable and is_loopback_name(parts.hostname or "")


def post_over_http(subscription: Subscription, notification: dict[str, object]) -> Failure | None:
    """Post to the subscriber's URL; five seconds without an answer are a failure."""
    parts = urlsplit(subscription.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    topic_arn = str(notification["TopicArn"])
    headers = {
        "content-type": "text/plain; charset=UTF-8",
        "user-agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": str(notification["MessageId"]),
        "x-amz-sns-topic-arn": topic_arn,
        "x-amz-sns-subscription-arn": f"{topic_arn}:{subscription.subscription_id}",
    }
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", target, json.dumps(notification).encode(), headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return Failure(f"{type(error).__name__}: {error}", final=False)
    finally:
        connection.close()
    return refusal(status)


def refusal(status: int) -> Failure | None:
    """What a subscriber's status means: 4xx are final, but for 429."""
    if 200 <= status < 300:
        return None
    return Failure(f"answered {status}", final=400 <= status < 500 and status != 429)
