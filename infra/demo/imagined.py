"""Imagined weddings: couples, venues, vendors and a day's plan, the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from wedsync.weddings.calendar import instant
from wedsync.weddings.model import Venue
from wedsync.weddings.season import USUAL_SEASON, climate

FEWEST_GUESTS = 50
MOST_GUESTS = 500
_SATURDAY = 5
_SEASON_SHARE = 0.73
"""Of the weddings in the United States, those in the busy half of the year."""

_NAMES = (
    "Aiko",
    "Amara",
    "Amelia",
    "Ana",
    "Anouk",
    "Aroha",
    "Beatriz",
    "Ben",
    "Bo",
    "Carmen",
    "Chidi",
    "Clara",
    "Daniel",
    "Diego",
    "Elif",
    "Emil",
    "Farah",
    "Femi",
    "Freya",
    "Giulia",
    "Hana",
    "Hugo",
    "Ines",
    "Isaac",
    "Ivy",
    "Jonas",
    "Kaia",
    "Kenji",
    "Lea",
    "Leilani",
    "Liam",
    "Lucia",
    "Mads",
    "Malia",
    "Mateo",
    "Mei",
    "Mina",
    "Nadia",
    "Noah",
    "Nora",
    "Omar",
    "Priya",
    "Ravi",
    "Rosa",
    "Sam",
    "Sofia",
    "Tane",
    "Tom",
    "Yara",
    "Zoe",
)
_STYLES = ("classic", "rustic", "boho", "modern", "garden", "beach")
_COMPLEXITIES = ("low", "medium", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A venue that could be."""

    name: str
    time_zone: str
    lat: float
    lon: float
    type: str


