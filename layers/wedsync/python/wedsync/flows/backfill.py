"""Work of the past, done later: hours made again, and points that are too old to be sent.

Both go chunk by chunk, keep a cursor, and may be killed and begun again at any place: a chunk that
is repeated writes the same. Points that ingest would still take are left to it, because it alone
knows which of them it has counted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import attrgetter

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
from wedsync.metrics.bygone import (
    TOO_OLD,
    TOO_YOUNG,
    Line,
    LineReader,
    LinesRead,
    Misfit,
    Sieve,
    parts_of,
)
from wedsync.metrics.columns import Columns
from wedsync.metrics.identity import Origin
from wedsync.metrics.lateness import ACCEPTED_MS
from wedsync.metrics.parts import of_vendor, vendor_ids
from wedsync.metrics.reading import Sent
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
CHUNKS_A_DAY_IS_MADE_AFTER = 50
"""Days are made of all their hours: after each chunk that would be most of the work."""
_QUARTER = MINUTES_PER_HOUR // QUARTERS
_OLDEST = HOURS_KEPT - timedelta(days=1)
"""Hours are made of nothing older than this; a day of it is left for the work itself."""

Touched = dict[Scope, set[int]]
"""The hours that were added to, of whom."""
Told = Callable[[Cursor], None]
"""Is told of the cursor whenever it has moved."""
Refusing = Callable[[Sequence[Rejection]], None]
"""Is told of what was refused of a chunk, once it is parked. The place ends in ``:line N``."""


def _nobody(_: Sequence[Rejection]) -> None:
    """Want to know of no refusal."""


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
    sieve = Sieve(
        origin=Origin(tenant=tenant.id, device="backfill", batch_id=job),
        key=identity_key(services.signing.value()),
        began_ms=cursor.began_ms,
        oldest_ms=cursor.began_ms - round(_OLDEST.total_seconds() * 1000),
        young_ms=cursor.began_ms - ACCEPTED_MS,
        seen=set(),
    )
    reader = LineReader()
    touched: Touched = defaultdict(set)
    for number, (chunk, last) in enumerate(_chunks(lines)):
        reader = LineReader() if reader.full else reader
        read = reader.read(chunk)
        sifted = sieve.sift(read, reader.lexicon)
        end = number * LINES_A_CHUNK + len(chunk)
        by_hour = _parted(sifted.columns)
        if number * LINES_A_CHUNK < cursor.position:
            # It was added before, and is looked at for what is seen, and for days to be made: the
            # job may have died between the two.
            _touch(touched, by_hour)
            continue
        parking = _Parking(job=job, began_at=at_ms(cursor.began_ms), reader=reader)
        refused = parking.rows(chunk, read, sifted.misfits)
        services.rejections.park(tenant, refused)
        _add(services, tenant, by_hour, job=job, chunk=number)
        _touch(touched, by_hour)
        if last or number % CHUNKS_A_DAY_IS_MADE_AFTER == CHUNKS_A_DAY_IS_MADE_AFTER - 1:
            _make_whole(services, tenant, touched)
            touched.clear()
        young = sum(each.reason is TOO_YOUNG for each in sifted.misfits)
        cursor = Cursor(
            position=end,
            taken=cursor.taken + sifted.taken,
            repeated=cursor.repeated + sifted.repeated,
            young=cursor.young + young,
            refused=cursor.refused + len(refused) - young,
            began_ms=cursor.began_ms,
        )
        services.backfills.move(job, cursor, now=services.now())
        refusing(refused)
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


def _chunks(lines: Iterable[bytes]) -> Iterator[tuple[list[Line], bool]]:
    """The lines in parts, each line with its number in the file; and whether a part is the last."""
    numbered = enumerate(lines)
    chunk = list(islice(numbered, LINES_A_CHUNK))
    while chunk:
        following = list(islice(numbered, LINES_A_CHUNK))
        yield chunk, not following
        chunk = following


def _parted(columns: Columns | None) -> dict[int, list[Block]]:
    """The quarters of each hour that these points fill."""
    by_hour: dict[int, list[Block]] = {}
    if columns is not None:
        for number, block in parts_of(columns, minutes=_QUARTER):
            hour, quarter = divmod(number, QUARTERS)
            by_hour.setdefault(hour, [Block.empty()] * QUARTERS)[quarter] = block
    return by_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parking:
    """Writes what a job could not add as rows to park; a repetition writes the same ones."""

    job: str
    began_at: datetime
    reader: LineReader

    def rows(
        self, lines: Sequence[Line], read: LinesRead, misfits: Sequence[Misfit]
    ) -> list[Rejection]:
        """What could not be read of these lines and what does not fit, in the file's order."""
        found = [
            self._row(line, each.index, each.code, each.detail, each.pointer, each.raw)
            for line, each in read.rejected
        ]
        texts = dict(lines)
        for line, wrong in groupby(misfits, key=attrgetter("line")):
            points = self.reader.points(texts[line])
            found += [self._of_point(each, points[each.index]) for each in wrong]
        return sorted(found, key=lambda each: (int(each.place.rpartition(" ")[2]), each.index or 0))

    def _of_point(self, wrong: Misfit, sent: Sent) -> Rejection:
        """A point that could be read, at its place in the file."""
        point, reason = sent.point, wrong.reason
        if reason in (TOO_OLD, TOO_YOUNG):
            member, detail = "ts", f"{reason[1]}{unit_hint(point.ts_ms)}"
        else:
            member, detail = member_of(reason), detail_of(reason, point)
        return self._row(
            wrong.line, wrong.index, reason[0], detail, sent.pointer(member), text(point)
        )

    def _row(
        self, line: int, index: int | None, code: str, detail: str, pointer: str, raw: bytes
    ) -> Rejection:
        """``line`` is the number of the line; the first is 0."""
        return Rejection(
            place=f"backfill:{self.job}:line {line + 1}",
            index=index,
            code=code,
            detail=detail,
            pointer=pointer,
            raw=raw,
            arrived_at=self.began_at,
        )


