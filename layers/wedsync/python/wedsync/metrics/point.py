"""One observation as it was sent, and the rules that its envelope must keep."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LARGEST_VALUE = 1e15
"""The largest number either way: the sums of a day stay exact enough in a double."""


class Kind(StrEnum):
    """How the numbers of a metric are to be read."""

    COUNTER = "counter"
    GAUGE = "gauge"
    TIMER = "timer"
    EVENT = "event"


class DataType(StrEnum):
    """What part of the business a point tells about."""

    USER_INTERACTION = "user_interaction"
    BOOKING_EVENT = "booking_event"
    FINANCIAL_TRANSACTION = "financial_transaction"
    COMMUNICATION_EVENT = "communication_event"
    SYSTEM_METRIC = "system_metric"


class Priority(StrEnum):
    """How soon the sender wants it seen."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for what can wait longest."""
        return _RANKS[self]


_RANKS = {priority: rank for rank, priority in enumerate(Priority)}


def most_urgent(priorities: Iterable[Priority]) -> Priority:
    """That of several which are treated as one; normal where none is told."""
    return max(priorities, key=lambda each: each.rank, default=Priority.NORMAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Observations of one metric at one instant.

    ``values`` are separate observations; ``count`` says how many equal observations each of
    them stands for. ``tenant_id`` is only claimed: the proof is the signature or the caller.
    """

    name: str
    kind: Kind
    ts_ms: int
    values: tuple[float, ...]
    count: int = 1
    wedding_id: str | None = None
    vendor_id: str | None = None
    guest_id: str | None = None
    source: str | None = None
    dims: tuple[tuple[str, str], ...] = ()
    event_id: str | None = None
    data_type: DataType = DataType.SYSTEM_METRIC
    priority: Priority = Priority.NORMAL
    tenant_id: str | None = None
    stream_id: str | None = None

    @property
    def pack_key(self) -> str:
        """What decides the pack: the wedding, else the vendor, else the source."""
        return self.wedding_id or self.vendor_id or self.source or ""

    @property
    def observations(self) -> int:
        """How many observations this point stands for."""
        return len(self.values) * self.count
