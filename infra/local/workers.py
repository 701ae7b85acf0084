"""Threads that run a machine by a clock that moves: one for each source, asleep until it is due.

A put wakes the thread that it concerns, so that nothing is polled and an idle machine costs
nothing.
"""

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread

from infra.local.machine import Machine, Source
from wedsync.cloud import (
    Cloud,
    Delayed,
    Message,
    PutFailures,
    Queue,
    Record,
    Stream,
    Subscriber,
    Topic,
)
from wedsync.cloud.forwarding import ForwardingCloud
from wedsync.errors import Unavailable
from wedsync.resources import Resource, ResourceKind

_LONGEST_SLEEP_SECONDS = 60.0
_PAUSE_AFTER_FAILURE_SECONDS = 1.0
_log = logging.getLogger("wedsync.local")


class Bells:
    """What wakes the thread of each source."""

    def __init__(self) -> None:
        self.streams = Event()
        self.schedules = Event()
        self.deliveries = Event()
        self.queues = {each: Event() for each in Resource if each.kind is ResourceKind.QUEUE}

    def of_queue(self, queue: Resource) -> Event:
        """What wakes the consumers of a queue."""
        return self.queues[queue]

    def ring_for_topics(self) -> None:
        """Something was published: to subscribers, and to the queues that a topic feeds."""
        self.deliveries.set()
        for bell in self.queues.values():
            bell.set()


class Workers:
    """The threads of one machine, from their start until they are told to stop."""

    def __init__(
        self, machine: Machine, bells: Bells, *, speed: float, own: Source | None = None
    ) -> None:
        """``speed`` is how many seconds of the machine's clock pass in a real one.

        ``own`` is work of the server itself, which nothing wakes but the clock.
        """
        self._machine = machine
        self._speed = speed
        self._stopping = Event()
        self._bells: dict[str, tuple[Source, Event]] = {
            "streams": (machine.streams, bells.streams),
            "schedules": (machine.schedules, bells.schedules),
            **{
                f"queue {each.queue.slug}": (each, bells.of_queue(each.queue))
                for each in machine.queues
            },
            "deliveries": (machine.deliveries, bells.deliveries),
            **({} if own is None else {"own metrics": (own, Event())}),
        }
        self._threads = [
            Thread(target=self._work, args=source_and_bell, name=name, daemon=True)
            for name, source_and_bell in self._bells.items()
        ]

    def start(self) -> None:
        """Begin with whatever is due already."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Let each finish what it is doing."""
        self._stopping.set()
        for _, bell in self._bells.values():
            bell.set()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _work(self, source: Source, bell: Event) -> None:
        while not self._stopping.is_set():
            bell.clear()
            try:
                if self._machine.run_source(source):
                    continue
                pause_seconds = self._until_due(source)
            except Unavailable:
                pause_seconds = _PAUSE_AFTER_FAILURE_SECONDS
            except Exception:  # noqa: BLE001 - a thread that died in silence would lose the rest
                _log.exception("a source failed; it goes on in a moment")
                pause_seconds = _PAUSE_AFTER_FAILURE_SECONDS
            if pause_seconds > 0:
                bell.wait(pause_seconds)

    def _until_due(self, source: Source) -> float:
        due = source.next_due()
        if due is None:
            return _LONGEST_SLEEP_SECONDS
        seconds = (due - self._machine.cloud.clock.now()).total_seconds() / self._speed
        return min(seconds, _LONGEST_SLEEP_SECONDS)


class RingingCloud(ForwardingCloud):
    """A cloud whose streams, queues and topics wake the threads that move things on."""

    def __init__(self, cloud: Cloud, bells: Bells) -> None:
        super().__init__(cloud)
        self._bells = bells

    def stream(self, resource: Resource) -> Stream:
        """A stream that rings."""
        return _RingingStream(self._cloud.stream(resource), self._bells.streams.set)

    def topic(self, resource: Resource) -> Topic:
        """A topic that rings."""
        return _RingingTopic(self._cloud.topic(resource), self._bells.ring_for_topics)

    def queue(self, resource: Resource) -> Queue:
        """A queue that rings."""
        return _RingingQueue(self._cloud.queue(resource), self._bells.of_queue(resource).set)


class _RingingStream:
    def __init__(self, stream: Stream, ring: Callable[[], None]) -> None:
        self._stream = stream
        self._ring = ring

    def put(self, records: Sequence[Record]) -> PutFailures:
        failures = self._stream.put(records)
        self._ring()
        return failures


class _RingingTopic:
    def __init__(self, topic: Topic, ring: Callable[[], None]) -> None:
        self._topic = topic
        self._ring = ring

    def publish(self, message: Message) -> None:
        self._topic.publish(message)
        self._ring()

    def subscribe(self, subscriber: Subscriber) -> None:
        self._topic.subscribe(subscriber)


class _RingingQueue:
    def __init__(self, queue: Queue, ring: Callable[[], None]) -> None:
        self._queue = queue
        self._ring = ring

    def send(self, message: Delayed) -> None:
        self._queue.send(message)
        self._ring()
