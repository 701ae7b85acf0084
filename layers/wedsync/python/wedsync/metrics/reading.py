"""From the bodies of a batch to rows, whatever form each has: one bad point costs itself alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from wedsync.metrics.body import FRAME_MAGIC, Poison
from wedsync.metrics.columnar import is_columnar, read_columns
from wedsync.metrics.decode import DecodedRecord, Place, RejectedPoint, decode_record
from wedsync.metrics.frame import NO_FRAME_ID, OWN_TIME, FrameReader
from wedsync.metrics.jsonrows import JsonReader
from wedsync.metrics.lexicon import Lexicon
from wedsync.metrics.point import Point
from wedsync.metrics.rows import Rows, rows_of_points

_FLAWS = {
    "value": ("value-out-of-range", "a value is at most 1e15 either way"),
    "ts": ("bad-ts", "ts is epoch milliseconds"),
    "count": ("bad-count", "count is a whole number from 1 to 1e9"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a frame says of itself: its own id, and when it was created, where it tells that."""

    frame_id: int | None
    created_at_ms: int | None


@dataclass(slots=True)
class BodiesRead:
    """A batch, read. ``parts`` are rows of one or several records; ``heads`` are by record."""

    parts: list[Rows] = field(default_factory=list)
    rejected: list[tuple[int, RejectedPoint]] = field(default_factory=list)
    heads: dict[int, Head] = field(default_factory=dict)

    def add_points(self, record: int, decoded: DecodedRecord, lexicon: Lexicon) -> None:
        """Points that were read one by one: they stand under their places among themselves."""
        self.rejected += [(record, each) for each in decoded.rejected]
        points = [point for _, point in decoded.points]
        if points:
            self.parts.append(rows_of_points(record, list(enumerate(points)), lexicon))

    def reject(
        self, record: int, index: int | None, reason: tuple[str, str], pointer: str, raw: bytes
    ) -> None:
        """Set one point, or the whole record, aside."""
        code, detail = reason
        rejected = RejectedPoint(index=index, code=code, detail=detail, pointer=pointer, raw=raw)
        self.rejected.append((record, rejected))


@dataclass(frozen=True, slots=True)
class Sent:
    """A point as it was sent: what it says, and where it stands."""

    point: Point
    place: Place
    in_columns: bool = False

    def pointer(self, member: str) -> str:
        """Where one of its members stands."""
        if self.in_columns:
            return f"/columns/{member}{self.place.pointer}"
        return f"{self.place.pointer}/{member}"


class BodyReader:
    """Reads bodies; what a warm process has met makes the next ones cheaper."""

    def __init__(self) -> None:
        self.lexicon = Lexicon()
        self._frames = FrameReader(self.lexicon)
        self._json = JsonReader(self.lexicon)

    @property
    def full(self) -> bool:
        """Whether it should be given up for a new one."""
        return self.lexicon.full or self._frames.full or self._json.full

    def read(self, bodies: Sequence[tuple[int, bytes]]) -> BodiesRead:
        """All of these, each under the number of its record. Raises nothing."""
        found = BodiesRead()
        self._read_frames([each for each in bodies if each[1].startswith(FRAME_MAGIC)], found)
        for record, body in bodies:
            if not body.startswith(FRAME_MAGIC):
                self._read_json(record, body, found)
        return found

    def points(self, body: bytes) -> dict[int, Sent]:
        """The points of a body that was read, one by one, by their index in it."""
        if body.startswith(FRAME_MAGIC):
            points = self._frames.points(body)
            return {index: Sent(point, Place(f"/{index}")) for index, point in points}
        if is_columnar(body) and (read := read_columns(0, body, self.lexicon)) is not None:
            points = read.rows.points(self.lexicon.names())
            return {
                index: Sent(point, Place(f"/{index}"), in_columns=True) for index, point in points
            }
        decoded = decode_record(body)
        return {index: Sent(point, decoded.places[index]) for index, point in decoded.points}

    def _read_frames(self, bodies: Sequence[tuple[int, bytes]], found: BodiesRead) -> None:
        if not bodies:
            return
        read = self._frames.read(bodies)
        raw = dict(bodies)
        for record, poison in read.poison.items():
            found.reject(record, None, (poison.reason, poison.detail), "", raw[record])
        for record, head in read.heads.items():
            found.heads[record] = Head(
                frame_id=None if head.frame_id == NO_FRAME_ID else head.frame_id,
                created_at_ms=None if head.created_at_ms == OWN_TIME else head.created_at_ms,
            )
        for flaw in read.flawed:
            found.reject(
                flaw.record, flaw.index, _FLAWS[flaw.member], f"/{flaw.index}", raw[flaw.record]
            )
        if read.rows is not None:
            found.parts.append(read.rows)

    def _read_json(self, record: int, body: bytes, found: BodiesRead) -> None:
        try:
            columnar = read_columns(record, body, self.lexicon) if is_columnar(body) else None
        except Poison as poison:
            reason = (poison.reason, poison.detail)
            found.reject(record, None, reason, poison.errors[0].pointer, body)
            return
        if columnar is not None:
            found.heads[record] = Head(
                frame_id=columnar.frame_id, created_at_ms=columnar.created_at_ms
            )
            for index, member in columnar.flawed:
                told = json.dumps({"frameId": columnar.frame_id, "index": index}).encode()
                found.reject(record, index, _FLAWS[member], f"/columns/{member}/{index}", told)
            if len(columnar.rows):
                found.parts.append(columnar.rows)
            return
        rows = self._json.read(record, body)
        if rows is None:
            decoded = decode_record(body)
            found.rejected += [(record, each) for each in decoded.rejected]
            if not decoded.points:
                return
            rows = rows_of_points(record, decoded.points, self.lexicon)
        found.parts.append(rows)
