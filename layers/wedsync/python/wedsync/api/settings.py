"""Bodies of a tenant's settings."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from wedsync.api.shape import ReadBack, Reply, Request
from wedsync.errors import Conflict
from wedsync.metrics.packs import MOST_PACKS, PackChange, TooManyChanges
from wedsync.stores.tenant_settings import TenantSettings
from wedsync.weddings.season import SeasonMonths


def _in_order(months: list[int]) -> list[int]:
    return sorted(set(months))


Months = Annotated[
    list[Annotated[int, Field(ge=1, le=12)]], Field(max_length=12), AfterValidator(_in_order)
]
"""Months of the year, January being 1."""


class SeasonRequest(Request):
    """The months in season, by where a venue lies; the tropics lie within 15 degrees."""

    north: Months
    south: Months
    tropics: Months


class SettingsRequest(ReadBack):
    """All of a tenant's settings."""

    server_made = frozenset({"packsInForce", "packChanges", "updatedAt", "version"})

    packs: Annotated[int, Field(ge=1, le=MOST_PACKS)]
    season_months: SeasonRequest

    def settled(self, former: TenantSettings, *, at: datetime) -> TenantSettings:
        """The former settings with these in their place. Raises Conflict."""
        try:
            packs = former.packs.changed(self.packs, now_ms=round(at.timestamp() * 1000))
        except TooManyChanges as error:
            raise Conflict(str(error)) from None
        return TenantSettings(
            packs=packs,
            season=SeasonMonths(
                north=tuple(self.season_months.north),
                south=tuple(self.season_months.south),
                tropics=tuple(self.season_months.tropics),
            ),
            updated_at=at,
        )


class SeasonReply(Reply):
    """The months in season, by where a venue lies."""

    north: list[int]
    south: list[int]
    tropics: list[int]


class PackChangeReply(Reply):
    """From ``since`` on, what is sent is spread over so many packs."""

    since: datetime
    packs: int

    @classmethod
    def of(cls, change: PackChange) -> "PackChangeReply":
        """This change."""
        return cls(since=datetime.fromtimestamp(change.since_ms / 1000, UTC), packs=change.packs)


class SettingsReply(Reply):
    """A tenant's settings. ``packs`` is the number that was settled last.

    It is in force once the last of ``packChanges`` is.
    """

    packs: int
    packs_in_force: int
    pack_changes: list[PackChangeReply]
    season_months: SeasonReply
    updated_at: datetime | None
    version: int

    @classmethod
    def of(cls, settings: TenantSettings, *, at: datetime) -> "SettingsReply":
        """These settings as they stand at this time."""
        season = settings.season
        return cls(
            packs=settings.packs.last,
            packs_in_force=settings.packs.at(round(at.timestamp() * 1000)),
            pack_changes=[PackChangeReply.of(change) for change in settings.packs.changes],
            season_months=SeasonReply(
                north=list(season.north), south=list(season.south), tropics=list(season.tropics)
            ),
            updated_at=settings.updated_at,
            version=settings.version,
        )