def _add(
    services: Services,
    tenant: Tenant,
    by_hour: Mapping[int, Sequence[Block]],
    *,
    job: str,
    chunk: int,
) -> None:
    """Store what a chunk adds to each hour."""
    for hour, quarters in sorted(by_hour.items()):
        for scope, shares in _by_scope(tuple(quarters)):
            added = Added(hour=hour, job=job, chunk=chunk, blocks=shares)
            services.backfills.add(tenant, scope, added, now=services.now())


def _touch(touched: Touched, by_hour: Mapping[int, Sequence[Block]]) -> None:
    """Note whose hours these are."""
    for hour, quarters in by_hour.items():
        for scope in _scopes(Block.merge(quarters)):
            touched[scope].add(hour)


def _make_whole(services: Services, tenant: Tenant, touched: Touched) -> None:
    """Make the days and the copies that these hours change."""
    _make_days(services, tenant, touched)
    for scope, hours in sorted(touched.items()):
        for hour in sorted(hours):
            copy_scope_hour(services, tenant, scope, hour)


def _scopes(whole: Block) -> Iterator[Scope]:
    """The tenant, and every wedding and vendor that a block tells of."""
    yield WHOLE
    for kind, ids in (
        (ScopeKind.WEDDING, whole.wedding_ids()),
        (ScopeKind.VENDOR, vendor_ids(whole)),
    ):
        yield from (scope for each in ids if (scope := Scope(kind, each)).storable)


def _by_scope(
    quarters: tuple[Block, ...],
) -> Iterator[tuple[Scope, tuple[Block, ...]]]:
    """The share of each in some quarters."""
    for scope in _scopes(Block.merge(quarters)):
        if scope.kind is ScopeKind.WEDDING:
            yield scope, tuple(block.only(scope.id) for block in quarters)
        elif scope.kind is ScopeKind.VENDOR:
            yield scope, tuple(of_vendor(block, scope.id) for block in quarters)
        else:
            yield scope, tuple(block.totals_only() for block in quarters)


def _make_days(
    services: Services, tenant: Tenant, scopes: Touched, *, before: int | None = None
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