PLACES = (
    Place(name="Finca Olivar", time_zone="Europe/Madrid", lat=40.2, lon=-3.9, type="estate"),
    Place(name="Harbour House", time_zone="Australia/Sydney", lat=-33.9, lon=151.2, type="hotel"),
    Place(name="Kahala Lawn", time_zone="Pacific/Honolulu", lat=21.3, lon=-157.8, type="beach"),
    Place(name="The Old Mill", time_zone="America/New_York", lat=41.7, lon=-73.9, type="barn"),
    Place(name="Quinta do Vale", time_zone="Europe/Lisbon", lat=38.7, lon=-9.4, type="vineyard"),
    Place(name="Mission Ranch", time_zone="America/Los_Angeles", lat=36.5, lon=-121.9, type="barn"),
    Place(name="Lodhi Gardens", time_zone="Asia/Kolkata", lat=28.6, lon=77.2, type="garden"),
    Place(name="Kamakura Terrace", time_zone="Asia/Tokyo", lat=35.3, lon=139.5, type="terrace"),
    Place(name="Wharf Hall", time_zone="Pacific/Auckland", lat=-36.8, lon=174.8, type="hall"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A vendor that works at weddings. ``vendor_id`` is the same wherever it works."""

    vendor_id: str
    name: str
    category: str


BUSINESSES = (
    Business(vendor_id="lumen-photo", name="Lumen Photography", category="photographer"),
    Business(vendor_id="still-life", name="Still Life Studio", category="photographer"),
    Business(vendor_id="petal-and-stem", name="Petal & Stem", category="florist"),
    Business(vendor_id="wild-garden", name="Wild Garden", category="florist"),
    Business(vendor_id="blue-hour", name="The Blue Hour Band", category="band"),
    Business(vendor_id="second-line", name="Second Line Brass", category="band"),
    Business(vendor_id="long-table", name="Long Table Catering", category="caterer"),
    Business(vendor_id="saffron-co", name="Saffron & Co", category="caterer"),
    Business(vendor_id="sugar-rose", name="Sugar Rose Cakes", category="baker"),
    Business(vendor_id="clockwork", name="Clockwork Planning", category="planner"),
    Business(vendor_id="silver-reel", name="Silver Reel Films", category="videographer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """One item of the day, in the venue's wall time turned into UTC."""

    id: str
    kind: str
    title: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ImaginedWedding:
    """Everything that a platform would know of it; times are UTC, ``date`` is the venue's."""

    couple_name: str
    date: date
    place: Place
    guest_count: int
    style: str
    complexity: str
    vendors: tuple[Business, ...]
    timeline: tuple[PlannedItem, ...]

    @property
    def ceremony_at(self) -> datetime:
        """When the ceremony begins."""
        return self.timeline[0].starts_at

    def document(self) -> dict[str, object]:
        """The members with which it is registered."""
        place = self.place
        return {
            "coupleName": self.couple_name,
            "date": self.date.isoformat(),
            "venue": {
                "name": place.name,
                "type": place.type,
                "timeZone": place.time_zone,
                "lat": place.lat,
                "lon": place.lon,
            },
            "guestCount": self.guest_count,
            "style": self.style,
            "complexity": self.complexity,
            "vendors": [
                {"vendorId": each.vendor_id, "name": each.name, "category": each.category}
                for each in self.vendors
            ],
            "timeline": [
                {
                    "id": item.id,
                    "kind": item.kind,
                    "title": item.title,
                    "startsAt": item.starts_at.isoformat(),
                    "endsAt": item.ends_at.isoformat(),
                }
                for item in self.timeline
            ],
        }


def imagine(
    random: Random,
    *,
    on: date,
    place: Place | None = None,
    ceremony_at: datetime | None = None,
) -> ImaginedWedding:
    """A wedding on this date, whose ceremony is in the afternoon unless it is given."""
    chosen = place or random.choice(PLACES)
    partners = random.sample(_NAMES, 2)
    afternoon = time(random.choice((14, 15, 16)), random.choice((0, 30)))
    starts_at = ceremony_at or instant(chosen.time_zone, datetime.combine(on, afternoon))
    return ImaginedWedding(
        couple_name=" & ".join(partners),
        date=on,
        place=chosen,
        guest_count=guest_count(random),
        style=random.choice(_STYLES),
        complexity=random.choice(_COMPLEXITIES),
        vendors=_team(random),
        timeline=_day(starts_at.astimezone(UTC)),
    )


def guest_count(random: Random) -> int:
    """Most weddings have between 80 and 200 guests; none fewer than 50, none more than 500."""
    return round(min(MOST_GUESTS, max(FEWEST_GUESTS, random.lognormvariate(4.85, 0.5))))


def saturday_in_year(random: Random, *, year: int, place: Place) -> date:
    """A Saturday: 73 of 100 in the months that are in season at the place."""
    venue = Venue(time_zone=place.time_zone, lat=place.lat, lon=place.lon)
    busy = USUAL_SEASON.of(climate(venue))
    quiet = tuple(month for month in range(1, 13) if month not in busy)
    months = busy if random.random() < _SEASON_SHARE else quiet
    first = date(year, random.choice(months), 1)
    saturday = first + timedelta(days=(_SATURDAY - first.weekday()) % 7)
    return saturday + timedelta(weeks=random.randrange(4))


def _team(random: Random) -> tuple[Business, ...]:
    """One business of each category, the photographer always, others most of the time."""
    by_category: dict[str, list[Business]] = {}
    for each in BUSINESSES:
        by_category.setdefault(each.category, []).append(each)
    return tuple(
        random.choice(of_category)
        for category, of_category in by_category.items()
        if random.random() < 0.75 or category == "photographer"
    )


def _day(ceremony_at: datetime) -> tuple[PlannedItem, ...]:
    plan: Sequence[tuple[str, str, str, int, int]] = (
        ("ceremony", "ceremony", "Ceremony", 0, 45),
        ("drinks", "reception", "Drinks and pictures", 45, 120),
        ("dinner", "reception", "Dinner and speeches", 120, 270),
        ("party", "reception", "Party", 270, 510),
    )
    return tuple(
        PlannedItem(
            id=name,
            kind=kind,
            title=title,
            starts_at=ceremony_at + timedelta(minutes=begins),
            ends_at=ceremony_at + timedelta(minutes=ends),
        )
        for name, kind, title, begins, ends in plan
    )
