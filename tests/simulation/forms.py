"""Points of a record in the forms that only some records can have: columns of JSON, and frames."""

import json
import random
import struct
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from wedsync.client import Batch
from wedsync.client.frames import fit_of
from wedsync.metrics.body import FRAME_MAGIC
from wedsync.metrics.frame import NO_FRAME_ID, OWN_TIME, FrameColumns, encode

Members = Mapping[str, object]

_ID_AT = 8


def as_columns(points: Sequence[Members]) -> bytes | None:
    """Columns of JSON; None where a point has several values."""
    if any("values" in point for point in points):
        return None
    points = [_with_guest(point) for point in points]
    columns: dict[str, object] = {
        name: [point[name] for point in points] for name in ("name", "kind", "ts", "value", "dims")
    }
    for name in ("weddingId", "eventId", "guestId"):
        if any(name in point for point in points):
            columns[name] = [point.get(name) for point in points]
    return json.dumps({"v": 1, "columns": columns}).encode()


def as_frame(points: Sequence[Members], *, compress: bool) -> bytes | None:
    """A frame without an id of its own; None where a point has an event id, which is a text."""
    if any("eventId" in point for point in points):
        return None
    points = [_with_guest(point) for point in points]
    guests = sorted({str(point["guestId"]) for point in points if "guestId" in point})
    guest = [guests.index(str(p["guestId"])) if "guestId" in p else -1 for p in points]
    places = [(cast("str | None", point.get("weddingId")), None, None) for point in points]
    metrics = [(str(point["name"]), str(point["kind"])) for point in points]
    dims = [tuple(sorted(cast("dict[str, str]", point["dims"]).items())) for point in points]
    values = [cast("list[float]", point.get("values", [point.get("value")])) for point in points]
    lengths = [len(each) for each in values]
    row = np.repeat(np.arange(len(points)), lengths)
    first = np.zeros(len(row), np.bool_)
    first[np.cumsum(lengths) - lengths] = True
    series = [(at, at, at) for at in range(len(points))]
    columns = FrameColumns(
        places=places,
        metrics=metrics,
        dims=dims,
        series=series,
        series_of=row,
        ts_ms=np.array([cast("int", point["ts"]) for point in points])[row],
        value=np.array([value for each in values for value in each], np.float64),
        count=np.array([cast("int", point.get("count", 1)) for point in points])[row],
        guests=guests,
        guest=np.array(guest)[row],
        first=first,
    )
    return encode(columns, frame_id=NO_FRAME_ID, created_at_ms=OWN_TIME, compress=compress)


def as_the_clients_frame(points: Sequence[Members], frame_id: int) -> bytes | None:
    """A frame with an id of its own, as our client writes it; None where one does not fit."""
    points = [_with_guest(point) for point in points]
    times = [cast("int", point["ts"]) for point in points]
    if any(fit_of(point, at) is None for point, at in zip(points, times, strict=True)):
        return None
    lines = b"".join(json.dumps(point).encode() + b"\n" for point in points)
    return Batch(f"0-{frame_id:016x}", lines, framed=True).frame


def _with_guest(point: Members) -> Members:
    """The point with a guest among its dimensions beside them: here no id may stand there."""
    dims = dict(cast("dict[str, str]", point["dims"]))
    guest = dims.pop("guestId", None)
    return {**point, "dims": dims} | ({} if guest is None else {"guestId": guest})


def in_other_form(points: Sequence[Members], chance: random.Random) -> bytes | None:
    """The same points in one of these forms, now and then."""
    which = chance.random()
    if which < 0.2:
        return as_columns(points)
    if which < 0.45:
        return as_frame(points, compress=which < 0.3)
    return as_the_clients_frame(points, chance.getrandbits(64)) if which < 0.6 else None


def own_frame_id(body: bytes) -> str | None:
    """The id that a frame carries, where the body is one that carries any."""
    if not body.startswith(FRAME_MAGIC):
        return None
    (frame_id,) = struct.unpack_from("<Q", body, _ID_AT)
    return None if frame_id == NO_FRAME_ID else str(frame_id)
