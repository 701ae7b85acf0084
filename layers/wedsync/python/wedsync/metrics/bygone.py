"""Old points by the file: its lines as columns, and columns as the quarters of hours they fill.

Lines of ordinary shape are read many at a go; wherever anything about one is in doubt, lines are
read one by one, as ingest reads records. Which way changes nothing but the time that it takes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wedsync.metrics.block import Block, merge_stacks
from wedsync.metrics.blockcodec import Encoded
from wedsync.metrics.columns import ALONE, OWN_TIME, Columns, Guests, first_copy, ints
from wedsync.metrics.decode import MOST_POINTS, RejectedPoint
from wedsync.metrics.fold import MINUTE_MS
from wedsync.metrics.histogram import Bools, Ints, Words, dense_ids
from wedsync.metrics.identity import Origin
from wedsync.metrics.intake import OTHER_TENANT, UNKNOWN_OUTCOME, Reason
from wedsync.metrics.jsonrows import JsonReader
from wedsync.metrics.lanes import fold_lanes
from wedsync.metrics.lexicon import NONE, Lexicon, Names, guest_hash
from wedsync.metrics.reading import BodiesRead, BodyReader, Head, Sent
from wedsync.metrics.rows import Rows, join_rows, joined_words

TOO_OLD: Reason = ("too-old", "older than hours are kept")
TOO_YOUNG: Reason = ("too-young", "younger than a day: send it to ingest")
_REASONS = (OTHER_TENANT, TOO_OLD, UNKNOWN_OUTCOME, TOO_YOUNG)
"""In the order in which they are told where several hold."""
_KEPT = len(_REASONS)
_GROUPS = (MOST_POINTS, 50)
"""Lines that are read at a go; where that fails, fewer, and then each by itself."""
_INDEX_BITS = 16

Line = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesRead:
    """What some lines hold. The record of a row, a rejection or a head is its line's number."""

    parts: Sequence[Rows]
    rejected: Sequence[tuple[int, RejectedPoint]]
    heads: dict[int, Head]


class LineReader:
    """Reads lines, one record each; the more it has met, the cheaper the next ones are."""

    def __init__(self) -> None:
        self._bodies = BodyReader()
        self._ordinary = JsonReader(self.lexicon)

    @property
    def lexicon(self) -> Lexicon:
        """What the rows' numbers name."""
        return self._bodies.lexicon

    @property
    def full(self) -> bool:
        """Whether it should be given up for a new one."""
        return self._bodies.full or self._ordinary.full

    def read(self, lines: Sequence[Line]) -> LinesRead:
        """All of these, but for empty ones. Raises nothing."""
        found = BodiesRead()
        self._read([(number, text) for number, text in lines if text.strip()], _GROUPS, found)
        return LinesRead(
            parts=[part for part in found.parts if len(part)],
            rejected=found.rejected,
            heads=found.heads,
        )

    def points(self, line: bytes) -> dict[int, Sent]:
        """The points of a line that was read, one by one, by their index in it."""
        return self._bodies.points(line)

    def _read(self, lines: Sequence[Line], sizes: Sequence[int], found: BodiesRead) -> None:
        if not sizes:
            for line in lines:
                self._read_one(line, found)
            return
        for start in range(0, len(lines), sizes[0]):
            part = lines[start : start + sizes[0]]
            rows = self._together(part)
            if rows is None:
                self._read(part, sizes[1:], found)
            else:
                found.parts.append(rows)

    def _read_one(self, line: Line, found: BodiesRead) -> None:
        read = self._bodies.read([line])
        found.parts += read.parts
        found.rejected += read.rejected
        found.heads |= read.heads

    def _together(self, lines: Sequence[Line]) -> Rows | None:
        """The rows of lines that hold one ordinary point each; ``None`` where that is in doubt.

        An object that went on over the end of its line would leave a line that does not begin
        and end as one.
        """
        texts = [text.strip() for _, text in lines]
        if not all(text[:1] == b"{" and text[-1:] == b"}" for text in texts):
            return None
        rows = self._ordinary.read(0, b"\n".join(texts))
        if rows is None or len(rows) != len(lines):
            return None
        numbers = ints([number for number, _ in lines])
        return replace(rows, record=numbers, index=np.zeros(len(rows), np.int64))


