"""All weddings whose window is open, looked at together: what their tenant's snapshot tells.

It costs by what has changed since the last look of a warm process, and hardly by the number of
weddings: what was made of a minute, or of the stored hours of a wedding, is carried on while its
version stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

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
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWeddings:
    """``scores`` holds the health over the last full minute of those that had data in it."""

    scores: Mapping[str, float]
    attendance: Attendance


class _Part(NamedTuple):
    """A closed minute of a pack, or one item of a minute that is not closed."""

    place: tuple[int, int, str]
    version: int
    on_time: bytes
    late: bytes

    @property
    def minute(self) -> int:
        """The epoch minute that it is of."""
        return self.place[1]


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
    parts = _parts(reader, packs, range(first, last + 1))
    since = _seen_in_minutes(parts, current, carried)
    scores = _scores(parts, current - 1, carried, apart=all(len(each) == 1 for each in homes))
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


def _parts(reader: WindowReader, packs: Sequence[int], minutes: Sequence[int]) -> list[_Part]:
    """Everything that is stored of these minutes of these packs."""
    found = []
    for pack in packs:
        closed, hot = reader.stored(pack, minutes)
        for minute, item in closed.items():
            found.append(_Part((pack, minute, ""), item.version, item.on_time, item.late))
        for minute, items in hot.items():
            for each in items:
                content = each.content
                place = (pack, minute, each.place)
                found.append(_Part(place, each.version, content.on_time, content.late))
    return found


def _seen_in_minutes(parts: Sequence[_Part], current: int, carried: Carried) -> Block:
    """Who was seen in these parts of minutes."""
    seen = {
        part.place: carried.of(("seen", part.place), part.version, partial(_seen_in_part, part))
        for part in parts
    }
    # Those that are over stay as they are from one look to the next, or nearly all of them.
    over = {part.place: part.version for part in parts if part.minute < current - 1}
    seen_before = carried.of(
        "over", tuple(over.items()), lambda: Block.merge(seen[place] for place in over)
    )
    return Block.merge((seen_before, *(seen[place] for place in seen if place not in over)))


def _seen_in_part(part: _Part) -> Block:
    return Block.merge(seen_in(block_of(data)) for data in (part.on_time, part.late))


def _scores(
    parts: Sequence[_Part], minute: int, carried: Carried, *, apart: bool
) -> Mapping[str, float]:
    """The health of each wedding in one minute; ``apart``: each lies in one pack."""
    of_pack: dict[int, list[_Part]] = {}
    for part in parts:
        if part.minute == minute:
            of_pack.setdefault(part.place[0] if apart else -1, []).append(part)
    scores: dict[str, float] = {}
    for pack, some in of_pack.items():
        versions = tuple((part.place, part.version) for part in some)
        scores |= carried.of(("scores", pack), versions, partial(_scores_in, some))
    return scores


def _scores_in(parts: Sequence[_Part]) -> Mapping[str, float]:
    return wedding_scores(Block.merge(block_of(part.on_time) for part in parts))
