"""Wedding season: which months are busy where the venue stands.

The months rest on surveys of the two hemispheres: 73 % of weddings in the United States fall in
May to October; in Australia October, November and March lead, and June and July trail. Near the
equator neither holds, so there only what a tenant says of itself counts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wedsync.weddings.calendar import local_date
from wedsync.weddings.model import Venue

TROPICAL_DEGREES = 15.0


class Climate(StrEnum):
    """Which calendar of seasons a venue lives by."""

    NORTH = "north"
    SOUTH = "south"
    TROPICS = "tropics"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonMonths:
    """The months (1-12) in season per climate, as a tenant may edit them.

    ``tropics`` is the tenant's alone to fill; empty means never in season there.
    """

    north: tuple[int, ...] = (5, 6, 7, 8, 9, 10)
    south: tuple[int, ...] = (1, 2, 3, 4, 10, 11, 12)
    tropics: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for month in (*self.north, *self.south, *self.tropics):
            if month not in range(1, 13):
                raise ValueError(f"{month} is not a month")

    def of(self, climate: Climate) -> tuple[int, ...]:
        """Months in season in this climate."""
        match climate:
            case Climate.NORTH:
                return self.north
            case Climate.SOUTH:
                return self.south
            case Climate.TROPICS:
                return self.tropics


USUAL_SEASON = SeasonMonths()


def climate(venue: Venue) -> Climate:
    """By the venue's latitude, else by its zone's hemisphere, else north.

    A zone alone never says tropics: America/Sao_Paulo and Australia/Brisbane each span both.
    """
    if venue.lat is not None:
        if abs(venue.lat) < TROPICAL_DEGREES:
            return Climate.TROPICS
        return Climate.SOUTH if venue.lat < 0 else Climate.NORTH
    return Climate.SOUTH if is_southern_zone(venue.time_zone) else Climate.NORTH


def in_season(venue: Venue, at: datetime, months: SeasonMonths = USUAL_SEASON) -> bool:
    """Whether the local month at this instant is in season at the venue."""
    return local_date(venue, at).month in months.of(climate(venue))


def is_southern_zone(name: str) -> bool:
    """Whether the zone's principal city lies south of the equator."""
    region, _, city = name.partition("/")
    return region in _SOUTHERN_REGIONS or city in _SOUTHERN_CITIES.get(region, frozenset())


_SOUTHERN_REGIONS = frozenset({"Antarctica", "Australia", "Brazil", "Chile", "NZ", "NZ-CHAT"})
_SOUTHERN_CITIES = {
    region: frozenset(cities.split())
    for region, cities in {
        "Africa": """Blantyre Brazzaville Bujumbura Dar_es_Salaam Gaborone Harare Johannesburg
            Kigali Kinshasa Luanda Lubumbashi Lusaka Maputo Maseru Mbabane Nairobi Windhoek""",
        "America": """Araguaina Argentina/Buenos_Aires Argentina/Catamarca
            Argentina/ComodRivadavia Argentina/Cordoba Argentina/Jujuy Argentina/La_Rioja
            Argentina/Mendoza Argentina/Rio_Gallegos Argentina/Salta Argentina/San_Juan
            Argentina/San_Luis Argentina/Tucuman Argentina/Ushuaia Asuncion Bahia Belem
            Buenos_Aires Campo_Grande Catamarca Cordoba Coyhaique Cuiaba Eirunepe Fortaleza
            Guayaquil Jujuy La_Paz Lima Maceio Manaus Mendoza Montevideo Noronha Porto_Acre
            Porto_Velho Punta_Arenas Recife Rio_Branco Rosario Santarem Santiago Sao_Paulo""",
        "Asia": "Dili Jakarta Jayapura Makassar Pontianak Ujung_Pandang",
        "Atlantic": "South_Georgia St_Helena Stanley",
        "Indian": """Antananarivo Chagos Christmas Cocos Comoro Kerguelen Mahe Mauritius Mayotte
            Reunion""",
        "Pacific": """Apia Auckland Bougainville Chatham Easter Efate Enderbury Fakaofo Fiji
            Funafuti Galapagos Gambier Guadalcanal Kanton Marquesas Nauru Niue Norfolk Noumea
            Pago_Pago Pitcairn Port_Moresby Rarotonga Samoa Tahiti Tongatapu Wallis""",
        "US": "Samoa",
    }.items()
}
