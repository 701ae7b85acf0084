"""Bodies of the wedding routes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from typing import cast

from pydantic import Field, TypeAdapter, ValidationError

from wedsync.api.shape import LocalDate, Name, PartReadBack, Reply, Request, Time, require_unchanged
from wedsync.api.validation import refused
from wedsync.errors import Invalid, TooLarge
from wedsync.weddings.calendar import instant, local, zone
from wedsync.weddings.model import (
    Complexity,
    Phase,
    Status,
    TimelineItem,
    TimelineKind,
    Vendor,
    Venue,
    Wedding,
    WeddingEvent,
)
from wedsync.weddings.validity import check


class VenueRequest(Request):
    """Where it happens."""

    time_zone: Name = Field(description="IANA name, such as Europe/Madrid")
    lat: float | None = None
    lon: float | None = None
    type: Name | None = None
    name: Name | None = None


class VendorRequest(Request):
    """A business that works at the wedding."""

    vendor_id: Name
    name: Name | None = None
    category: Name | None = None


class TimelineItemRequest(PartReadBack):
    """One planned item of the day; its start says enough.

    Without a kind it is ``other``, without a title it is called by its kind, and without an id it
    has its kind, numbered among the items that lack one (``other``, ``other-2``).
    """

    server_made = frozenset({"local"})

    id: Name | None = None
    kind: TimelineKind | None = Field(default=None, strict=False)
    title: Name | None = None
    starts_at: Time
    ends_at: Time | None = None


class EventRequest(PartReadBack):
    """One part of a wedding of several days; without an end it is a moment."""

    server_made = frozenset({"local"})

    name: Name | None = None
    starts_at: Time
    ends_at: Time | None = None


class WeddingRequest(Request):
    """A wedding to register."""

    couple_name: Name
    date: LocalDate
    venue: VenueRequest
    guest_count: int | None = None
    style: Name | None = None
    complexity: Complexity | None = Field(default=None, strict=False)
    vendors: list[VendorRequest] = Field(default_factory=list)
    timeline: list[TimelineItemRequest] = Field(default_factory=list)
    events: list[EventRequest] = Field(default_factory=list)


class TimelineRequest(Request):
    """The whole order of the day, in the place of the former one."""

    timeline: list[TimelineItemRequest]


_requests = TypeAdapter(WeddingRequest)
LARGEST_BYTES = 200 * 1024
"""One stored thing, and one remembered answer, has at most 400 KB with all its names."""


class VenueReply(Reply):
    """Where it happens."""

    time_zone: str
    lat: float | None
    lon: float | None
    type: str | None
    name: str | None


class VendorReply(Reply):
    """A business that works at the wedding."""

    vendor_id: str
    name: str | None
    category: str | None


class TimelineItemReply(Reply):
    """One planned item; ``local`` is its start on the venue's clock."""

    id: str
    kind: TimelineKind
    title: str
    starts_at: datetime
    ends_at: datetime | None
    local: datetime


class EventReply(Reply):
    """One part of a wedding of several days."""

    name: str
    starts_at: datetime
    ends_at: datetime
    local: datetime


class WeddingReply(Reply):
    """A registered wedding."""

    wedding_id: str
    couple_name: str
    date: date
    time_zone: str
    venue: VenueReply
    guest_count: int | None
    style: str | None
    complexity: Complexity | None
    vendors: list[VendorReply]
    timeline: list[TimelineItemReply]
    events: list[EventReply]
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, wedding: Wedding) -> "WeddingReply":
        """This wedding as its owner sees it."""
        venue = wedding.venue
        return cls(
            wedding_id=wedding.wedding_id,
            couple_name=wedding.couple_name,
            date=wedding.date,
            time_zone=venue.time_zone,
            venue=VenueReply(
                time_zone=venue.time_zone,
                lat=venue.lat,
                lon=venue.lon,
                type=venue.type,
                name=venue.name,
            ),
            guest_count=wedding.guest_count,
            style=wedding.style,
            complexity=wedding.complexity,
            vendors=[
                VendorReply(vendor_id=each.vendor_id, name=each.name, category=each.category)
                for each in wedding.vendors
            ],
            timeline=[
                TimelineItemReply(
                    id=each.id,
                    kind=each.kind,
                    title=each.title,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                    local=local(wedding, each.starts_at),
                )
                for each in wedding.timeline
            ],
            events=[
                EventReply(
                    name=each.name,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                    local=local(wedding, each.starts_at),
                )
                for each in wedding.events
            ],
            created_at=wedding.created_at,
            updated_at=wedding.updated_at,
            version=wedding.version,
        )


class WeddingListReply(Reply):
    """Some weddings by date."""

    items: list[WeddingReply]
    next_cursor: str | None
    effective_limit: int


