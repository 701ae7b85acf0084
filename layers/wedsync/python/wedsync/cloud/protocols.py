"""The seam: everything outside, as small protocols.

Every call may raise :class:`wedsync.errors.Throttled` (nothing happened) or
:class:`wedsync.errors.OutcomeUnknown` (it may have happened); both are ``Unavailable``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from wedsync.cloud.conditions import Condition
from wedsync.cloud.values import (
    EVERYTHING,
    Delayed,
    Item,
    Key,
    Measured,
    Message,
    Page,
    PutFailures,
    Readout,
    Record,
    Refusal,
    Sort,
    Span,
    Subscriber,
)
from wedsync.cloud.web import Call, Outcome
from wedsync.resources import Resource


class ConditionFailed(Exception):
    """The write did not happen, because the stored item is not as required.

    ``current`` is the item that stands in the way (None: nothing is stored).
    """

    def __init__(self, current: Item | None) -> None:
        """Keep what is stored, so that a retry needs no read."""
        super().__init__("the stored item is not as required")
        self.current = current


class CapacityRefused(Exception):
    """This much room cannot be had, however often it is asked for; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        """Keep the reason, which is shown: it holds no internal name."""
        super().__init__(reason)
        self.reason = reason


class CapacityBusy(Exception):
    """An earlier change is still being made: nothing happened, and it may be asked for again."""


class Table(Protocol):
    """A table of items by key. Items past ``expires_at`` are never seen."""

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """The item, or None. ``consistent=False`` may be some seconds old and costs half."""

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        """Those of up to 100 distinct items that exist, in no order."""

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        """Replace the whole item. Raises ConditionFailed; ValueError where it cannot be stored."""

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        """Remove the item, if it is there. Raises ConditionFailed."""

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        """Raise a number of an item in one step, and answer what it is then.

        It counts from ``at_least`` where it is smaller, or where there is no such item or number.
        Where it is greater than ``at_most`` (or no number) nothing happens. Raises
        ConditionFailed. Other attributes stay as they are.
        """

    def query(
        self,
        partition: str,
        *,
        sort: Sort = EVERYTHING,
        index: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        descending: bool = False,
        consistent: bool = True,
    ) -> Page:
        """A partition in the order of its sort key (UTF-8 bytes).

        ``after`` is a former page's ``next``. A page may hold fewer than ``limit`` items and
        still have a next one. An index is never consistent, whatever is asked.
        """


class Stream(Protocol):
    """An ordered, sharded stream."""

    def put(self, records: Sequence[Record]) -> PutFailures:
        """Put up to 500 records; those named in the answer are not in, all others are."""


class Topic(Protocol):
    """A topic that fans a message out to its subscribers."""

    def publish(self, message: Message) -> None:
        """Send; returning means that the topic holds it."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Deliver to this address from now on.

        An address has one subscription: asked for once more, it must want the same. SNS first
        asks whoever has an e-mail address whether they want it.
        """


class Web(Protocol):
    """Other people's endpoints."""

    def post(self, call: Call) -> Outcome:
        """Post, within five seconds, to public addresses alone. Never raises for what is there."""


class Queue(Protocol):
    """A queue whose messages become visible after a delay, at least once."""

    def send(self, message: Delayed) -> None:
        """Send; returning means that the queue holds it."""


class Bucket(Protocol):
    """Objects by name."""

    def put(self, name: str, data: bytes) -> None:
        """Store or replace an object."""

    def get(self, name: str) -> bytes | None:
        """The object, or None."""


class Secret(Protocol):
    """A secret text, held by a secret store."""

    def value(self) -> bytes:
        """The present value; may be some minutes old."""


class TimeSeries(Protocol):
    """Measured points by dimensions and time, kept for long."""

    def write(self, points: Sequence[Measured]) -> Sequence[Refusal]:
        """Keep up to 100 points; those named in the answer are refused for good, all others are in.

        A point is in, too, where one of its dimensions and time with the same or a greater version
        was there: writing it again changes nothing.
        """

    def read(self, span: Span) -> tuple[Measured, ...]:
        """The points of a span, in the order of time."""


class Readings(Protocol):
    """What the bundle's own parts measure of themselves, minute by minute."""

    def read(self, first: int, last: int) -> Readout:
        """What is known of the epoch minutes from ``first`` to ``last``, both among them.

        A minute may be asked for again: what comes late is in a later answer.
        """


class Capacity(Protocol):
    """How much room functions and streams have.

    Everything is set to a value, so that setting it twice is as good as once. Every call may raise
    CapacityRefused or CapacityBusy.
    """

    def reserved(self, function: str) -> int | None:
        """How many runs of a function at once are kept for it, and are its most; None: no limit."""

    def reserve(self, function: str, concurrency: int | None) -> None:
        """Keep so many for it from now on; with None it shares in what nobody has reserved."""

    def shards(self, stream: str) -> int:
        """How many shards take the records of a stream."""

    def reshard(self, stream: str, shards: int) -> None:
        """Have so many from soon on: from a half of the present ones to their double."""


class Clock(Protocol):
    """The time, which tests and simulations replace."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""


class Ids(Protocol):
    """Randomness, which simulations seed."""

    def new_id(self, prefix: str) -> str:
        """A fresh, unguessable, url-safe id such as ``wed_01k…``, sortable by time of making."""

    def secret(self, size_bytes: int) -> bytes:
        """Random bytes fit for keys."""


class Cloud(Protocol):
    """All of it, as one thing that opens resources."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def wall_clock(self) -> Clock:
        """The time that callers live by: another one only where ``clock`` is a replaced one."""

    @property
    def ids(self) -> Ids:
        """Ids and randomness."""

    @property
    def web(self) -> Web:
        """Other people's endpoints."""

    def table(self, resource: Resource) -> Table:
        """Open a table."""

    def stream(self, resource: Resource) -> Stream:
        """Open a stream."""

    def topic(self, resource: Resource) -> Topic:
        """Open a topic."""

    def queue(self, resource: Resource) -> Queue:
        """Open a queue."""

    def bucket(self, resource: Resource) -> Bucket:
        """Open a bucket."""

    def secret(self, resource: Resource) -> Secret:
        """Open a secret."""

    def time_series(self, resource: Resource) -> TimeSeries:
        """Open a time series store."""

    def readings(self, resource: Resource) -> Readings:
        """Open what the bundle's own parts measure."""

    def capacity(self, resource: Resource) -> Capacity:
        """Open how much room the bundle's own parts have."""
