"""Hours and days of tenants, weddings and vendors, made from minutes and kept long after them.

A pack's hour is made from its minutes, a tenant's from its packs', a day from its hours. Whoever
changes an hour that is over makes all of it anew, and the last to do so has read everything: what
stays was made from the most. The jobs of the clock start where their last run ended, with what it
has left: what fails for one tenant, or takes too long, keeps nobody else from going on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wedsync.flows.closing import HOURS_OF_MINUTES, PackHour, read_hour
from wedsync.flows.earlier import keep_earlier_hours
from wedsync.flows.following import HourJob, Places, active_packs, active_tenants, follow
from wedsync.flows.history import copied_before, mark_for_copying
from wedsync.flows.records import keep_records
from wedsync.flows.rolled import stored_pieces, zone_of_days
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of, minute_start
from wedsync.isolation import Units, in_turn
from wedsync.metrics.block import Block
from wedsync.metrics.parts import of_vendor, vendor_ids
from wedsync.stores.frontiers import Frontier, Left, Progress
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
    scopes_in,
)
from wedsync.stores.services import Services
from wedsync.stores.windows import Made
from wedsync.tenancy import Tenant
from wedsync.weddings.days import LocalDay, day_at, days_between
from wedsync.weddings.model import Wedding

SETTLED = timedelta(minutes=2)
"""A frontier stays this far behind the clock."""
DAYS_AFTER = timedelta(hours=25)
"""Days are made when the last point that may still be accepted for them has come, and an hour."""
DAYS_BACK = timedelta(days=4)
"""As far back as a missed day is made: the shares of its hours are kept longer."""
_LEEWAY = timedelta(minutes=5)
"""Far more than two functions' clocks differ."""
_LONGEST_DAY = timedelta(hours=26)
_SHARES_BEYOND = timedelta(days=1)
"""For so much longer the shares of hours tell whose days were not made in time, run after run."""


def keep_wedding_hours(
    services: Services, tenant: Tenant, pack: int, read: PackHour
) -> dict[str, tuple[PackHour, ...]]:
    """Store the hour of each wedding that has points in this pack; the packs' hours of each.

    Where the number of packs changed near the hour, a wedding's hour is made from every pack that
    its points may lie in. Each writer closes what it changed before it reads the rest, so that of
    two the later sees both, and its version is the greater. Marked last: whoever remembers hours
    reads them again once the pack is marked.
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
    if found:
        services.windows.mark_remade(tenant, pack)
    made = Made(through=read.through, sent=read.sent)
    services.windows.note_made(tenant, pack, read.hour, made, now=services.now())
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
    """Make every hour that is over and was not made yet; how many packs' shares there were.

    Raises Unavailable or UnitsFailed at its end where some are left to the next run.
    """
    target = minute_of(now - SETTLED) // MINUTES_PER_HOUR
    progress = services.frontiers.progress(Frontier.HOURS)
    count = 0

    units = Units(out_of_time=services.out_of_time)

    def do(tenant: Tenant, minute: int, packs: Places) -> Collection[str]:
        nonlocal count
        count += len(packs)
        hour = minute // MINUTES_PER_HOUR
        made = [
            pack
            for pack in packs
            if units.done(
                tenant.id,
                f"hour {hour} of pack {pack}",
                roll_up_pack_hour,
                services,
                tenant,
                int(pack),
                hour,
            )
        ]
        gather = _gather_late if minute < (progress.minute or 0) else _gather
        packs_made = [int(pack) for pack in made]
        gathered = made and units.done(
            tenant.id, f"hour {hour}", gather, services, tenant, hour, packs_made
        )
        return set(packs) - set(made) if gathered else packs

    job = HourJob(
        name="hours",
        frontier=Frontier.HOURS,
        until=target * MINUTES_PER_HOUR,
        oldest=target - HOURS_OF_MINUTES,
        due=lambda hour: active_packs(services, hour),
        do=do,
    )
    follow(services, job, units, progress=progress)
    units.finish()
    return count


def _gather(services: Services, tenant: Tenant, hour: int, packs: Collection[int]) -> None:
    """Make the tenant's hour for the first time."""
    del packs
    gather_hour(services, tenant, hour)


def _gather_late(services: Services, tenant: Tenant, hour: int, packs: Collection[int]) -> None:
    """Make the tenant's hour of which days and copies may have been made without these packs."""
    gather_hour(services, tenant, hour, changed=packs)
    if hour * MINUTES_PER_HOUR < copied_before(services, services.now()):
        for pack in packs:
            mark_for_copying(services, tenant, pack, hour)


def roll_up_days(services: Services, now: datetime) -> int:
    """Make every day that has been over for long enough, and those that changed; how many.

    A wedding's days are those of its venue's zone, all others those of UTC. Tenants whose days are
    not all made are left to the next run, each with the scope at which it goes on: Unavailable or
    UnitsFailed is raised at the end then.
    """
    hours = services.frontiers.progress(Frontier.HOURS)
    if hours.minute is None:
        return 0
    until = min(now - DAYS_AFTER, minute_start(hours.minute))
    progress = services.frontiers.progress(Frontier.DAYS)
    oldest = until - DAYS_BACK
    since = oldest if progress.minute is None else minute_start(progress.minute)
    units = Units(out_of_time=services.out_of_time)
    left = _by_tenant(progress.left)
    active: dict[Tenant, list[int]] = {each: [] for each in left}
    behind = min([since, *(minute_start(each.minute) for each in left.values())])
    first = minute_of(max(behind, oldest - _SHARES_BEYOND) - _LONGEST_DAY) // MINUTES_PER_HOUR
    for hour in range(first, minute_of(until) // MINUTES_PER_HOUR):
        for tenant in active_tenants(services, hour):
            active.setdefault(tenant, []).append(hour)
    still_left: list[Left] = []
    count = _again(services, units, progress, until)
    units.begin_again()
    for tenant in in_turn(active, minute_of(now)):
        # A day is not made while one of its hours is left.
        own_until = min(until, minute_start(hours.of(tenant) or 0))
        run = _DaysOfTenant(
            services,
            tenant,
            since=since,
            until=own_until,
            oldest=oldest,
            left=left.get(tenant),
        )
        missing = run.make(units, active[tenant])
        count += run.made
        if own_until < until:
            reached = max(run.begins, minute_of(own_until))
            minute = min([reached, *(each.minute for each in missing)])
            missing = [Left(minute=minute, tenant=tenant)]
        still_left += missing
    if units.nothing_works:
        units.finish()
    services.frontiers.advance(
        Frontier.DAYS, minute_of(until), done=progress.left, left=still_left, since=progress
    )
    units.finish()
    return count


def _by_tenant(left: Collection[Left]) -> dict[Tenant, Left]:
    """What is left of each tenant's days as one: from the first minute and the first scope on."""
    found: dict[Tenant, Left] = {}
    for each in left:
        known = found.get(each.tenant, each)
        minute, place = min(known.minute, each.minute), min(known.place, each.place)
        found[each.tenant] = replace(each, minute=minute, place=place)
    return found


def _made_before(scope: Scope, frontier: int, left: Left | None) -> int:
    """The minute before which a scope's days are made.

    What is left is left of the scope that it names, and of those behind that.
    """
    if left is None or scope.text() < left.place:
        return frontier
    return min(frontier, left.minute)


@dataclass(slots=True)
class _DaysOfTenant:
    """One tenant's days that end after ``since``, up to ``until``, and what was left before.

    Those that end by ``oldest`` are not made any more.
    """

    services: Services
    tenant: Tenant
    since: datetime
    until: datetime
    oldest: datetime
    left: Left | None
    made: int = 0

    def make(self, units: Units, hours: Collection[int]) -> list[Left]:
        """Make each of them alone; what is left."""
        due: list[tuple[Scope, str, LocalDay]] = []
        if not units.done(self.tenant.id, "look for days", self._find, hours, due):
            # Nobody knows yet whether any of them is too old.
            return [Left(minute=self._first, tenant=self.tenant)]
        missing: str | None = None
        weddings: set[str] = set()
        for scope, zone, day in due:
            if not self._since(scope) < day.end_minute:
                continue
            name = f"day {day.date} of {scope.text()}"
            args = (self.services, self.tenant, scope, zone, day)
            if day.end_minute <= minute_of(self.oldest):
                units.give_up(self.tenant.id, name)
            elif day.end_minute > minute_of(self.until):
                continue
            elif units.done(self.tenant.id, name, roll_up_day, *args):
                self.made += 1
                weddings |= {scope.id} if scope.kind is ScopeKind.WEDDING else set()
            elif missing is None:
                missing = scope.text()
        if weddings:
            units.done(self.tenant.id, "earlier hours", self._keep_earlier, units, weddings)
        if missing is None:
            return []
        return [Left(minute=self.begins, tenant=self.tenant, place=missing)]

    def _keep_earlier(self, units: Units, wedding_ids: Collection[str]) -> None:
        """A failure costs no answer: the hours themselves are read until they are put together."""
        now = self.services.now()
        found = self.services.weddings.find_many(self.tenant, wedding_ids)
        for wedding_id, wedding in sorted(found.items()):
            name = f"earlier hours of {wedding_id}"
            args = (self.services, self.tenant, wedding, now)
            units.done(self.tenant.id, name, keep_earlier_hours, *args)

    def _find(self, hours: Collection[int], due: list[tuple[Scope, str, LocalDay]]) -> None:
        scopes: defaultdict[Scope, set[int]] = defaultdict(set)
        for hour in hours:
            for scope in scopes_of(self.services, self.tenant, hour):
                scopes[scope].add(hour)
        due += days_of(self.services, self.tenant, scopes)

    def _since(self, scope: Scope) -> int:
        return _made_before(scope, minute_of(self.since), self.left)

    @property
    def begins(self) -> int:
        """The minute before which nothing is left that can still be made."""
        return max(self._first, minute_of(self.oldest))

    @property
    def _first(self) -> int:
        """The minute before which nothing was left."""
        since = minute_of(self.since)
        return since if self.left is None else min(since, self.left.minute)


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
    """Who had points in an hour: the tenant itself, its weddings and vendors; else nobody."""
    parts = [
        part for part in services.rollups.parts(tenant, hour) if pack is None or part.pack == pack
    ]
    return scopes_in(parts) if parts else set()


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


def _again(services: Services, units: Units, progress: Progress, until: datetime) -> int:
    """Make the days anew whose hours have changed since they were made; how many.

    A note is settled when each day that it is about is made anew, or is still to be made by the run
    that goes up to ``until`` and its successors. What a run that overtook this one may have made
    before the hour changed is neither: its note stays for the next.
    """
    count = 0
    left = _by_tenant(progress.left)

    def make(changed: Changed) -> None:
        nonlocal count
        found = scopes_of(services, changed.tenant, changed.hour, pack=changed.pack)
        scopes = {scope: {changed.hour} for scope in found}
        settled = True
        for scope, zone, day in days_of(services, changed.tenant, scopes):
            made = _made_before(scope, progress.minute or 0, left.get(changed.tenant))
            if day.end_minute <= made:
                roll_up_day(services, changed.tenant, scope, zone, day)
                count += 1
            elif minute_of(until) < day.end_minute < made_by_others:
                settled = False
        if settled:
            services.rollups.settle(Again.DAYS, changed)

    notes = services.rollups.changed(Again.DAYS)
    made_by_others = minute_of(services.now() - DAYS_AFTER + _LEEWAY)
    for changed in in_turn(notes, made_by_others):
        units.done(changed.tenant.id, f"days with hour {changed.hour}", make, changed)
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
