"""Who is on duty: rotations of shifts, and what stands above them for a while.

Shifts change at a wall time of the roster's zone, so that a hand-over at eight stays at eight when
clocks are changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from wedsync.weddings.calendar import zone

FRIDAY, SATURDAY = 4, 5
_UP_FROM_HOUR = 9
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Members of a role take turns, each for so many days, from a first day on.

    ``days``: the weekdays (Monday is 0) that it covers; none: every day. ``until``: the last day.
    """

    role: str
    members: tuple[str, ...]
    starts_on: date
    hand_over: time
    shift_days: int = 7
    days: tuple[int, ...] = ()
    until: date | None = None

    def on_duty(self, day: date) -> str | None:
        """Who has the shift that begins, or goes on, at this day's hand-over."""
        passed = (day - self.starts_on).days
        if passed < 0 or not self.members or (self.until is not None and day > self.until):
            return None
        if self.days and day.weekday() not in self.days:
            return None
        return self.members[passed // self.shift_days % len(self.members)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody stands in for a role from one instant to another, or nobody does (None)."""

    role: str
    contact_id: str | None
    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        """Whether it holds then."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """A tenant's duties."""

    time_zone: str
    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Override, ...] = ()
    updated_at: datetime | None = None
    version: int = 0

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that somebody is to be on duty for."""
        return tuple(dict.fromkeys(each.role for each in self.rotations))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Nobody is on duty for a role from one instant to another."""

    role: str
    starts_at: datetime
    ends_at: datetime


def on_duty(
    roster: Roster, role: str, at: datetime, *, known: Iterable[str] | None = None
) -> tuple[str, ...] | None:
    """Who is on duty; an empty tuple where the roster has a gap, None where it has no such role.

    Overrides stand above rotations, the last one above the others. ``known``: the contacts that
    there are; whoever is gone is not on duty.
    """
    here = None if known is None else frozenset(known)
    for override in reversed(roster.overrides):
        if override.role == role and override.covers(at):
            return _present([override.contact_id], here)
    place = zone(roster.time_zone)
    wall = at.astimezone(place)
    turns = [each for each in roster.rotations if each.role == role]
    if not turns:
        return None
    found = []
    for rotation in turns:
        day = wall.date() if wall.time() >= rotation.hand_over else wall.date() - _DAY
        found.append(rotation.on_duty(day))
    return _present(found, here)


def of_those_here(roster: Roster, known: Iterable[str]) -> Roster:
    """The roster without whoever is gone, and without rotations and overrides of such alone.

    Settled anew it has no gaps where they had their turns: who is left shares those.
    """
    here = frozenset(known)
    rotations = (
        replace(each, members=tuple(name for name in each.members if name in here))
        for each in roster.rotations
    )
    return replace(
        roster,
        rotations=tuple(each for each in rotations if each.members),
        overrides=tuple(
            each for each in roster.overrides if each.contact_id is None or each.contact_id in here
        ),
    )


def gaps(
    roster: Roster, first: datetime, last: datetime, *, known: Iterable[str] | None = None
) -> tuple[Gap, ...]:
    """Where nobody is on duty between two instants, role by role."""
    here = None if known is None else frozenset(known)
    found: list[Gap] = []
    for role in roster.roles:
        edges = _edges(roster, role, first, last)
        for start, end in pairwise(edges):
            if on_duty(roster, role, start, known=here):
                continue
            if found and found[-1].role == role and found[-1].ends_at == start:
                start = found.pop().starts_at  # noqa: PLW2901 - one gap that goes on
            found.append(Gap(role=role, starts_at=start, ends_at=end))
    return tuple(found)


def is_time_to_look(roster: Roster, now: datetime) -> bool:
    """Whether it is Friday in the roster's zone, and people are up: from nine in the morning on."""
    wall = now.astimezone(zone(roster.time_zone))
    return wall.weekday() == FRIDAY and wall.hour >= _UP_FROM_HOUR


def next_saturday(roster: Roster, now: datetime) -> tuple[datetime, datetime]:
    """The Saturday that comes, or is, in the roster's zone: from its first instant to its last."""
    place = zone(roster.time_zone)
    today = now.astimezone(place).date()
    saturday = today + timedelta(days=(SATURDAY - today.weekday()) % 7)
    return _midnight(saturday, place), _midnight(saturday + _DAY, place)


def _edges(roster: Roster, role: str, first: datetime, last: datetime) -> list[datetime]:
    """Every instant at which somebody may come or go, with both ends."""
    place = zone(roster.time_zone)
    edges = {first, last}
    for rotation in (each for each in roster.rotations if each.role == role):
        day = first.astimezone(place).date() - _DAY
        while day <= last.astimezone(place).date():
            edges.add(datetime.combine(day, rotation.hand_over, place).astimezone(UTC))
            day += _DAY
    for override in (each for each in roster.overrides if each.role == role):
        edges |= {override.starts_at, override.ends_at}
    return sorted(each for each in edges if first <= each <= last)


def _midnight(day: date, place: tzinfo) -> datetime:
    return datetime.combine(day, time(), place).astimezone(UTC)


def _present(names: Iterable[str | None], here: frozenset[str] | None) -> tuple[str, ...]:
    wanted = dict.fromkeys(each for each in names if each is not None)
    return tuple(each for each in wanted if here is None or each in here)
