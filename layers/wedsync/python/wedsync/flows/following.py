"""Following the clock: a job that does hour after hour for every tenant, and leaves nobody out.

Each tenant's work in an hour, or each pack's of it, is done alone. What fails, and what there was
no time for, is kept as left with the job's frontier, which moves on all the same: each run does
what has become due, and then what is left. Only where nothing works at all does the frontier stay.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.isolation import Units, in_turn
from wedsync.stores.frontiers import Frontier, Left, Progress
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

Places: TypeAlias = Sequence[str]
"""What is done alone for one tenant in one hour: the numbers of its packs, or the hour itself."""
AS_A_WHOLE: Places = ("",)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourJob:
    """A job that is done hour by hour.

    ``until`` is the epoch minute before which it may be done now, and ``oldest`` the epoch hour
    before which nothing can be done any more. ``due`` tells who is to be done in an epoch hour.
    ``do`` does one tenant's hour from an epoch minute on, and answers the places that it has not
    done. Where no ``other`` job does what is too old for this one, that is told of.
    """

    name: str
    frontier: Frontier
    until: int
    oldest: int
    due: Callable[[int], Mapping[Tenant, Places]]
    do: Callable[[Tenant, int, Places], Iterable[str]]
    other: bool = False


def follow(services: Services, job: HourJob, units: Units, *, progress: Progress) -> None:
    """Do what has become due since ``progress`` and what is left, and move the frontier on.

    Raises Unavailable where nothing works, and the frontier stays; of all else ``units`` tells.
    """
    run = _Run(job, units, progress, turn=minute_of(services.now()))
    oldest = job.oldest * MINUTES_PER_HOUR
    first = oldest if progress.minute is None else max(oldest, progress.minute)
    reached = progress.minute or 0
    if progress.minute is not None:
        run.give_up_what_was_missed(progress.minute)
        reached = max(reached, min(oldest, job.until))
    for hour in range(first // MINUTES_PER_HOUR, -(-job.until // MINUTES_PER_HOUR)):
        run.do_what_is_due(hour, max(first, hour * MINUTES_PER_HOUR))
        reached = min((hour + 1) * MINUTES_PER_HOUR, job.until)
        if units.works or not run.left:
            progress = run.advance(services, reached, progress)
        if units.out_of_time:
            break
    run.do_what_is_left()
    if units.nothing_works:
        units.finish()
    if reached:
        run.advance(services, reached, progress)


@dataclass(slots=True)
class _Run:
    """One run of a job: what it has found done of what was left before, and what it leaves."""

    job: HourJob
    units: Units
    before: Progress
    turn: int
    tried: set[tuple[int, Tenant, str]] = field(default_factory=set)
    done: set[Left] = field(default_factory=set)
    left: set[Left] = field(default_factory=set)

    def give_up_what_was_missed(self, minute: int) -> None:
        """Tell of all that was due since this epoch minute and is too old to be done now."""
        if self.job.other:
            return
        end = min(self.job.oldest, -(-self.job.until // MINUTES_PER_HOUR))
        for hour in range(minute // MINUTES_PER_HOUR, end):
            for tenant in sorted(self.job.due(hour)):
                self._give_up(tenant, max(minute, hour * MINUTES_PER_HOUR))

    def do_what_is_due(self, hour: int, minute: int) -> None:
        """Do an hour of everybody from an epoch minute on, and what is left of the same hour."""
        self.units.begin_again()
        due = self.job.due(hour)
        left = _by_hour(each for each in self.before.left if _hour(each) == hour)
        for tenant in in_turn(due, self.turn):
            places = due[tenant]
            with_it = [each for each in left.get((tenant, hour), ()) if each.place in places]
            self._do(tenant, minute, places, with_it)

    def do_what_is_left(self) -> None:
        """Do what is left, of those last to whom the cloud was unavailable already."""
        self.units.begin_again()
        left = _by_hour(
            each
            for each in self.before.left
            if (_hour(each), each.tenant, each.place) not in self.tried
        )
        turns = {
            tenant: n for n, tenant in enumerate(in_turn({each for each, _ in left}, self.turn))
        }

        def place_in_line(of: tuple[Tenant, int]) -> tuple[bool, int, int]:
            tenant, hour = of
            return self.units.was_unavailable_to(tenant.id), turns[tenant], hour

        for tenant, hour in sorted(left, key=place_in_line):
            some = left[tenant, hour]
            if hour >= self.job.oldest:
                places = sorted({each.place for each in some})
                self._do(tenant, min(each.minute for each in some), places, some)
                continue
            self.done.update(some)
            if not self.job.other:
                self._give_up(tenant, min(each.minute for each in some))

    def advance(self, services: Services, minute: int, since: Progress) -> Progress:
        """Move the frontier on to this epoch minute."""
        done, left = frozenset(self.done), frozenset(self.left)
        self.done.clear()
        self.left.clear()
        return services.frontiers.advance(
            self.job.frontier, minute, done=done, left=left, since=since
        )

    def _do(self, tenant: Tenant, minute: int, places: Places, before: Sequence[Left]) -> None:
        first = min((minute, *(each.minute for each in before)))
        missing = frozenset(self.job.do(tenant, first, places))
        self.tried.update((first // MINUTES_PER_HOUR, tenant, each) for each in places)
        self.done.update(each for each in before if each.place not in missing)
        known = {each.place for each in before}
        self.left.update(Left(minute=minute, tenant=tenant, place=each) for each in missing - known)

    def _give_up(self, tenant: Tenant, minute: int) -> None:
        self.units.give_up(tenant.id, f"{self.job.name} from minute {minute}")


def active_packs(services: Services, hour: int) -> dict[Tenant, list[str]]:
    """The packs that had data in an hour, by tenant."""
    found: dict[Tenant, list[str]] = {}
    for active in services.windows.active(hour):
        found.setdefault(active.tenant, []).append(str(active.pack))
    return found


def active_tenants(services: Services, hour: int) -> dict[Tenant, Places]:
    """The tenants that had data in an hour."""
    return dict.fromkeys(sorted(active_packs(services, hour)), AS_A_WHOLE)


def _hour(left: Left) -> int:
    return left.minute // MINUTES_PER_HOUR


def _by_hour(every: Iterable[Left]) -> dict[tuple[Tenant, int], list[Left]]:
    found: defaultdict[tuple[Tenant, int], list[Left]] = defaultdict(list)
    for each in sorted(every):
        found[each.tenant, _hour(each)].append(each)
    return found