class MonitoringReply(Reply):
    """How closely the wedding is watched at one instant, and why."""

    wedding_id: str
    status: Status
    phase: Phase
    interval_seconds: int | None
    next_run_at: datetime | None
    reason: str
    window_start: datetime
    window_end: datetime
    at: datetime
    local: datetime
    time_zone: str


def to_wedding(
    request: WeddingRequest, *, wedding_id: str, created_at: datetime, at: datetime, version: int
) -> Wedding:
    """The wedding of this request. Raises Invalid with a pointer to each wrong member."""
    if len(_requests.dump_json(request)) > LARGEST_BYTES:
        raise TooLarge(f"a wedding has at most {LARGEST_BYTES} bytes")
    try:
        zone(request.venue.time_zone)
    except ValueError as error:
        raise Invalid.field("/venue/timeZone", "unknown-time-zone", str(error)) from None
    wedding = _build(request, wedding_id=wedding_id, created_at=created_at, at=at, version=version)
    if errors := check(wedding):
        raise Invalid.fields(errors)
    return wedding


def _build(
    request: WeddingRequest, *, wedding_id: str, created_at: datetime, at: datetime, version: int
) -> Wedding:
    place = request.venue.time_zone
    return Wedding(
        wedding_id=wedding_id,
        couple_name=request.couple_name,
        date=request.date,
        venue=Venue(
            time_zone=place,
            lat=request.venue.lat,
            lon=request.venue.lon,
            type=request.venue.type,
            name=request.venue.name,
        ),
        guest_count=request.guest_count,
        style=request.style,
        complexity=request.complexity,
        vendors=tuple(
            Vendor(vendor_id=each.vendor_id, name=each.name, category=each.category)
            for each in request.vendors
        ),
        timeline=tuple(_timeline(place, request.timeline)),
        events=tuple(_events(place, request.events)),
        created_at=created_at,
        updated_at=at,
        version=version,
    )


def _timeline(place: str, requests: Sequence[TimelineItemRequest]) -> Iterator[TimelineItem]:
    """The items, named where the caller left it open: the same request gives the same names."""
    taken = {each.id for each in requests if each.id is not None}
    for index, each in enumerate(requests):
        kind = each.kind or TimelineKind.OTHER
        item_id = each.id or next(name for name in _numbered(kind) if name not in taken)
        taken.add(item_id)
        yield TimelineItem(
            id=item_id,
            kind=kind,
            title=each.title or kind.capitalize(),
            starts_at=_instant(place, each.starts_at, f"/timeline/{index}/startsAt"),
            ends_at=None
            if each.ends_at is None
            else _instant(place, each.ends_at, f"/timeline/{index}/endsAt"),
        )


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name}-{number}"


def _events(place: str, requests: Sequence[EventRequest]) -> Iterator[WeddingEvent]:
    for index, each in enumerate(requests):
        starts_at = _instant(place, each.starts_at, f"/events/{index}/startsAt")
        yield WeddingEvent(
            name=each.name or f"Event {index + 1}",
            starts_at=starts_at,
            ends_at=starts_at
            if each.ends_at is None
            else _instant(place, each.ends_at, f"/events/{index}/endsAt"),
        )


def _instant(place: str, at: datetime, pointer: str) -> datetime:
    try:
        return instant(place, at)
    except OverflowError:
        raise Invalid.field(
            pointer, "out-of-range", "not a time that can be computed with"
        ) from None


def patched(wedding: Wedding, patch: Mapping[str, object], *, at: datetime) -> Wedding:
    """The wedding after a JSON merge patch (RFC 7396). Raises Invalid."""
    document = _as_request(wedding)
    beside = {name: value for name, value in patch.items() if name not in document}
    patch = {name: value for name, value in patch.items() if name in document}
    told = WeddingReply.of(wedding).model_dump(mode="json", by_alias=True)
    require_unchanged(beside, told, settable=document)
    merged = _merge(document, patch)
    try:
        request = _requests.validate_json(json.dumps(merged))
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise refused(found) from None
    return to_wedding(
        request,
        wedding_id=wedding.wedding_id,
        created_at=wedding.created_at,
        at=at,
        version=wedding.version,
    )


def with_timeline(wedding: Wedding, request: TimelineRequest, *, at: datetime) -> Wedding:
    """The wedding with this order of the day. Raises Invalid."""
    return patched(wedding, request.model_dump(mode="json", by_alias=True), at=at)


def _as_request(wedding: Wedding) -> dict[str, object]:
    reply = WeddingReply.of(wedding).model_dump(mode="json", by_alias=True)
    document = {
        name: reply[name]
        for name in (
            "coupleName",
            "date",
            "venue",
            "guestCount",
            "style",
            "complexity",
            "vendors",
            "timeline",
            "events",
        )
    }
    for each in (*document["timeline"], *document["events"]):
        each.pop("local")
    return cast("dict[str, object]", document)


def _merge(target: object, patch: object) -> object:
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged
