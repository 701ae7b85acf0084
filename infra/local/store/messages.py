"""The delay queue, and the topics with all that was ever published to them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.local.store.database import Database, epoch_ms, instant
from wedsync.cloud import Delayed, Message, Subscriber
from wedsync.cloud.limits import check_delayed, check_message, check_subscriber
from wedsync.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message on lease: deleted by its receipt, or visible again when the lease ends."""

    message_id: str
    receipt: str
    body: str
    sent_at: datetime
    receives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One message that a topic took; ``seq`` counts over all topics."""

    seq: int
    at: datetime
    topic: Resource
    subject: str
    body: str
    attributes: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An HTTP subscriber of a topic, with SNS' filter policy as JSON (None: everything)."""

    subscription_id: int
    topic: Resource
    url: str
    filter_policy: str | None


class LocalQueue:
    """A ``wedsync.cloud.Queue``, and what its poller needs of it."""

    def __init__(self, database: Database, resource: Resource) -> None:
        self._database = database
        self._queue = resource.slug
        database.define(
            "CREATE TABLE IF NOT EXISTS queue_messages "
            "(number INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, "
            "sent_ms INTEGER NOT NULL, visible_ms INTEGER NOT NULL, receives INTEGER NOT NULL)",
            "CREATE INDEX IF NOT EXISTS queue_messages_by_time "
            "ON queue_messages (queue, visible_ms, number)",
        )

    def send(self, message: Delayed) -> None:
        """Hold a message until its delay is over."""
        check_delayed(message)
        with self._database.asking:
            now_ms = self._database.now_ms()
            self._database.execute(
                "INSERT INTO queue_messages (queue, body, sent_ms, visible_ms, receives) "
                "VALUES (?, ?, ?, ?, 0)",
                (self._queue, message.body, now_ms, now_ms + message.delay_seconds * 1000),
            )

    def receive(self, *, limit: int = 10, lease: timedelta) -> tuple[Received, ...]:
        """Take visible messages, oldest due first, and hide them until the lease ends."""
        with self._database.writing():
            now_ms = self._database.now_ms()
            rows = self._database.execute(
                "SELECT number, body, sent_ms, receives + 1 FROM queue_messages "
                "WHERE queue=? AND visible_ms<=? ORDER BY visible_ms, number LIMIT ?",
                (self._queue, now_ms, limit),
            ).fetchall()
            hidden_until_ms = now_ms + lease // timedelta(milliseconds=1)
            self._database.execute_many(
                "UPDATE queue_messages SET visible_ms=?, receives=? WHERE number=?",
                [(hidden_until_ms, receives, number) for number, _, _, receives in rows],
            )
        return tuple(
            Received(
                message_id=str(number),
                receipt=f"{number}-{receives}",
                body=body,
                sent_at=instant(sent_ms),
                receives=receives,
            )
            for number, body, sent_ms, receives in rows
        )

    def delete(self, receipt: str) -> None:
        """Forget a message; nothing happens if its lease ended and somebody else took it."""
        number, _, receives = receipt.partition("-")
        with self._database.asking:
            self._database.execute(
                "DELETE FROM queue_messages WHERE number=? AND queue=? AND receives=?",
                (int(number), self._queue, int(receives)),
            )

    def release(self, receipt: str, *, at: datetime) -> None:
        """Let a message be seen again at ``at``, before or after its lease ends."""
        number, _, receives = receipt.partition("-")
        with self._database.asking:
            self._database.execute(
                "UPDATE queue_messages SET visible_ms=? WHERE number=? AND queue=? AND receives=?",
                (epoch_ms(at), int(number), self._queue, int(receives)),
            )

    def earliest_due(self) -> datetime | None:
        """When the next message becomes visible, None for an empty queue; may be in the past."""
        with self._database.asking:
            (visible_ms,) = self._database.execute(
                "SELECT MIN(visible_ms) FROM queue_messages WHERE queue=?", (self._queue,)
            ).fetchone()
        return None if visible_ms is None else instant(visible_ms)

    def due_count(self) -> int:
        """How many messages are visible now."""
        with self._database.asking:
            (count,) = self._database.execute(
                "SELECT COUNT(*) FROM queue_messages WHERE queue=? AND visible_ms<=?",
                (self._queue, self._database.now_ms()),
            ).fetchone()
        return int(count)


