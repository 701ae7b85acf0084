"""All weddings whose window is open, looked at together: what their tenant's snapshot tells.

It costs by what has changed since the last look of a warm process, and hardly by the number of
weddings: what was made of a minute, or of the stored hours of a wedding, is carried on while its
version stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeAlias

from wedsync.cloud.memory import Carried
from wedsync.flows.readers import window_reader
from wedsync.flows.reading import WindowReader
from wedsync.flows.recent import MOST_MINUTES, WINDOW_MINUTES
from wedsync.flows.times import epoch_ms, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.quality import GUEST_ACTIVE_MS, VENDOR_ACTIVE_MS
from wedsync.metrics.scores import scored_in, wedding_scores
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


_Place: TypeAlias = tuple[int, int, str]
"""Pack, minute, and the place of a hot item within it."""


class _Part(NamedTuple):
    """A closed minute of a pack, or one item of a minute that is not closed."""

    place: _Place
    version: int
    on_time: bytes
    late: bytes

    @property
    def minute(self) -> int:
        """The epoch minute that it is of."""
        return self.place[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glimpse:
    """Who was seen in a part of a minute, and what open weddings are scored by."""

    seen: Block
    scored: Block


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
    glimpsed = _glimpsed(parts, ids, current, carried)
    since = _seen_in_minutes(parts, glimpsed, current, carried)
    last_minute = [part for part in parts if part.minute == current - 1]
    apart = all(len(each) == 1 for each in homes)
    scores = _scores(last_minute, ids, glimpsed, carried, apart=apart)
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
    changed = [each for each in wedding_ids if not carried.holds(("hours", each), versions[each])]
    put_together = services.windows.earlier_of(tenant, changed)

    def read(wedding_id: str) -> _Hours:
        kept = put_together.get(wedding_id)
        before = carried.last(("hours", wedding_id), _Hours)
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

    found = [
        carried.of(("hours", each), versions[each], partial(read, each)) for each in wedding_ids
    ]
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


def _glimpsed(
    parts: Sequence[_Part], wedding_ids: tuple[str, ...], current: int, carried: Carried
) -> dict[_Place, _Glimpse]:
    """What these parts of minutes tell of weddings, each decoded where it has changed."""
    found: dict[_Place, _Glimpse] = {}
    for part in parts:
        ids = wedding_ids if part.minute >= current - 1 else ()
        found[part.place] = carried.of(
            part.place, (part.version, ids), partial(_glimpse, part, ids)
        )
    return found


def _glimpse(part: _Part, wedding_ids: tuple[str, ...]) -> _Glimpse:
    on_time = Block.decode(part.on_time)
    return _Glimpse(
        seen=Block.merge((seen_in(on_time), seen_in(Block.decode(part.late)))),
        scored=scored_in(on_time, wedding_ids) if wedding_ids else Block.empty(),
    )


def _seen_in_minutes(
    parts: Sequence[_Part], glimpsed: Mapping[_Place, _Glimpse], current: int, carried: Carried
) -> Block:
    """Who was seen in these parts of minutes."""
    # Those that are over stay as they are from one look to the next, or nearly all of them.
    over = {part.place: part.version for part in parts if part.minute < current - 1}
    seen_before = carried.of(
        "over", tuple(over.items()), lambda: Block.merge(glimpsed[place].seen for place in over)
    )
    return Block.merge(
        (seen_before, *(glimpsed[each].seen for each in glimpsed if each not in over))
    )


def _scores(
    parts: Sequence[_Part],
    wedding_ids: tuple[str, ...],
    glimpsed: Mapping[_Place, _Glimpse],
    carried: Carried,
    *,
    apart: bool,
) -> Mapping[str, float]:
    """The health of each of these weddings by these parts; ``apart``: each lies in one pack."""
    of_pack: dict[int, list[_Part]] = {}
    for part in parts:
        of_pack.setdefault(part.place[0] if apart else -1, []).append(part)
    scores: dict[str, float] = {}
    for pack, some in of_pack.items():
        versions = (wedding_ids, *((part.place, part.version) for part in some))
        blocks = [glimpsed[part.place].scored for part in some]
        scores |= carried.of(("scores", pack), versions, partial(_scores_in, blocks))
    return scores


def _scores_in(blocks: Sequence[Block]) -> Mapping[str, float]:
    return wedding_scores(Block.merge(blocks))
