"""Work of the past, done later: hours made again, and points that are too old to be sent.

Both go chunk by chunk, keep a cursor, and may be killed and begun again at any place: a chunk that
is repeated writes the same. Points that ingest would still take are left to it, because it alone
knows which of them it has counted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wedsync.flows.history import copy_hour, copy_scope_hour
from wedsync.flows.points import text
from wedsync.flows.provenance import identity_key
from wedsync.flows.rollup import (
    DAYS_AFTER,
    SETTLED,
    days_of,
    gather_hour,
    roll_up_day,
    roll_up_pack_hour,
)
from wedsync.flows.times import MINUTES_PER_HOUR, at_ms, epoch_ms, minute_of, minute_start
from wedsync.metrics.block import Block
from wedsync.metrics.catalog import has_unknown_outcome
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.decode import RejectedPoint, decode_record
from wedsync.metrics.fold import merge_rows, slots
from wedsync.metrics.identity import Origin
from wedsync.metrics.intake import OTHER_TENANT, UNKNOWN_OUTCOME, Reason
from wedsync.metrics.lateness import ACCEPTED_MS
from wedsync.metrics.parts import of_vendor, vendor_ids
from wedsync.metrics.point import Point
from wedsync.metrics.refusals import detail_of, member_of
from wedsync.metrics.times import unit_hint
from wedsync.stores.backfills import Added, Cursor
from wedsync.stores.frontiers import Frontier
from wedsync.stores.rejections import Rejection
from wedsync.stores.rollups import QUARTERS, WHOLE, Scope, ScopeKind, scopes_in
from wedsync.stores.services import Services
from wedsync.stores.windows import HOURS_KEPT
from wedsync.tenancy import Tenant

LINES_A_CHUNK = 2000
_QUARTER = MINUTES_PER_HOUR // QUARTERS
_INDEX_BITS = 16
_TOO_OLD: Reason = ("too-old", "older than hours are kept")
_TOO_YOUNG: Reason = ("too-young", "younger than a day: send it to ingest")
_OLDEST = HOURS_KEPT - timedelta(days=1)
"""Hours are made of nothing older than this; a day of it is left for the work itself."""

Told = Callable[[Cursor], None]
"""Is told of the cursor whenever it has moved."""
Refusing = Callable[[Sequence[Rejection]], None]
"""Is told of what was refused of a chunk, once it is parked. The place ends in ``:line N``."""


def _nobody(_: Sequence[Rejection]) -> None:
    """Want to know of no refusal."""


@dataclass(slots=True)
class _Chunk:
    """What some lines amount to: blocks by epoch minute, what was refused, and counts."""

    blocks: dict[int, list[Block]] = field(default_factory=dict)
    refused: list[Rejection] = field(default_factory=list)
    cursor: Cursor = field(default_factory=Cursor)


def backfill_points(
    services: Services,
    tenant: Tenant,
    lines: Iterable[bytes],
    *,
    job: str,
    told: Told,
    refusing: Refusing = _nobody,
) -> Cursor:
    """Add the points of a file, one record a line, that are older than ingest takes them.

    ``job`` names the file by its content. A point of the file is added once, also where it stands
    there twice under one event id; whether it was counted when it was young nobody knows any more.
    What cannot be added is parked, with its line and its reason: also what is too young, which is
    counted apart, for ingest takes it.
    """
    cursor = services.backfills.cursor(job)
    if not cursor.began_ms:
        cursor = Cursor(began_ms=epoch_ms(services.now()))
        services.backfills.move(job, cursor, now=services.now())
    seen: set[int] = set()
    for number, chunk in enumerate(_chunks(lines)):
        first = number * LINES_A_CHUNK
        read = _sorted(services, tenant, chunk, first, job, cursor, seen)
        if first < cursor.position:
            continue  # it was added before, and has been looked at for what is seen
        services.rejections.park(tenant, read.refused)
        _add(services, tenant, read, job=job, chunk=number)
        cursor = Cursor(
            position=first + len(chunk),
            taken=cursor.taken + read.cursor.taken,
            repeated=cursor.repeated + read.cursor.repeated,
            young=cursor.young + read.cursor.young,
            refused=cursor.refused + read.cursor.refused,
            began_ms=cursor.began_ms,
        )
        services.backfills.move(job, cursor, now=services.now())
        refusing(read.refused)
        told(cursor)
    return cursor


def backfill_hours(
    services: Services, hours: range, *, only: Tenant | None, job: str, told: Told
) -> Cursor:
    """Make hours anew from their minutes as far as these are kept, then their days and copies.

    What is there already is made of at least as much and stays; what a lost run or a store that was
    down left out is filled in. An hour that is not over stops it: the same job goes on from there
    later. The cursor's ``taken`` are the hours that had anything to be made of.
    """
    cursor = services.backfills.cursor(job)
    over = minute_of(services.now() - SETTLED) // MINUTES_PER_HOUR
    for number, hour in enumerate(hours):
        if number < cursor.position:
            continue
        if hour >= over:
            break
        made = _make_again(services, hour, only=only)
        cursor = replace(cursor, position=number + 1, taken=cursor.taken + made)
        services.backfills.move(job, cursor, now=services.now())
        told(cursor)
    return cursor


def _make_again(services: Services, hour: int, *, only: Tenant | None) -> bool:
    """Make an hour that is over; whether there was anything to make it of.

    Days that the hourly job has not come to the end of are left to the daily one: they would lack
    the hours that are still to be made.
    """
    rolled = services.frontiers.get(Frontier.HOURS) or 0
    active = [each for each in services.windows.active(hour) if only is None or each.tenant == only]
    for each in active:
        roll_up_pack_hour(services, each.tenant, each.pack, hour)
    made = False
    for tenant in sorted({each.tenant for each in active}):
        gather_hour(services, tenant, hour)
        parts = services.rollups.parts(tenant, hour)
        made = made or bool(parts)
        scopes = scopes_in(parts)
        _make_days(services, tenant, {scope: {hour} for scope in scopes}, before=rolled)
        copy_hour(services, tenant, hour)
    return made


def _chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == LINES_A_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _sorted(
    services: Services,
    tenant: Tenant,
    lines: Sequence[bytes],
    first: int,
    job: str,
    cursor: Cursor,
    seen: set[int],
) -> _Chunk:
    """Read the lines of a chunk; ``seen`` learns the points that carry an id of their own."""
    key = identity_key(services.signing.value())
    origin = Origin(tenant=tenant.id, device="backfill", batch_id=job)
    young_ms = cursor.began_ms - ACCEPTED_MS
    oldest_ms = cursor.began_ms - round(_OLDEST.total_seconds() * 1000)
    parking = _Parking(job, at_ms(cursor.began_ms))
    points, refused = _decoded(lines, first, parking)
    ids = [origin.place_id(key, each.place) for each in points]
    named = [at for at, each in enumerate(points) if each.point.event_id is not None]
    events = origin.event_ids(
        key,
        [str(points[at].point.event_id) for at in named],
        [points[at].point.ts_ms for at in named],
    )
    for at, event in zip(named, events.tolist(), strict=True):
        ids[at] = event
    accepted: list[Accepted] = []
    taken = repeated = young = 0
    for read, frame in zip(points, ids, strict=True):
        point = read.point
        if _is_foreign(point, tenant):
            refused.append(parking.of_point(read, OTHER_TENANT))
        elif point.ts_ms < oldest_ms:
            refused.append(parking.of_point(read, _TOO_OLD))
        elif has_unknown_outcome(point.name, dict(point.dims).get("outcome")):
            refused.append(parking.of_point(read, UNKNOWN_OUTCOME))
        elif point.ts_ms >= young_ms:
            young += 1
            refused.append(parking.of_point(read, _TOO_YOUNG))
        elif frame in seen:
            repeated += 1
        else:
            if point.event_id is not None:
                seen.add(frame)
            taken += 1
            accepted.append(
                Accepted(
                    point=point,
                    frame_id=frame,
                    copy=0,
                    tenant=tenant.id,
                    arrival_ms=cursor.began_ms,
                    late=True,
                )
            )
    counts = Cursor(taken=taken, repeated=repeated, young=young, refused=len(refused) - young)
    return _Chunk(blocks=_folded(accepted), refused=refused, cursor=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A point, its place in the file as one number, and where it stands in its line."""

    place: int
    pointer: str
    point: Point