class LocalTopic:
    """A ``wedsync.cloud.Topic``; delivery reads the outbox.

    No e-mail and no SMS leaves this machine: its subscribers are kept, and messages to them stand
    in the outbox.
    """

    def __init__(self, database: Database, resource: Resource) -> None:
        self._database = database
        self._topic = resource.name
        database.define(
            "CREATE TABLE IF NOT EXISTS addresses (number INTEGER PRIMARY KEY AUTOINCREMENT, "
            "topic TEXT NOT NULL, protocol TEXT NOT NULL, address TEXT NOT NULL, "
            "wants TEXT NOT NULL, UNIQUE (topic, protocol, address))",
        )

    def publish(self, message: Message) -> None:
        """Append to the outbox, durably."""
        check_message(message)
        with self._database.asking:
            self._database.execute(
                "INSERT INTO outbox (at_ms, topic, subject, body, attributes) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    self._database.now_ms(),
                    self._topic,
                    message.subject,
                    message.body,
                    json.dumps(dict(message.attributes)),
                ),
            )

    def subscribe(self, subscriber: Subscriber) -> None:
        """Keep an address. ValueError, as SNS has it, where it wanted something else before."""
        check_subscriber(subscriber)
        wants = json.dumps({name: list(values) for name, values in subscriber.only.items()})
        with self._database.writing():
            (kept,) = self._database.execute(
                "INSERT INTO addresses (topic, protocol, address, wants) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (topic, protocol, address) DO UPDATE SET wants=wants RETURNING wants",
                (self._topic, subscriber.protocol, subscriber.address, wants),
            ).fetchone()
        if kept != wants:
            raise ValueError("the address is subscribed with another filter policy")

    def subscribers(self) -> tuple[Subscriber, ...]:
        """Every address, oldest first."""
        with self._database.asking:
            rows = self._database.execute(
                "SELECT protocol, address, wants FROM addresses WHERE topic=? ORDER BY number",
                (self._topic,),
            ).fetchall()
        return tuple(
            Subscriber(
                protocol=protocol,
                address=address,
                only={name: tuple(values) for name, values in json.loads(wants).items()},
            )
            for protocol, address, wants in rows
        )


class Outbox:
    """All that was published, in order, and the HTTP subscriptions to it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.define(
            "CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, "
            "at_ms INTEGER NOT NULL, topic TEXT NOT NULL, subject TEXT NOT NULL, "
            "body TEXT NOT NULL, attributes TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS subscriptions (number INTEGER PRIMARY KEY AUTOINCREMENT, "
            "topic TEXT NOT NULL, url TEXT NOT NULL, filter_policy TEXT, UNIQUE (topic, url))",
        )

    def published(self, *, since: int = 0, limit: int = 1000) -> tuple[Published, ...]:
        """Messages behind ``since``, which is a former message's ``seq``, oldest first."""
        with self._database.asking:
            rows = self._database.execute(
                "SELECT seq, at_ms, topic, subject, body, attributes FROM outbox "
                "WHERE seq>? ORDER BY seq LIMIT ?",
                (since, limit),
            ).fetchall()
        return tuple(
            Published(
                seq=seq,
                at=instant(at_ms),
                topic=Resource[topic],
                subject=subject,
                body=body,
                attributes=json.loads(attributes),
            )
            for seq, at_ms, topic, subject, body, attributes in rows
        )

    def newest(self) -> int:
        """The ``seq`` of the last message; 0 while there is none."""
        with self._database.asking:
            (newest,) = self._database.execute("SELECT MAX(seq) FROM outbox").fetchone()
        return int(newest or 0)

    def subscribe(self, topic: Resource, url: str, *, filter_policy: str | None) -> int:
        """Add a subscriber, or change the policy of the same one; answers its id."""
        with self._database.writing():
            (number,) = self._database.execute(
                "INSERT INTO subscriptions (topic, url, filter_policy) VALUES (?, ?, ?) "
                "ON CONFLICT (topic, url) DO UPDATE SET filter_policy=excluded.filter_policy "
                "RETURNING number",
                (topic.name, url, filter_policy),
            ).fetchone()
        return int(number)

    def unsubscribe(self, subscription_id: int) -> None:
        """Forget a subscriber, if there is one."""
        with self._database.asking:
            self._database.execute("DELETE FROM subscriptions WHERE number=?", (subscription_id,))

    def subscriptions(self) -> tuple[Subscription, ...]:
        """All subscribers, oldest first."""
        with self._database.asking:
            rows = self._database.execute(
                "SELECT number, topic, url, filter_policy FROM subscriptions ORDER BY number"
            ).fetchall()
        return tuple(
            Subscription(
                subscription_id=number,
                topic=Resource[topic],
                url=url,
                filter_policy=filter_policy,
            )
            for number, topic, url, filter_policy in rows
        )
