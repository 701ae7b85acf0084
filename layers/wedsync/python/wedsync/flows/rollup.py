"""Hours and days of tenants, weddings and vendors, made from minutes and kept long after them.

A pack's hour is made from its minutes, a tenant's from its packs', a day from its hours. Whoever
changes an hour that is over makes all of it anew, and the last to do so has read everything: what
stays was made from the most. The jobs of the clock start where their last complete run ended.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from wedsync.flows.closing import PackHour, read_hour
from wedsync.flows.records import keep_records
from wedsync.flows.rolled import stored_pieces, zone_of_days
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of, minute_start
from wedsync.metrics.block import Block
from wedsync.metrics.parts import of_vendor, vendor_ids
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rollups import (
    QUARTERS,
    WHOLE,
    Again,
    Changed,
    Part,
    RolledDay,
    RolledHour,
    RolledQuarters,
    Scope,
    ScopeKind,
)
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.days import LocalDay, day_at, days_between
from wedsync.weddings.model import Wedding

SETTLED = timedelta(minutes=2)
"""A frontier stays this far behind the clock."""
HOURS_BACK = 47
"""Minutes are kept for 48 h: what a job missed longer ago cannot be made any more."""
DAYS_AFTER = timedelta(hours=25)
"""Days are made when the last point that may still be accepted for them has come, and an hour."""
DAYS_BACK = timedelta(days=4)
"""As far back as a missed day is made: the shares of its hours are kept a day longer."""
_LEEWAY = timedelta(minutes=5)
"""Far more than two functions' clocks differ."""
_LONGEST_DAY = timedelta(hours=26)


def keep_wedding_hours(
    services: Services, tenant: Tenant, pack: int, read: PackHour
) -> dict[str, tuple[PackHour, ...]]:
    """Store the hour of each wedding that has points in this pack; the packs' hours of each.

    Where the number of packs changed near the hour, a wedding's hour is made from every pack that
    its points may lie in. Each writer closes what it changed before it reads the rest, so that of
    two the later sees both, and its version is the greater.
    """
    first = read.hour * MINUTES_PER_HOUR
    packs = settings_of(services, tenant).packs
    hours = {pack: read}
    found: dict[str, tuple[PackHour, ...]] = {}
    for wedding_id in read.whole.wedding_ids():
        homes = packs.homes(wedding_id, first, read.through - 1)
        if pack not in homes:
            continue
        for home in homes:
            if home not in hours:
                hours[home] = read_hour(services, tenant, home, read.hour, before=read.through)
        parts = tuple(hours[home] for home in homes)
        services.windows.put_hour(
            tenant,
            wedding_id,
            read.hour,
            Block.merge(part.whole.only(wedding_id) for part in parts),
            through=read.through,
            version=sum(part.version for part in parts),
            now=services.now(),
        )
        found[wedding_id] = parts
    return found


def roll_up_pack_hour(services: Services, tenant: Tenant, pack: int, hour: int) -> None:
    """Make a pack's share of an hour that is over: its weddings, its vendors, its totals."""
    now = services.now()
    read = read_hour(services, tenant, pack, hour, before=(hour + 1) * MINUTES_PER_HOUR)
    if not read.version:
        return
    weddings = keep_wedding_hours(services, tenant, pack, read)
    registered = services.weddings.find_many(tenant, weddings)
    _keep_quarters_where_a_day_begins(services, tenant, hour, weddings, registered)
    keep_records(services, tenant, read, weddings, registered)
    vendors = vendor_ids(read.whole)
    quarters = read.quarters()
    for vendor_id in vendors:
        scope = Scope(ScopeKind.VENDOR, vendor_id)
        if not scope.storable:
            continue
        blocks = tuple(of_vendor(block, vendor_id) for block in quarters)
        rolled = RolledHour(hour=hour, version=read.version, block=Block.merge(blocks))
        in_four = RolledQuarters(version=read.version, blocks=blocks)
        services.rollups.put_quarters(tenant, scope, hour, in_four, now=now, pack=pack)
        services.rollups.put_hour(tenant, scope, rolled, now=now, pack=pack)
    part = Part(
        pack=pack,
        version=read.version,
        quarters=tuple(block.totals_only().encode() for block in quarters),
        scopes=(
            *(Scope(ScopeKind.WEDDING, each) for each in weddings),
            *(Scope(ScopeKind.VENDOR, each) for each in vendors),
        ),
    )
    services.rollups.put_part(tenant, hour, part, now=now)


def gather_hour(
    services: Services, tenant: Tenant, hour: int, *, changed: Collection[int] = ()
) -> None:
    """Make the tenant's hour of its packs' shares.

    Of those of the ``changed`` packs days may have been made already, which are to be made again.
    That is noted last: whoever finds the note finds the hours that it is about.
    """
    now = services.now()
    parts = services.rollups.parts(tenant, hour)
    version = sum(part.version for part in parts)
    if not version:
        return
    blocks = tuple(
        Block.merge(Block.decode(part.quarters[at]) for part in parts) for at in range(QUARTERS)
    )
    rolled = RolledHour(hour=hour, version=version, block=Block.merge(blocks))
    quarters = RolledQuarters(version=version, blocks=blocks)
    services.rollups.put_quarters(tenant, WHOLE, hour, quarters, now=now)
    services.rollups.put_hour(tenant, WHOLE, rolled, now=now)
    if hour * MINUTES_PER_HOUR < minute_of(now - DAYS_AFTER + _LEEWAY):
        for part in parts:
            if part.pack in changed:
                note = Changed(hour=hour, tenant=tenant, pack=part.pack, version=part.version)
                services.rollups.mark_changed(Again.DAYS, note, now=now)