@dataclass(frozen=True, slots=True)
class _Parking:
    """Writes what a job could not add as rows to park; a repetition writes the same ones."""

    job: str
    began_at: datetime

    def of_line(self, number: int, found: RejectedPoint) -> Rejection:
        """What could not be read of a line (the first is 0)."""
        return self._row(number, found.index, found.code, found.detail, found.pointer, found.raw)

    def of_point(self, read: _Read, reason: Reason) -> Rejection:
        """A point that could be read, at its place in the file."""
        number, index = read.place >> _INDEX_BITS, read.place & ((1 << _INDEX_BITS) - 1)
        point = read.point
        if reason in (_TOO_OLD, _TOO_YOUNG):
            member, detail = "ts", f"{reason[1]}{unit_hint(point.ts_ms)}"
        else:
            member, detail = member_of(reason), detail_of(reason, point)
        return self._row(number, index, reason[0], detail, f"{read.pointer}/{member}", text(point))

    def _row(
        self, number: int, index: int | None, code: str, detail: str, pointer: str, raw: bytes
    ) -> Rejection:
        return Rejection(
            place=f"backfill:{self.job}:line {number + 1}",
            index=index,
            code=code,
            detail=detail,
            pointer=pointer,
            raw=raw,
            arrived_at=self.began_at,
        )


