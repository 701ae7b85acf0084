"""Totals that clients keep since their start, turned into what came between two readings.

A :class:`Book` holds, for one exporter, the last reading of each of its series, and the points
that were taken off and may not be counted yet. Taking off and noting both is one step; who takes
it stores the book first, then sends the points, then strikes them out. A crash in between leaves
them owed, and whoever opens the book next sends them again under the same ids: each increment is
counted once, whatever is repeated or comes in another order.

Reading by reading: what is older than the last one has been counted with it. The first reading
of a run counts from zero if the run is younger than a day; of an older one, nobody knows what
was counted elsewhere or would be too late, so it is only where counting begins.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from wedsync.metrics.body import Poison
from wedsync.metrics.distribution import Amount, Distribution, Exponential, Reading, since
from wedsync.metrics.envelope import Members, read_point
from wedsync.metrics.exported import Exported, points_of
from wedsync.metrics.lateness import ACCEPTED_MS
from wedsync.metrics.point import Point

MOST_RUNS = 2_000
"""Series of one exporter."""
FORGOTTEN_AFTER_NS = 2 * ACCEPTED_MS * 1_000_000
"""A run without a reading for so long is forgotten. A later one is older than a day, and so
cannot count from zero: it takes twice the lateness that is accepted."""
_ACCEPTED_NS = ACCEPTED_MS * 1_000_000


@dataclass(frozen=True, slots=True)
class Last:
    """The newest reading of a run."""

    at_ns: int
    reading: Reading


@dataclass(slots=True)
class Book:
    """One exporter's running totals: its runs, and points owed by their event id."""

    runs: dict[str, Last] = field(default_factory=dict)
    owed: dict[str, Point] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a book said of some data points: those refused, by their index among them."""

    changed: bool
    refused: tuple[tuple[Exported, Poison], ...]


def take_off(book: Book, readings: Iterable[Exported], *, now_ms: int) -> Taken:
    """Note these readings in the book; what they add to the totals is owed from then on."""
    changed = _forget(book, now_ms * 1_000_000)
    refused: list[tuple[Exported, Poison]] = []
    for each in sorted(readings, key=lambda each: each.at_ns):
        last = book.runs.get(each.run)
        if last is not None and each.at_ns <= last.at_ns:
            continue
        try:
            owed = _growth(book, each, last)
        except Poison as poison:
            refused.append((each, poison))
            continue
        book.runs[each.run] = Last(each.at_ns, each.reading)
        book.owed.update((str(point.event_id), point) for point in owed)
        changed = True
    return Taken(changed=changed, refused=tuple(refused))


def _growth(book: Book, each: Exported, last: Last | None) -> list[Point]:
    if last is not None:
        return points_of(each, since(each.reading, last.reading))
    if len(book.runs) >= MOST_RUNS:
        raise Poison("too-many-series", f"an exporter has at most {MOST_RUNS} running totals")
    if each.since_ns == 0 or each.at_ns - each.since_ns > _ACCEPTED_NS:
        return []
    return points_of(each, each.reading)


def _forget(book: Book, now_ns: int) -> bool:
    old = [run for run, last in book.runs.items() if last.at_ns < now_ns - FORGOTTEN_AFTER_NS]
    for run in old:
        del book.runs[run]
    return bool(old)


def encode(book: Book) -> bytes:
    """The book as bytes."""
    document = {
        "runs": {run: [last.at_ns, *_coded(last.reading)] for run, last in book.runs.items()},
        "owed": [_members(point) for point in book.owed.values()],
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 6)


def decode(data: bytes) -> Book:
    """The book that these bytes hold."""
    document = json.loads(zlib.decompress(data))
    owed = [read_point(members) for members in document["owed"]]
    return Book(
        runs={run: Last(coded[0], _reading(coded[1:])) for run, coded in document["runs"].items()},
        owed={str(point.event_id): point for point in owed},
    )


def _members(point: Point) -> Members:
    """What an owed point says, in the words of the envelope."""
    return {
        "name": point.name,
        "kind": point.kind.value,
        "ts": point.ts_ms,
        "values": list(point.values),
        "count": point.count,
        "dims": dict(point.dims),
        "eventId": point.event_id,
        "weddingId": point.wedding_id,
        "vendorId": point.vendor_id,
        "guestId": point.guest_id,
    }


def _coded(reading: Reading) -> list[object]:
    match reading:
        case Amount(value):
            return ["a", value]
        case Distribution(bounds=bounds, counts=counts, total=total):
            return ["d", bounds, counts, total]
        case Exponential(scale=scale, zero=zero, positive=positive, negative=negative):
            return ["e", scale, zero, list(positive.items()), list(negative.items())]


def _reading(coded: list[object]) -> Reading:
    match coded:
        case ["a", int() | float() as value]:
            return Amount(value)
        case ["d", list() as bounds, list() as counts, total]:
            return Distribution(
                bounds=tuple(bounds), counts=tuple(counts), total=cast("float | None", total)
            )
        case ["e", int() as scale, int() as zero, list() as positive, list() as negative]:
            return Exponential(
                scale=scale, zero=zero, positive=dict(positive), negative=dict(negative)
            )
        case _:
            raise TypeError("no reading is coded so")
