"""The plain values that cross the seam.

An attribute is text, a whole number or bytes: what DynamoDB stores without a doubt about its
type. Anything richer is a document, encoded by the store that owns it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from wedsync.metrics.point import Kind

Attribute: TypeAlias = str | int | bytes
"""Text, a whole number of at most 38 digits, or bytes."""

EXPIRES_AT = "expires_at"
"""Epoch seconds after which an item is gone for every reader, whenever it is swept."""


@dataclass(frozen=True, slots=True)
class Key:
    """What names an item: its partition, and its place in the partition's order."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Item:
    """One stored item: its key and its other attributes."""

    key: Key
    attributes: Mapping[str, Attribute]

    def text(self, name: str) -> str:
        """A text attribute; TypeError if it is something else."""
        value = self.attributes[name]
        if not isinstance(value, str):
            raise TypeError(f"{name} is not text")
        return value

    def number(self, name: str, default: int = 0) -> int:
        """A whole number; ``default`` where the attribute is missing."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise TypeError(f"{name} is not a whole number")
        return value

    def raw(self, name: str) -> bytes:
        """Bytes; empty where the attribute is missing."""
        value = self.attributes.get(name, b"")
        if not isinstance(value, bytes):
            raise TypeError(f"{name} is not bytes")
        return value


@dataclass(frozen=True, slots=True)
class Sort:
    """A range of a partition's order: a prefix, or an inclusive span; neither means all."""

    begins_with: str | None = None
    at_least: str | None = None
    at_most: str | None = None

    def __post_init__(self) -> None:
        """A prefix and a span exclude each other, as they do in DynamoDB."""
        if self.begins_with is not None and (self.at_least or self.at_most) is not None:
            raise ValueError("a prefix and a span exclude each other")


EVERYTHING = Sort()


@dataclass(frozen=True, slots=True)
class Page:
    """Items in order, and where to go on (None: that was all)."""

    items: tuple[Item, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record for a stream."""

    partition_key: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One stream record as it reached us.

    ``arrived_at_ms`` is the stream's approximate arrival time in epoch ms, which a redrive keeps.
    """

    stream: str
    shard: str
    sequence: str
    data: bytes
    arrived_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notification for a topic: attributes select its subscribers."""

    subject: str
    body: str
    attributes: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """An address that a topic delivers to by itself: ``protocol`` is email or sms.

    ``only`` names the values of attributes that it wants: SNS' filter policy.
    """

    protocol: str
    address: str
    only: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Delayed:
    """One message for a delay queue, visible after ``delay_seconds`` (0 to 900)."""

    body: str
    delay_seconds: int


@dataclass(frozen=True, slots=True)
class PutFailure:
    """A record of a batch that the stream did not take; the others are in."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of one thing at one instant.

    ``dimensions`` name the thing: texts that are not empty. ``version`` is at least 1; of points
    with the same dimensions and time, the one with the greatest version stands.
    """

    dimensions: Mapping[str, str]
    at_ms: int
    version: int
    numbers: Mapping[str, int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """All points with these dimensions, perhaps among others, from ``start_ms`` to ``end_ms``.

    The end is exclusive.
    """

    dimensions: Mapping[str, str]
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A point of a batch that the store will never take, with its reason; the others are in."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one part of the bundle measured in one minute, as a metric of the bundle itself.

    ``minute`` is the epoch minute in which it was so, ``at_ms`` the instant that it is told of.
    ``values`` are observations, each with how many equal ones it stands for (0: there is none). A
    place among them means the same whenever the minute is read: of two readings of one minute,
    what stands at the same place is the same observation.
    """

    name: str
    kind: Kind
    dims: Mapping[str, str]
    minute: int
    at_ms: int
    values: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Readout:
    """The readings that are known of some minutes.

    ``missing`` names what could not be read now, for whatever reason: it is to be read again.
    """

    readings: tuple[Reading, ...]
    missing: tuple[str, ...] = ()


PutFailures: TypeAlias = Sequence[PutFailure]