def _decoded(
    lines: Sequence[bytes], first: int, parking: _Parking
) -> tuple[list[_Read], list[Rejection]]:
    """The points of these lines, each with its place in the file; what cannot be read."""
    points: list[_Read] = []
    refused: list[Rejection] = []
    for number, line in enumerate(lines, start=first):
        if line.strip():
            decoded = decode_record(line)
            refused += [parking.of_line(number, each) for each in decoded.rejected]
            points += [
                _Read(
                    place=(number << _INDEX_BITS) + index,
                    pointer=decoded.places[index].pointer,
                    point=point,
                )
                for index, point in decoded.points
            ]
    return points, refused


def _is_foreign(point: Point, tenant: Tenant) -> bool:
    return point.tenant_id not in (None, tenant.id)


def _folded(accepted: list[Accepted]) -> dict[int, list[Block]]:
    """The points as blocks, by minute."""
    found: dict[int, list[Block]] = {}
    for share in slots(Columns.of(accepted), packs=lambda _tenant, _created_at_ms: 1):
        block = Block.decode(merge_rows(None, share).content.late)
        found.setdefault(share.key.minute, []).append(block)
    return found


def _add(services: Services, tenant: Tenant, read: _Chunk, *, job: str, chunk: int) -> None:
    """Store what a chunk adds to each hour, and make the days and copies that it changes."""
    by_hour: dict[int, list[list[Block]]] = {}
    for minute, blocks in read.blocks.items():
        parts = by_hour.setdefault(minute // MINUTES_PER_HOUR, [[] for _ in range(QUARTERS)])
        parts[minute % MINUTES_PER_HOUR // _QUARTER] += blocks
    touched: dict[Scope, set[int]] = {}
    for hour, parts in sorted(by_hour.items()):
        quarters = tuple(Block.merge(each) for each in parts)
        for scope, shares in _by_scope(quarters):
            added = Added(hour=hour, job=job, chunk=chunk, blocks=shares)
            services.backfills.add(tenant, scope, added, now=services.now())
            touched.setdefault(scope, set()).add(hour)
    _make_days(services, tenant, touched)
    for scope, hours in sorted(touched.items()):
        for hour in sorted(hours):
            copy_scope_hour(services, tenant, scope, hour)


def _by_scope(
    quarters: tuple[Block, ...],
) -> Iterator[tuple[Scope, tuple[Block, ...]]]:
    """The tenant's share of some quarters, each wedding's and each vendor's."""
    yield WHOLE, tuple(block.totals_only() for block in quarters)
    whole = Block.merge(quarters)
    for wedding_id in whole.wedding_ids():
        scope = Scope(ScopeKind.WEDDING, wedding_id)
        if scope.storable:
            yield scope, tuple(block.only(wedding_id) for block in quarters)
    for vendor_id in vendor_ids(whole):
        scope = Scope(ScopeKind.VENDOR, vendor_id)
        if scope.storable:
            yield scope, tuple(of_vendor(block, vendor_id) for block in quarters)


def _make_days(
    services: Services, tenant: Tenant, scopes: dict[Scope, set[int]], *, before: int | None = None
) -> None:
    """Make the days of these hours that are over for good; the others follow in their time.

    ``before`` is the epoch minute by which they have to end.
    """
    over = services.now() - DAYS_AFTER
    if before is not None:
        over = min(over, minute_start(before))
    for scope, zone, day in days_of(services, tenant, scopes):
        if day.end <= over:
            roll_up_day(services, tenant, scope, zone, day)


def hours_between(start: datetime, end: datetime) -> range:
    """The epoch hours that lie in part or whole between two instants."""
    last = -(-minute_of(end) // MINUTES_PER_HOUR)
    return range(minute_of(start) // MINUTES_PER_HOUR, last)
