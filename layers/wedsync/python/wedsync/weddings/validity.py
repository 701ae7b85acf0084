"""What a wedding must be to be kept: every rule of its own, each with where it was broken."""

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from wedsync.errors import FieldError
from wedsync.weddings.calendar import day_exists, local_date, zone_names
from wedsync.weddings.model import Venue, Wedding
from wedsync.weddings.timeline import ceremony_start

TEXT_LIMIT = 200
GUEST_LIMIT = 10_000
LIST_LIMIT = 200
YEARS = range(1970, 2201)
LONGEST_PART_DAYS = 14  # a slip in a year would else keep a wedding live, every 10 s, for that year
FARTHEST_FROM_DATE_DAYS = 183  # the order of the day may move before the date does, not its year


def check(wedding: Wedding) -> tuple[FieldError, ...]:
    """Everything that is wrong with it, in the order of its members; empty when it may be kept."""
    return (
        *_text("/coupleName", wedding.couple_name, required=True),
        *_date(wedding),
        *_venue(wedding.venue),
        *_guest_count(wedding.guest_count),
        *_text("/style", wedding.style),
        *_vendors(wedding),
        *_timeline(wedding),
        *_events(wedding),
    )


def _date(wedding: Wedding) -> Iterator[FieldError]:
    if wedding.date.year not in YEARS:
        yield _out_of_range("/date", f"the year lies from {YEARS[0]} to {YEARS[-1]}")
    elif wedding.venue.time_zone in zone_names() and not day_exists(wedding.venue, wedding.date):
        yield FieldError(
            pointer="/date",
            code="does-not-exist",
            detail=f"{wedding.date} was skipped by the calendar of {wedding.venue.time_zone}",
        )


def _venue(venue: Venue) -> Iterator[FieldError]:
    if venue.time_zone not in zone_names():
        yield FieldError(
            pointer="/venue/timeZone",
            code="unknown-time-zone",
            detail="not an IANA time zone (such as 'Europe/London')",
        )
    yield from _degrees("/venue/lat", venue.lat, limit=90)
    yield from _degrees("/venue/lon", venue.lon, limit=180)
    yield from _text("/venue/type", venue.type)
    yield from _text("/venue/name", venue.name)


def _guest_count(guests: int | None) -> Iterator[FieldError]:
    if guests is not None and not 1 <= guests <= GUEST_LIMIT:
        yield _out_of_range("/guestCount", f"from 1 to {GUEST_LIMIT}")


def _vendors(wedding: Wedding) -> Iterator[FieldError]:
    yield from _count("/vendors", len(wedding.vendors))
    yield from _unique("/vendors", "vendorId", (vendor.vendor_id for vendor in wedding.vendors))
    for index, vendor in enumerate(wedding.vendors):
        yield from _text(f"/vendors/{index}/vendorId", vendor.vendor_id, required=True)
        yield from _text(f"/vendors/{index}/name", vendor.name)
        yield from _text(f"/vendors/{index}/category", vendor.category)


def _timeline(wedding: Wedding) -> Iterator[FieldError]:
    yield from _count("/timeline", len(wedding.timeline))
    yield from _unique("/timeline", "id", (item.id for item in wedding.timeline))
    for index, item in enumerate(wedding.timeline):
        yield from _text(f"/timeline/{index}/id", item.id, required=True)
        yield from _text(f"/timeline/{index}/title", item.title)
        yield from _span(f"/timeline/{index}", item.starts_at, item.ends_at)
    yield from _together(wedding)


def _together(wedding: Wedding) -> Iterator[FieldError]:
    """All items lie around the ceremony, and that around the date.

    A slip in a year of one makes no wedding of a year, and one in the year of all no wedding that
    is watched in another year than its own.
    """
    ceremony = ceremony_start(wedding)
    if ceremony is None or ceremony.year not in YEARS:
        return
    if wedding.date.year in YEARS and wedding.venue.time_zone in zone_names():
        days = abs((local_date(wedding, ceremony) - wedding.date).days)
        if days >= FARTHEST_FROM_DATE_DAYS:
            at = next(i for i, item in enumerate(wedding.timeline) if item.starts_at == ceremony)
            yield FieldError(
                pointer=f"/timeline/{at}/startsAt",
                code="too-far",
                detail=f"it lies {days} days from the wedding's date, {wedding.date}; less than "
                f"{FARTHEST_FROM_DATE_DAYS} are possible",
            )
            return
    for index, item in enumerate(wedding.timeline):
        days = abs(item.starts_at - ceremony).days
        if item.starts_at.year in YEARS and days >= LONGEST_PART_DAYS:
            yield FieldError(
                pointer=f"/timeline/{index}/startsAt",
                code="too-far",
                detail=f"it lies {days} days from the ceremony; less than {LONGEST_PART_DAYS} "
                "are possible",
            )


def _events(wedding: Wedding) -> Iterator[FieldError]:
    yield from _count("/events", len(wedding.events))
    for index, event in enumerate(wedding.events):
        yield from _text(f"/events/{index}/name", event.name, required=True)
        yield from _span(f"/events/{index}", event.starts_at, event.ends_at)
    for index, (earlier, later) in enumerate(pairwise(wedding.events), start=1):
        if later.starts_at < earlier.starts_at:
            yield FieldError(
                pointer=f"/events/{index}/startsAt",
                code="out-of-order",
                detail="events stand in the order of their start",
            )


def _span(pointer: str, starts_at: datetime, ends_at: datetime | None) -> Iterator[FieldError]:
    outside = f"the year lies from {YEARS[0]} to {YEARS[-1]}"
    if starts_at.year not in YEARS:
        yield _out_of_range(f"{pointer}/startsAt", outside)
    if ends_at is None:
        return
    if ends_at.year not in YEARS:
        yield _out_of_range(f"{pointer}/endsAt", outside)
    elif ends_at < starts_at:
        yield FieldError(
            pointer=f"{pointer}/endsAt", code="before-start", detail="it ends before it starts"
        )
    elif (ends_at - starts_at).days >= LONGEST_PART_DAYS:
        yield FieldError(
            pointer=f"{pointer}/endsAt",
            code="too-long",
            detail=f"one part lasts less than {LONGEST_PART_DAYS} days",
        )


def _text(pointer: str, text: str | None, *, required: bool = False) -> Iterator[FieldError]:
    if required and not (text or "").strip():
        yield FieldError(pointer=pointer, code="required", detail="it must not be empty")
    elif any(unicodedata.category(char) == "Cc" for char in text or ""):
        yield FieldError(pointer=pointer, code="control-character", detail="plain text only")
    elif len(text or "") > TEXT_LIMIT:
        yield FieldError(
            pointer=pointer, code="too-long", detail=f"at most {TEXT_LIMIT} characters"
        )


def _degrees(pointer: str, degrees: float | None, *, limit: int) -> Iterator[FieldError]:
    # Written so that NaN, which fails every comparison, is refused as well.
    if degrees is not None and not -limit <= degrees <= limit:
        yield _out_of_range(pointer, f"from -{limit} to {limit} degrees")


def _count(pointer: str, count: int) -> Iterator[FieldError]:
    if count > LIST_LIMIT:
        yield FieldError(pointer=pointer, code="too-many", detail=f"at most {LIST_LIMIT}")


def _unique(pointer: str, member: str, ids: Iterable[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, an_id in enumerate(ids):
        if an_id in seen:
            yield FieldError(
                pointer=f"{pointer}/{index}/{member}",
                code="duplicate",
                detail="an earlier one has the same",
            )
        seen.add(an_id)


def _out_of_range(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="out-of-range", detail=detail)
