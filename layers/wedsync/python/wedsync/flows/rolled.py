"""Reading what was rolled up: whole hours, and quarters of one at the edges of a range."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wedsync.errors import ResolutionNotKept
from wedsync.flows.closing import MINUTES_PER_QUARTER
from wedsync.flows.times import MINUTES_PER_HOUR
from wedsync.metrics.block import Block
from wedsync.stores.rollups import RolledHour, RolledQuarters, Scope, ScopeKind
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding

UTC_ZONE = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Something stored that begins at this epoch minute."""

    minute: int
    version: int
    block: Block


def zone_of_days(scope: Scope, weddings: Mapping[str, Wedding]) -> str:
    """The zone whose days are kept of this scope: a wedding's is its venue's, any other's UTC."""
    wedding = weddings.get(scope.id) if scope.kind is ScopeKind.WEDDING else None
    return UTC_ZONE if wedding is None else wedding.venue.time_zone


def hours_of(
    services: Services, tenant: Tenant, scope: Scope, *, first: int, last: int
) -> tuple[RolledHour, ...]:
    """The stored hours within these bounds, in order, and what was backfilled to them.

    Of a vendor, these are every pack's shares.
    """
    backfilled = (
        RolledHour(hour=each.hour, version=1, block=each.whole())
        for each in services.backfills.added(tenant, scope, first=first, last=last)
    )
    kept = _hours(services, tenant, scope, first=first, last=last)
    return tuple(sorted((*kept, *backfilled), key=lambda each: each.hour))


def _hours(
    services: Services, tenant: Tenant, scope: Scope, *, first: int, last: int
) -> tuple[RolledHour, ...]:
    if scope.kind is not ScopeKind.WEDDING:
        return services.rollups.hours(tenant, scope, first=first, last=last)
    return tuple(
        RolledHour(hour=each.hour, version=each.version, block=each.block)
        for each in services.windows.hours(tenant, scope.id, first=first, last=last)
    )


def stored_pieces(
    services: Services, tenant: Tenant, scope: Scope, first: int, end: int
) -> Iterator[Piece]:
    """What is stored between two minutes, the second exclusive: hours, and quarters at the edges.

    Raises ResolutionNotKept where an hour would have to be cut that is kept as a whole alone.
    """
    whole_from = -(-first // MINUTES_PER_HOUR)
    whole_until = end // MINUTES_PER_HOUR
    if whole_from > whole_until:
        yield from _quarters(services, tenant, scope, first, end)
        return
    yield from _quarters(services, tenant, scope, first, whole_from * MINUTES_PER_HOUR)
    if whole_from < whole_until:
        for each in hours_of(services, tenant, scope, first=whole_from, last=whole_until - 1):
            yield Piece(minute=each.hour * MINUTES_PER_HOUR, version=each.version, block=each.block)
    yield from _quarters(services, tenant, scope, whole_until * MINUTES_PER_HOUR, end)


def _quarters(
    services: Services, tenant: Tenant, scope: Scope, first: int, end: int
) -> Iterator[Piece]:
    """Part of an hour. Days begin at quarters of an hour in every zone since 1972."""
    if first >= end:
        return
    hour = first // MINUTES_PER_HOUR
    kept = services.rollups.quarters(tenant, scope, hour)
    if not kept and _hours(services, tenant, scope, first=hour, last=hour):
        raise ResolutionNotKept("days of this zone begin within an hour that is kept as a whole")
    backfilled = (
        RolledQuarters(version=1, blocks=each.blocks)
        for each in services.backfills.added(tenant, scope, first=hour, last=hour)
    )
    for rolled in (*kept, *backfilled):
        for at, block in enumerate(rolled.blocks):
            minute = hour * MINUTES_PER_HOUR + at * MINUTES_PER_QUARTER
            if first <= minute < end:
                yield Piece(minute=minute, version=rolled.version, block=block)
