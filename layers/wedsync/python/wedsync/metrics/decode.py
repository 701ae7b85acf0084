"""From the text of a record to its points: one bad point never costs its neighbours.

A record is an object, an array, or objects line by line. An object may carry ``data`` (or
``payload``): points that inherit its other members. A record holds at most 500 values.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from wedsync.metrics.body import Flaw, Poison, parse_with_flaws
from wedsync.metrics.envelope import Members, inherit, members_of, read_point
from wedsync.metrics.point import Point

MOST_POINTS = 500
_LONGEST_RAW_BYTES = 16 * 1024


class Place(NamedTuple):
    """Where a point stands in its record: by JSON pointer, and of lines by the line as well.

    The pointer into a record of lines begins with the number of the object, as in an array.
    """

    pointer: str
    line: int | None = None

    def told(self, detail: str) -> str:
        """What is wrong with the point, with the line on which it is."""
        return detail if self.line is None else f"line {self.line}: {detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedPoint:
    """What could not be taken, and why. ``index`` is ``None`` when the whole record failed."""

    index: int | None
    code: str
    detail: str
    pointer: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedRecord:
    """The points of one record by their index in it, and what was refused.

    ``places`` are by index, of both.
    """

    points: tuple[tuple[int, Point], ...]
    rejected: tuple[RejectedPoint, ...]
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    """One would-be point: where it stood, and what it says, or why that cannot be read."""

    place: Place
    members: Members | Poison
    raw: Callable[[], bytes]


def decode_record(body: bytes) -> DecodedRecord:
    """Every point that can be read and every one that cannot; raises nothing."""
    try:
        items = list(_items(body))
        points, rejected = _read(items)
    except Poison as poison:
        return DecodedRecord(points=(), rejected=(rejected_record(poison, body),))
    places = tuple(item.place for item in items)
    return DecodedRecord(points=points, rejected=rejected, places=places)


def rejected_record(poison: Poison, body: bytes) -> RejectedPoint:
    """A record that as a whole cannot be read."""
    return _rejected(None, poison, Place(""), body)


def _read(
    items: list[_Item],
) -> tuple[tuple[tuple[int, Point], ...], tuple[RejectedPoint, ...]]:
    if not items:
        raise Poison("no-points", "the record holds no point")
    points: list[tuple[int, Point]] = []
    rejected: list[RejectedPoint] = []
    values = 0
    for index, item in enumerate(items):
        try:
            if isinstance(item.members, Poison):
                raise item.members
            point = read_point(item.members)
        except Poison as poison:
            rejected.append(_rejected(index, poison, item.place, item.raw()))
            continue
        values += len(point.values)
        points.append((index, point))
    if values > MOST_POINTS:
        raise _too_many()
    return tuple(points), tuple(rejected)


def _rejected(index: int | None, poison: Poison, place: Place, raw: bytes) -> RejectedPoint:
    return RejectedPoint(
        index=index,
        code=poison.reason,
        detail=place.told(poison.detail),
        pointer=place.pointer + poison.errors[0].pointer,
        raw=raw[:_LONGEST_RAW_BYTES] if index is not None else raw,
    )


def _too_many() -> Poison:
    return Poison("too-many-points", f"a record holds at most {MOST_POINTS} points")


def _items(body: bytes) -> Iterator[_Item]:
    try:
        value, flaws = parse_with_flaws(body)
    except Poison as poison:
        lines = _lines(body)
        if lines is None:
            raise poison from None
        yield from _bounded(_items_of_lines(lines))
        return
    if isinstance(value, Flaw):
        raise Poison(value.reason, value.detail)
    if not isinstance(value, list | dict):
        raise Poison("not-a-record", "a record is an object, an array or objects line by line")
    if isinstance(value, dict):
        yield from _bounded(_items_of(value, Place(""), flawed=bool(flaws)))
        return
    yield from _bounded(
        item
        for position, element in enumerate(value)
        for item in _items_of(element, Place(f"/{position}"), flawed=bool(flaws))
    )


def _bounded(items: Iterator[_Item]) -> Iterator[_Item]:
    for count, item in enumerate(items):
        if count >= MOST_POINTS:
            raise _too_many()
        yield item


def _lines(body: bytes) -> list[tuple[int, bytes]] | None:
    """The lines of an NDJSON body that are not empty, with their numbers from 1 on.

    ``None`` unless at least one line alone is an object.
    """
    numbered = enumerate(body.splitlines(), start=1)
    lines = [(number, line) for number, line in numbered if line.strip()]
    if len(lines) < 2:
        return None
    if len(lines) > MOST_POINTS:
        raise _too_many()
    for _, line in lines:
        try:
            value, _ = parse_with_flaws(line)
        except Poison:
            continue
        if isinstance(value, dict):
            return lines
    return None


def _items_of_lines(lines: list[tuple[int, bytes]]) -> Iterator[_Item]:
    for position, (number, line) in enumerate(lines):
        place = Place(f"/{position}", number)
        try:
            value, flaws = parse_with_flaws(line)
        except Poison as poison:
            yield _Item(place, poison, partial(bytes, line))
            continue
        yield from _items_of(value, place, flawed=bool(flaws))


def _items_of(element: object, place: Place, *, flawed: bool) -> Iterator[_Item]:
    """The points of one element: itself, or those of its ``data`` with its other members."""
    if not isinstance(element, dict):
        yield _item(element, place, flawed=flawed)
        return
    name = "data" if element.get("data") is not None else "payload"
    inner = element.get(name)
    if not isinstance(inner, list | dict):
        yield _item(element, place, flawed=flawed)
        return
    outer = members_of(element)
    del outer[name]
    if flawed and _flaw_in(outer) is not None:
        yield _item(outer, place, flawed=True)
        return
    if isinstance(inner, dict):
        yield _item(inner, _within(place, name), flawed=flawed, outer=outer)
        return
    for position, each in enumerate(inner):
        yield _item(
            each, _within(place, name, position), flawed=flawed, outer=outer, position=position
        )


def _within(place: Place, *names: str | int) -> Place:
    return Place("/".join((place.pointer, *map(str, names))), place.line)


def _item(
    element: object, place: Place, *, flawed: bool, outer: Members | None = None, position: int = 0
) -> _Item:
    raw = partial(_dump, element)
    if flawed and (flaw := _flaw_in(element)) is not None:
        return _Item(place, Poison(flaw.reason, flaw.detail), raw)
    if not isinstance(element, dict):
        return _Item(place, Poison("not-an-object", "a point is a JSON object"), raw)
    members = members_of(element)
    return _Item(place, members if outer is None else inherit(outer, members, position), raw)


def _flaw_in(value: object) -> Flaw | None:
    if isinstance(value, Flaw):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        if (flaw := _flaw_in(each)) is not None:
            return flaw
    return None


def _dump(value: object) -> bytes:
    return json.dumps(value, default=lambda flaw: f"<{flaw.reason}>").encode()
