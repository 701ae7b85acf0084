"""Things that tests speak of, with everything that does not matter filled in."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from wedsync.weddings.calendar import instant
from wedsync.weddings.model import (
    Complexity,
    TimelineItem,
    TimelineKind,
    Vendor,
    Venue,
    Wedding,
    WeddingEvent,
)

SATURDAY = date(2025, 6, 7)
REGISTERED = datetime(2025, 1, 15, 9, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    """``utc("2025-06-07T23:30")``: an instant, as tests write it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at_venue(zone: str, text: str) -> datetime:
    """``at_venue("Australia/Sydney", "2025-06-07T16:00")``: the instant of a wall time."""
    return instant(zone, datetime.fromisoformat(text))


def an_item(
    starts_at: datetime,
    *,
    kind: TimelineKind = TimelineKind.OTHER,
    ends_at: datetime | None = None,
    item_id: str | None = None,
    title: str | None = None,
) -> TimelineItem:
    """An item of the day, named after its kind unless told otherwise."""
    return TimelineItem(
        id=item_id or kind.value,
        kind=kind,
        title=title or kind.value.title(),
        starts_at=starts_at,
        ends_at=ends_at,
    )


def an_event(name: str, starts_at: datetime, ends_at: datetime) -> WeddingEvent:
    """One part of a wedding of several days."""
    return WeddingEvent(name=name, starts_at=starts_at, ends_at=ends_at)


def vendors(*vendor_ids: str) -> tuple[Vendor, ...]:
    """Vendors by their ids alone."""
    return tuple(Vendor(vendor_id=vendor_id) for vendor_id in vendor_ids)


def a_wedding(
    *,
    on: date = SATURDAY,
    zone: str = "America/New_York",
    guests: int | None = 180,
    ceremony: str | None = "16:00",
    reception: str | None = None,
    until: str = "23:00",
    wedding_id: str = "w1",
    couple: str = "Emma & James",
    lat: float | None = None,
    lon: float | None = None,
    style: str | None = "rustic",
    complexity: Complexity | None = Complexity.MEDIUM,
    vendors: Sequence[Vendor] = (),
    timeline: Sequence[TimelineItem] | None = None,
    events: Sequence[WeddingEvent] = (),
    version: int = 1,
) -> Wedding:
    """A wedding with a ceremony of half an hour and a reception, in the venue's wall time.

    The reception begins two hours after the ceremony unless told otherwise. ``ceremony=None``
    plans nothing; ``timeline`` replaces both items. A time earlier than the ceremony's
    (``until="01:00"``) is after midnight.
    """
    if timeline is None:
        timeline = () if ceremony is None else _usual(on, zone, ceremony, reception, until)
    return Wedding(
        wedding_id=wedding_id,
        couple_name=couple,
        date=on,
        venue=Venue(time_zone=zone, lat=lat, lon=lon, type="barn_farm", name="The Old Barn"),
        guest_count=guests,
        style=style,
        complexity=complexity,
        vendors=tuple(vendors),
        timeline=tuple(timeline),
        events=tuple(events),
        created_at=REGISTERED,
        updated_at=REGISTERED,
        version=version,
    )


def _usual(
    on: date, zone: str, ceremony: str, reception: str | None, until: str
) -> tuple[TimelineItem, ...]:
    def at(clock: str) -> datetime:
        hour = time.fromisoformat(clock)
        day = on + timedelta(days=hour < time.fromisoformat(ceremony))
        return instant(zone, datetime.combine(day, hour))

    begins = at(ceremony)
    return (
        an_item(begins, kind=TimelineKind.CEREMONY, ends_at=begins + timedelta(minutes=30)),
        an_item(
            begins + timedelta(hours=2) if reception is None else at(reception),
            kind=TimelineKind.RECEPTION,
            ends_at=at(until),
        ),
    )
