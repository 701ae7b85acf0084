"""The wedding clock as one value, stamped on everything that is stored about a wedding."""

from datetime import datetime

from wedsync.weddings.calendar import local
from wedsync.weddings.model import Status, Wedding, WeddingContext
from wedsync.weddings.phase import phase
from wedsync.weddings.saturday import is_saturday, is_weekend
from wedsync.weddings.season import USUAL_SEASON, SeasonMonths, in_season
from wedsync.weddings.timeline import operational_window, status


def wedding_context(
    wedding: Wedding, at: datetime, season: SeasonMonths = USUAL_SEASON
) -> WeddingContext:
    """Read the wedding clock at this instant."""
    wall = local(wedding, at)
    standing = status(wedding, at)
    return WeddingContext(
        wedding_id=wedding.wedding_id,
        couple_name=wedding.couple_name,
        status=standing,
        phase=phase(wedding, at),
        is_weekend=is_weekend(wedding, at),
        is_saturday_local=is_saturday(wedding, at),
        is_wedding_day=standing is Status.TODAY,
        is_season=in_season(wedding.venue, at, season),
        in_window=operational_window(wedding).contains(at),
        days_to_wedding=(wedding.date - wall.date()).days,
        local=wall,
        time_zone=wedding.venue.time_zone,
    )
