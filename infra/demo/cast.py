"""The weddings of the demonstration: one on its day now, others elsewhere and later."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from infra.demo.imagined import PLACES, ImaginedWedding, Place, imagine
from wedsync.weddings.calendar import local

_SATURDAY = 5
_INTO_THE_CEREMONY = timedelta(minutes=20)
_QUARTER_SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """``live`` is the wedding that is on; ``day`` says whether that is a Saturday there."""

    live: ImaginedWedding
    others: tuple[ImaginedWedding, ...]
    day: str

    @property
    def all(self) -> tuple[ImaginedWedding, ...]:
        """Every wedding, the live one first."""
        return (self.live, *self.others)


def cast(*, seed: int, now: datetime) -> Cast:
    """Choose where it is Saturday, by day if possible, for the wedding that is on now."""
    random = Random(f"cast/{seed}")  # noqa: S311 - repeatable
    stage = max(PLACES, key=lambda place: _suits(place, now))
    today = local(stage.time_zone, now)
    begun = now - _INTO_THE_CEREMONY
    ceremony_at = begun - timedelta(seconds=begun.timestamp() % _QUARTER_SECONDS)
    live = imagine(random, on=today.date(), place=stage, ceremony_at=ceremony_at)
    day = (
        f"It is Saturday at {stage.name} ({stage.time_zone}): a wedding Saturday."
        if today.weekday() == _SATURDAY
        else f"It is {today:%A} at {stage.name} ({stage.time_zone}), not Saturday: "
        "the rules of the wedding day apply alike."
    )
    sydney, honolulu = (_place(zone) for zone in ("Australia/Sydney", "Pacific/Honolulu"))
    elsewhere = [place for place in PLACES if place not in {stage, sydney, honolulu}]
    planned = [
        (sydney, 0),
        (honolulu, 0),
        (elsewhere[0], 3),
        (elsewhere[1], 11),
        (elsewhere[2], 30),
    ]
    others = tuple(
        imagine(random, on=_saturday(place, now, weeks), place=place) for place, weeks in planned
    )
    return Cast(live=live, others=others, day=day)


def _suits(place: Place, now: datetime) -> tuple[bool, int]:
    """A Saturday first; then the nearer to five in the afternoon, the better."""
    there = local(place.time_zone, now)
    return there.weekday() == _SATURDAY, -abs(there.hour - 17)


def _saturday(place: Place, now: datetime, weeks: int) -> date:
    """The next Saturday there that has not begun, and so many weeks on."""
    today = local(place.time_zone, now).date()
    ahead = (_SATURDAY - today.weekday()) % 7 or 7
    return today + timedelta(days=ahead, weeks=weeks)


def _place(zone: str) -> Place:
    return next(place for place in PLACES if place.time_zone == zone)