@dataclass(frozen=True, slots=True)
class Misfit:
    """A point that is not added, by its line and its index in it."""

    line: int
    index: int
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What is to be added, and how many points that is; how many were added before; the others."""

    columns: Columns | None
    taken: int
    repeated: int
    misfits: Sequence[Misfit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sieve:
    """Tells what may be added of a tenant's file. ``seen`` are its points that carry an id."""

    origin: Origin
    key: bytes
    began_ms: int
    oldest_ms: int
    young_ms: int
    seen: set[int]

    def sift(self, read: LinesRead, lexicon: Lexicon) -> Sifted:
        """Judge all points of some lines; ``seen`` learns those that are to be added."""
        if not read.parts:
            return Sifted(columns=None, taken=0, repeated=0, misfits=())
        rows, names = join_rows(read.parts), lexicon.names()
        first = np.ones(len(rows), np.bool_) if rows.first is None else rows.first
        flaw = self._flaws(rows, names)
        misfits = [
            Misfit(int(rows.record[at]), int(rows.index[at]), _REASONS[int(flaw[at])])
            for at in np.flatnonzero((flaw < _KEPT) & first).tolist()
        ]
        good = flaw == _KEPT
        events = self._events(read.parts)
        point = np.cumsum(first) - 1
        repeated = self._repeated(events, good & first)[np.flatnonzero(first)[point]]
        repeated |= self._repeated_frames(read.heads, rows, good & (events == 0))
        kept = np.flatnonzero(good & ~repeated)
        columns = None
        if len(kept):
            columns = self._columns(rows, names, events, point).take(kept)
        return Sifted(
            columns=columns,
            taken=int(first[kept].sum()),
            repeated=int((repeated & good & first).sum()),
            misfits=misfits,
        )

    def _flaws(self, rows: Rows, names: Names) -> Ints:
        flaw = np.full(len(rows), _KEPT, np.int64)
        flaw[rows.ts_ms >= self.young_ms] = _REASONS.index(TOO_YOUNG)
        flaw[names.measure_unknown_outcome[rows.measure]] = _REASONS.index(UNKNOWN_OUTCOME)
        flaw[rows.ts_ms < self.oldest_ms] = _REASONS.index(TOO_OLD)
        if rows.claim is not None:
            foreign = [each != self.origin.tenant for each in rows.claims]
            flaw[np.array([*foreign, False])[rows.claim]] = _REASONS.index(OTHER_TENANT)
        return flaw

    def _events(self, parts: Sequence[Rows]) -> Words:
        """The identity of each row whose point carries an event id, 0 for the others."""
        found = joined_words([self._events_of(part) for part in parts], [*map(len, parts)])
        return np.zeros(sum(map(len, parts)), np.uint64) if found is None else found

    def _events_of(self, part: Rows) -> Words | None:
        if part.event_words is not None:
            ids = self.origin.event_words(self.key, part.event_words, part.ts_ms)
            return np.where(part.event_words == 0, part.event_words, ids)
        if part.event_texts is None:
            return None
        named = np.array([each is not None for each in part.event_texts])
        texts = [each for each in part.event_texts if each is not None]
        ids = np.zeros(len(part), np.uint64)
        ids[named] = self.origin.event_ids(self.key, texts, part.ts_ms[named])
        return ids

    def _repeated(self, events: Words, judged: Bools) -> Bools:
        """Which of these points stood in the file before."""
        repeated = np.zeros(len(events), np.bool_)
        chosen = np.flatnonzero(judged & (events != 0))
        for at, event in zip(chosen.tolist(), events[chosen].tolist(), strict=True):
            if event in self.seen:
                repeated[at] = True
            else:
                self.seen.add(event)
        return repeated

    def _repeated_frames(self, heads: dict[int, Head], rows: Rows, judged: Bools) -> Bools:
        """The same for points of lines that are known by an id of their own."""
        repeated = np.zeros(len(rows), np.bool_)
        for line, head in heads.items():
            of = judged & (rows.record == line)
            if head.frame_id is None or not of.any():
                continue
            frame = self.origin.frame_id(self.key, head.frame_id)
            if frame in self.seen:
                repeated |= of
            self.seen.add(frame)
        return repeated

    def _columns(self, rows: Rows, names: Names, events: Words, point: Ints) -> Columns:
        """All rows, each point a frame by itself: known by its event id, else by its place."""
        begins = np.flatnonzero(np.diff(point, prepend=-1))
        place = ((rows.record << _INDEX_BITS) + rows.index).astype(np.uint64)
        placed = replace(self.origin, device=f"{self.origin.device}:{self.origin.batch_id}")
        ids = placed.event_words(self.key, place, rows.ts_ms)
        ids = np.where(events == 0, ids, events)[begins]
        return Columns(
            names=names,
            tenants=(self.origin.tenant,),
            frame_id=ids,
            frame_tenant=np.zeros(len(ids), np.int64),
            frame_copy=np.full(len(ids), first_copy(0), np.int64),
            frame_created_ms=np.full(len(ids), OWN_TIME, np.int64),
            frame_arrival_ms=np.full(len(ids), self.began_ms, np.int64),
            frame_kind=np.full(len(ids), ALONE, np.int64),
            frame=point,
            place=rows.place,
            measure=rows.measure,
            ts_ms=rows.ts_ms,
            value=rows.value,
            late=np.ones(len(rows), np.bool_),
            weight=rows.weight,
            first=rows.first,
            guests=self._guests(rows, names),
        )

    def _guests(self, rows: Rows, names: Names) -> Guests | None:
        if rows.guest is None:
            return None
        wedding = names.place_wedding[rows.place]
        first, each = dense_ids(wedding, rows.guest)
        known = [
            0
            if rows.guest[at] == NONE
            else guest_hash(
                self.origin.tenant, names.text(int(wedding[at])), rows.guests[int(rows.guest[at])]
            )
            for at in first.tolist()
        ]
        return Guests(texts=rows.guests, number=rows.guest, hash=np.array(known, np.uint64)[each])


def parts_of(columns: Columns, *, minutes: int) -> Iterator[tuple[int, Block]]:
    """What each stretch of so many minutes amounts to, by its number since the epoch, in order."""
    minute = columns.ts_ms // MINUTE_MS
    first, lane = dense_ids(minute)
    stack = fold_lanes(columns, None, lane, None, len(first)).stack
    at, part = dense_ids(minute[first] // minutes)
    merged = Encoded(merge_stacks([(stack, part)], lanes=len(at)))
    for number, place in enumerate(at.tolist()):
        yield int(minute[first][place]) // minutes, Block.decode(merged.of(number))
