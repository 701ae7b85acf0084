"""Bodies of the roster: who is on duty."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from wedsync.api.contacts import RoleName, WallTime, ZoneName
from wedsync.api.shape import Instant, LocalDate, Name, ReadBack, Reply, Request
from wedsync.errors import FieldError, Invalid
from wedsync.notifications.roster import Gap, Override, Roster, Rotation, of_those_here, on_duty


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WEEK = tuple(Weekday)


class RotationRequest(Request):
    """Members of a role take turns, each for so many days, from a first day on."""

    role: RoleName
    members: Annotated[list[Name], Field(min_length=1, max_length=50)]
    starts_on: LocalDate
    hand_over: WallTime = Field(description="the wall time at which shifts change")
    shift_days: Annotated[int, Field(ge=1, le=366)] = 7
    days: Annotated[
        list[Annotated[Weekday, Field(strict=False)]],
        Field(default_factory=list, max_length=7, description="none: every day"),
    ]
    until: LocalDate | None = None


class OverrideRequest(Request):
    """Somebody stands in for a role for a while; null: nobody does."""

    role: RoleName
    contact_id: Name | None
    starts_at: Instant
    ends_at: Instant

    @model_validator(mode="after")
    def _passes(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("an override ends after it has begun")
        return self


class RosterRequest(ReadBack):
    """All of a tenant's duties."""

    server_made = frozenset({"onDuty", "saturdayGaps", "updatedAt", "version"})

    time_zone: ZoneName
    rotations: Annotated[list[RotationRequest], Field(default_factory=list, max_length=50)]
    overrides: Annotated[list[OverrideRequest], Field(default_factory=list, max_length=200)]

    def roster(self, *, known: Collection[str], at: datetime) -> Roster:
        """The roster. Raises Invalid where it names somebody who is no contact."""
        wrong = [
            FieldError(pointer=pointer, code="unknown-contact", detail="no such contact")
            for pointer, name in self._named()
            if name not in known
        ]
        if wrong:
            raise Invalid.fields(wrong)
        return Roster(
            time_zone=self.time_zone,
            rotations=tuple(
                Rotation(
                    role=each.role,
                    members=tuple(each.members),
                    starts_on=each.starts_on,
                    hand_over=each.hand_over,
                    shift_days=each.shift_days,
                    days=tuple(sorted({_WEEK.index(day) for day in each.days})),
                    until=each.until,
                )
                for each in self.rotations
            ),
            overrides=tuple(
                Override(
                    role=each.role,
                    contact_id=each.contact_id,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                )
                for each in self.overrides
            ),
            updated_at=at,
        )

    def _named(self) -> list[tuple[str, str]]:
        members = [
            (f"/rotations/{place}/members/{index}", name)
            for place, rotation in enumerate(self.rotations)
            for index, name in enumerate(rotation.members)
        ]
        stand_ins = [
            (f"/overrides/{place}/contactId", override.contact_id)
            for place, override in enumerate(self.overrides)
            if override.contact_id is not None
        ]
        return [*members, *stand_ins]


class RotationReply(Reply):
    """Members of a role take turns."""

    role: str
    members: list[str]
    starts_on: str
    hand_over: str
    shift_days: int
    days: list[Weekday]
    until: str | None


class OverrideReply(Reply):
    """Somebody stands in for a role for a while; null: nobody does."""

    role: str
    contact_id: str | None
    starts_at: datetime
    ends_at: datetime


class DutyReply(Reply):
    """Who is on duty for a role now; nobody where the roster has a gap."""

    role: str
    contact_ids: list[str]


class GapReply(Reply):
    """Nobody is on duty for a role from one instant to another."""

    role: str
    starts_at: datetime
    ends_at: datetime


class RosterReply(Reply):
    """A tenant's duties, who has them now, and the gaps of the Saturday that comes, or is."""

    time_zone: str
    rotations: list[RotationReply]
    overrides: list[OverrideReply]
    on_duty: list[DutyReply]
    saturday_gaps: list[GapReply]
    updated_at: datetime | None
    version: int

    @classmethod
    def of(
        cls, roster: Roster, *, gaps: Sequence[Gap], known: Collection[str], at: datetime
    ) -> "RosterReply":
        """This roster as it stands at this time, of the contacts that there are: ``known``."""
        here = of_those_here(roster, known)
        return cls(
            time_zone=roster.time_zone,
            rotations=[
                RotationReply(
                    role=each.role,
                    members=list(each.members),
                    starts_on=each.starts_on.isoformat(),
                    hand_over=f"{each.hand_over:%H:%M}",
                    shift_days=each.shift_days,
                    days=[_WEEK[day] for day in each.days],
                    until=each.until.isoformat() if each.until is not None else None,
                )
                for each in here.rotations
            ],
            overrides=[
                OverrideReply(
                    role=each.role,
                    contact_id=each.contact_id,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                )
                for each in here.overrides
            ],
            on_duty=[
                DutyReply(role=role, contact_ids=list(on_duty(roster, role, at, known=known) or ()))
                for role in roster.roles
            ],
            saturday_gaps=[
                GapReply(role=each.role, starts_at=each.starts_at, ends_at=each.ends_at)
                for each in gaps
            ],
            updated_at=roster.updated_at,
            version=roster.version,
        )
