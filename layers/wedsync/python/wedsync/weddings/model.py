"""A wedding as the platform knows it: who, when, where, and in which order."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Complexity(StrEnum):
    """How much has to go right at once."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TimelineKind(StrEnum):
    """What an item of the day is; the ceremony anchors the operational window."""

    CEREMONY = "ceremony"
    RECEPTION = "reception"
    OTHER = "other"


class Status(StrEnum):
    """Where a wedding stands against the venue's clock."""

    PLANNING = "planning"
    TODAY = "today"
    COMPLETED = "completed"


class Phase(StrEnum):
    """How near the day is, finer than the status."""

    PLANNING = "planning"
    MONTH = "month"
    WEEK = "week"
    EVE = "eve"
    LIVE = "live"
    AFTER = "after"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """Where it happens. ``time_zone`` is an IANA name; degrees are WGS 84."""

    time_zone: str
    lat: float | None = None
    lon: float | None = None
    type: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A business that works at this wedding."""

    vendor_id: str
    name: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineItem:
    """One planned item of the day; instants are UTC."""

    id: str
    kind: TimelineKind
    title: str
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingEvent:
    """One part of a wedding of several days (rehearsal dinner, brunch); instants are UTC."""

    name: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wedding:
    """The unit of truth. ``date`` is the local calendar date at the venue."""

    wedding_id: str
    couple_name: str
    date: date
    venue: Venue
    guest_count: int | None = None
    style: str | None = None
    complexity: Complexity | None = None
    vendors: tuple[Vendor, ...] = ()
    timeline: tuple[TimelineItem, ...] = ()
    events: tuple[WeddingEvent, ...] = ()
    created_at: datetime
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingContext:
    """The wedding clock at one instant, stamped on everything that is stored about a wedding.

    ``days_to_wedding`` counts local calendar days and is negative afterwards; ``local`` is the
    venue's wall time with its offset.
    """

    wedding_id: str
    couple_name: str
    status: Status
    phase: Phase
    is_weekend: bool
    is_saturday_local: bool
    is_wedding_day: bool
    is_season: bool
    in_window: bool
    days_to_wedding: int
    local: datetime
    time_zone: str
