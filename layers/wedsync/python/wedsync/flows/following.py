"""Following the clock: a job that does hour after hour for every tenant, and leaves nobody out.

Each tenant's work in an hour, or each pack's of it, is done alone. What fails, and what there was
no time for, is kept as left with the job's frontier, which moves on all the same: the next run does
first what is left, and then goes on. Only where nothing works at all does the frontier stay.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wedsync.flows.times import MINUTES_PER_HOUR
from wedsync.isolation import Units
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
    done.
    """

    name: str
    frontier: Frontier
    until: int
    oldest: int
    due: Callable[[int], Mapping[Tenant, Places]]
    do: Callable[[Tenant, int, Places], Iterable[str]]


def follow(services: Services, job: HourJob, units: Units, *, progress: Progress) -> None:
    """Do what is left and what has become due since ``progress``, and move the frontier on.

    Raises Unavailable where nothing works, and the frontier stays; of all else ``units`` tells.
    """
    left: set[Left] = set()
    tried: set[tuple[int, Tenant, str]] = set()

    def do_once(tenant: Tenant, minute: int, places: Places) -> None:
        hour = minute // MINUTES_PER_HOUR
        wanted = [each for each in places if (hour, tenant, each) not in tried]
        tried.update((hour, tenant, each) for each in wanted)
        if wanted:
            missing = job.do(tenant, minute, wanted)
            left.update(Left(minute=minute, tenant=tenant, place=each) for each in missing)

    for (minute, tenant), before in _by_tenant(progress.left).items():
        if minute // MINUTES_PER_HOUR >= job.oldest:
            do_once(tenant, minute, before)
        else:
            units.give_up(tenant.id, f"{job.name} from minute {minute}")
    oldest = job.oldest * MINUTES_PER_HOUR
    first = oldest if progress.minute is None else max(oldest, progress.minute)
    reached = progress.minute or 0
    for hour in range(first // MINUTES_PER_HOUR, -(-job.until // MINUTES_PER_HOUR)):
        start = hour * MINUTES_PER_HOUR
        for tenant, places in job.due(hour).items():
            do_once(tenant, max(first, start), places)
        if units.nothing_works:
            units.finish()
        reached = min(start + MINUTES_PER_HOUR, job.until)
        progress = services.frontiers.advance(job.frontier, reached, left=left, since=progress)
        if units.out_of_time:
            break
    if progress.minute is not None:
        services.frontiers.advance(job.frontier, reached, left=left, since=progress)


def active_packs(services: Services, hour: int) -> dict[Tenant, list[str]]:
    """The packs that had data in an hour, by tenant."""
    found: dict[Tenant, list[str]] = {}
    for active in services.windows.active(hour):
        found.setdefault(active.tenant, []).append(str(active.pack))
    return found


def active_tenants(services: Services, hour: int) -> dict[Tenant, Places]:
    """The tenants that had data in an hour."""
    return dict.fromkeys(sorted(active_packs(services, hour)), AS_A_WHOLE)


def _by_tenant(left: Iterable[Left]) -> dict[tuple[int, Tenant], list[str]]:
    found: dict[tuple[int, Tenant], list[str]] = {}
    for each in sorted(left):
        found.setdefault((each.minute, each.tenant), []).append(each.place)
    return found