def roll_up_hours(services: Services, now: datetime) -> int:
    """Make every hour that is over and was not made yet; how many shares there were."""
    target = minute_of(now - SETTLED) // MINUTES_PER_HOUR
    frontier = services.frontiers.get(Frontier.HOURS)
    oldest = target - HOURS_BACK
    first = oldest if frontier is None else max(oldest, frontier // MINUTES_PER_HOUR)
    count = 0
    for hour in range(first, target):
        tenants = set()
        for active in services.windows.active(hour):
            roll_up_pack_hour(services, active.tenant, active.pack, hour)
            tenants.add(active.tenant)
            count += 1
        for tenant in sorted(tenants):
            gather_hour(services, tenant, hour)
        services.frontiers.advance(Frontier.HOURS, (hour + 1) * MINUTES_PER_HOUR)
    return count


def roll_up_days(services: Services, now: datetime) -> int:
    """Make every day that has been over for long enough, and those that changed; how many.

    A wedding's days are those of its venue's zone, all others those of UTC.
    """
    hours = services.frontiers.get(Frontier.HOURS)
    if hours is None:
        return 0
    until = min(now - DAYS_AFTER, minute_start(hours))
    frontier = services.frontiers.get(Frontier.DAYS)
    since = until - DAYS_BACK
    since = since if frontier is None else max(since, minute_start(frontier))
    due: dict[Tenant, dict[Scope, set[int]]] = {}
    first = minute_of(since - _LONGEST_DAY) // MINUTES_PER_HOUR
    for hour in range(first, minute_of(until) // MINUTES_PER_HOUR):
        for tenant in sorted({active.tenant for active in services.windows.active(hour)}):
            scopes = due.setdefault(tenant, defaultdict(set))
            for scope in scopes_of(services, tenant, hour):
                scopes[scope].add(hour)
    count = 0
    for tenant, scopes in due.items():
        for scope, zone, day in days_of(services, tenant, scopes):
            if since < day.end <= until:
                roll_up_day(services, tenant, scope, zone, day)
                count += 1
    services.frontiers.advance(Frontier.DAYS, minute_of(until))
    return count + _again(services)


def roll_up_day(services: Services, tenant: Tenant, scope: Scope, zone: str, day: LocalDay) -> None:
    """Make a day of its hours, and of quarters where it begins or ends within an hour."""
    version = 0
    blocks: list[Block] = []
    for piece in stored_pieces(services, tenant, scope, day.first_minute, day.end_minute):
        version += piece.version
        blocks.append(piece.block)
    if version:
        rolled = RolledDay(date=day.date, version=version, block=Block.merge(blocks))
        services.rollups.put_day(tenant, scope, zone, rolled, now=services.now())


def scopes_of(
    services: Services, tenant: Tenant, hour: int, *, pack: int | None = None
) -> set[Scope]:
    """Who had points in an hour: the tenant itself, its weddings and vendors."""
    parts = [
        part for part in services.rollups.parts(tenant, hour) if pack is None or part.pack == pack
    ]
    return {WHOLE, *(scope for part in parts for scope in part.scopes)} if parts else set()


def days_of(
    services: Services, tenant: Tenant, scopes: Mapping[Scope, set[int]]
) -> Iterator[tuple[Scope, str, LocalDay]]:
    """The days that these hours lie in, each scope's in the zone that is kept of it."""
    ids = [scope.id for scope in scopes if scope.kind is ScopeKind.WEDDING]
    weddings = services.weddings.find_many(tenant, ids)
    for scope, hours in sorted(scopes.items()):
        if not scope.storable:
            continue
        zone = zone_of_days(scope, weddings)
        days = {
            day
            for hour in hours
            for day in days_between(zone, _hour_start(hour), _hour_start(hour + 1))
        }
        for day in sorted(days, key=lambda each: each.start):
            yield scope, zone, day


def _again(services: Services) -> int:
    """Make the days anew whose hours have changed since they were made."""
    made = services.frontiers.get(Frontier.DAYS) or 0
    count = 0
    for changed in services.rollups.changed(Again.DAYS):
        found = scopes_of(services, changed.tenant, changed.hour, pack=changed.pack)
        scopes = {scope: {changed.hour} for scope in found}
        for scope, zone, day in days_of(services, changed.tenant, scopes):
            if day.end_minute <= made:
                roll_up_day(services, changed.tenant, scope, zone, day)
                count += 1
        services.rollups.settle(Again.DAYS, changed)
    return count


def _keep_quarters_where_a_day_begins(
    services: Services,
    tenant: Tenant,
    hour: int,
    weddings: Mapping[str, tuple[PackHour, ...]],
    found: Mapping[str, Wedding],
) -> None:
    """Keep an hour in four for weddings at whose venue a day begins within it."""
    begins_within: dict[str, bool] = {}
    for wedding_id, parts in weddings.items():
        scope = Scope(ScopeKind.WEDDING, wedding_id)
        zone = zone_of_days(scope, found)
        if zone not in begins_within:
            last = day_at(zone, _hour_start(hour + 1) - timedelta(seconds=1))
            begins_within[zone] = last.start > _hour_start(hour)
        if begins_within[zone] and scope.storable:
            services.rollups.put_quarters(
                tenant,
                scope,
                hour,
                RolledQuarters(
                    version=sum(part.version for part in parts),
                    blocks=tuple(
                        Block.merge(
                            block.only(wedding_id) for part in parts for block in part.parts[at]
                        )
                        for at in range(QUARTERS)
                    ),
                ),
                now=services.now(),
            )


def _hour_start(hour: int) -> datetime:
    return minute_start(hour * MINUTES_PER_HOUR)
