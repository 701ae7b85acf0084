"""All weddings whose window is open, looked at together: what their tenant's snapshot tells.

It costs by what has changed since the last look of a warm process, and hardly by the number of
weddings: what was made of a minute, or of the stored hours of a wedding, is carried on while its
version stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from wedsync.cloud.memory import Carried
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import WindowReader, block_of
from wedsync.flows.recent import MOST_MINUTES, WINDOW_MINUTES
from wedsync.flows.times import epoch_ms, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.quality import GUEST_ACTIVE_MS, VENDOR_ACTIVE_MS
from wedsync.metrics.scores import wedding_scores
from wedsync.metrics.seen import Attendance, attendance, seen_in
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services
from wedsync.stores.windows import ClosedMinute
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWeddings:
    """``scores`` holds the health over the last full minute of those that had data in it."""

    scores: Mapping[str, float]
    attendance: Attendance


@dataclass(frozen=True, slots=True)
class _Hours:
    """Who was seen in the stored hours of one wedding, and in each with its version."""

    seen: Block
    by_hour: Mapping[int, tuple[int, Block]]


def look_at_open(
    services: Services, tenant: Tenant, weddings: Sequence[Wedding], now: datetime
) -> OpenWeddings:
    """Look at these weddings as of now."""
    if not weddings:
        nobody = attendance(Block.empty(), (), vendors_since_ms=0, guests_since_ms=0)
        return OpenWeddings(scores={}, attendance=nobody)
    carried = services.memory.carried((tenant, "open weddings"))
    reader = window_reader(services, tenant, now)
    current = minute_of(now)
    ids = tuple(each.wedding_id for each in weddings)
    # Before the hours: what the frontier has passed by then is in them.
    frontier = services.frontiers.of(Frontier.WEDDING_HOURS, tenant) or current - 2 * WINDOW_MINUTES
    earlier = _seen_in_hours(services, tenant, reader, ids, carried)
    first = min(max(frontier, current - MOST_MINUTES), current - WINDOW_MINUTES)
    # A point may be up to five minutes ahead of the clock.
    last = current + WINDOW_MINUTES
    homes = [reader.packs.homes(each, first, last) for each in ids]
    packs = sorted({pack for each in homes for pack in each})
    stored = {pack: reader.stored(pack, range(first, last + 1)) for pack in packs}
    minutes = {
        (pack, minute): item
        for pack, found in stored.items()
        for minute, item in found.items()
        if item.version
    }
    since = _seen_in_minutes(minutes, current, carried)
    last_minute = {place: item for place, item in minutes.items() if place[1] == current - 1}
    scores = _scores(last_minute, carried, apart=all(len(each) == 1 for each in homes))
    services.memory.carry((tenant, "open weddings"), carried)
    now_ms = epoch_ms(now)
    return OpenWeddings(
        scores={each: scores[each] for each in ids if each in scores},
        attendance=attendance(
            Block.merge((earlier, since)),
            ids,
            vendors_since_ms=now_ms - VENDOR_ACTIVE_MS,
            guests_since_ms=now_ms - GUEST_ACTIVE_MS,
        ),
    )


def _seen_in_hours(
    services: Services,
    tenant: Tenant,
    reader: WindowReader,
    wedding_ids: Sequence[str],
    carried: Carried,
) -> Block:
    """Who was seen in the stored hours of these weddings; those that may have changed are read."""
    remade = services.windows.remade(tenant)
    versions = {
        each: tuple((pack, remade.get(pack)) for pack in reader.packs.every_home(each))
        for each in wedding_ids
    }
    changed = [each for each in wedding_ids if not carried.holds(each, versions[each])]
    put_together = services.windows.earlier_of(tenant, changed)

    def read(wedding_id: str) -> _Hours:
        kept = put_together.get(wedding_id)
        before = carried.last(wedding_id, _Hours)
        by_hour: dict[int, tuple[int, Block]] = {}
        for hour in services.windows.hours(
            tenant, wedding_id, first=0 if kept is None else kept.through
        ):
            known = None if before is None else before.by_hour.get(hour.hour)
            if known is None or known[0] != hour.version:
                known = (hour.version, seen_in(hour.block))
            by_hour[hour.hour] = known
        blocks = [seen for _, seen in by_hour.values()]
        if kept is not None:
            blocks += [seen_in(kept.before), seen_in(kept.since)]
        return _Hours(Block.merge(blocks), by_hour)

    found = [carried.of(each, versions[each], partial(read, each)) for each in wedding_ids]
    return carried.of(
        "all hours", tuple(versions.items()), lambda: Block.merge(each.seen for each in found)
    )


def _seen_in_minutes(
    minutes: Mapping[tuple[int, int], ClosedMinute], current: int, carried: Carried
) -> Block:
    """Who was seen in these minutes of packs."""
    seen = {
        place: carried.of(("seen", *place), item.version, partial(_seen_in_minute, item))
        for place, item in minutes.items()
    }
    # Those that are over stay as they are from one look to the next, or nearly all of them.
    over = {place: minutes[place].version for place in minutes if place[1] < current - 1}
    seen_before = carried.of(
        "over", tuple(over.items()), lambda: Block.merge(seen[place] for place in over)
    )
    return Block.merge((seen_before, *(seen[place] for place in minutes if place not in over)))


def _seen_in_minute(item: ClosedMinute) -> Block:
    return Block.merge(seen_in(block_of(data)) for data in (item.on_time, item.late))


def _scores(
    minute: Mapping[tuple[int, int], ClosedMinute], carried: Carried, *, apart: bool
) -> Mapping[str, float]:
    """The health of each wedding in one minute of some packs; ``apart``: each lies in one pack."""
    if not apart:
        return wedding_scores(Block.merge(block_of(item.on_time) for item in minute.values()))
    scores: dict[str, float] = {}
    for place, item in minute.items():
        scores |= carried.of(("scores", *place), item.version, partial(_scores_in_minute, item))
    return scores


def _scores_in_minute(item: ClosedMinute) -> Mapping[str, float]:
    return wedding_scores(block_of(item.on_time))
