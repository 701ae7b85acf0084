"""Rows as a frame for the stream: what HTTP ingest took in whatever form, in the fastest one."""

from collections.abc import Iterator

import numpy as np

from wedsync.errors import TooLarge
from wedsync.metrics.columns import ALONE, OWN_TIME, Columns
from wedsync.metrics.frame import MOST_POINTS, NO_FRAME_ID, FrameColumns, encode
from wedsync.metrics.histogram import Ints, dense_ids, distinct
from wedsync.metrics.lexicon import NONE
from wedsync.metrics.reading import Head

_COMPRESSED_FROM = 200
"""Points: frames of so many are compressed, since the stream is paid for by the byte."""


def frames_of(
    columns: Columns, head: Head | None, *, most_bytes: int
) -> Iterator[tuple[int, bytes]]:
    """All rows as frames that are not too large, each with the place of its first row.

    Raises:
        TooLarge: a frame with an id of its own is one frame for ever, and too large.

    """
    waiting = [np.arange(len(columns))]
    while waiting:
        rows = waiting.pop()
        if len(rows) <= MOST_POINTS:
            data = frame_of(columns, rows, head=head)
            if len(data) <= most_bytes:
                yield int(rows[0]), data
                continue
        middle = _between_points(columns, rows)
        if middle is None or (head is not None and head.frame_id is not None):
            raise TooLarge("a frame with an id of its own does not fit a record of the stream")
        waiting += [rows[middle:], rows[:middle]]


def _between_points(columns: Columns, rows: Ints) -> int | None:
    """Where these rows may be cut, near the middle: never within a point."""
    begins = np.flatnonzero(columns.is_first(rows))
    return int(begins[len(begins) // 2]) if len(begins) > 1 else None


def frame_of(columns: Columns, rows: Ints, *, head: Head | None) -> bytes:
    """One frame of these rows, which are of one tenant; its id and time are those of ``head``.

    Identities of points that have their own go with them as they are: only under the platform's
    signature do they count as such.
    """
    names = columns.names
    place, place_of = _table(columns.place[rows])
    measure, measure_of = _table(columns.measure[rows])
    measures = [names.measure(each) for each in measure.tolist()]
    dims = {each: at for at, each in enumerate(dict.fromkeys(each for _, _, each in measures))}
    first, series_of = dense_ids(place_of, measure_of)
    series = [
        (at, which, dims[measures[which][2]])
        for at, which in zip(place_of[first].tolist(), measure_of[first].tolist(), strict=True)
    ]
    guests, guest = _guests(columns, rows)
    told_guests = None if columns.guests is None else columns.guests.sent
    alone = (columns.frame_kind == ALONE)[columns.frame[rows]]
    ids = columns.frame_id[columns.frame[rows]]
    told = FrameColumns(
        places=[names.place(each) for each in place.tolist()],
        metrics=[(metric, kind) for metric, kind, _ in measures],
        dims=list(dims),
        series=series,
        series_of=series_of,
        ts_ms=columns.ts_ms[rows],
        value=columns.value[rows],
        count=None if columns.weight is None else columns.weight[rows],
        guests=guests,
        guest=guest,
        subject=None if told_guests is None else told_guests[rows],
        event=np.where(alone, ids, np.uint64(0)) if alone.any() else None,
        first=None if columns.first is None else columns.first[rows],
        tenant=columns.tenants[int(columns.frame_tenant[columns.frame[rows[0]]])],
    )
    own_id, created_at_ms = (None, None) if head is None else (head.frame_id, head.created_at_ms)
    return encode(
        told,
        frame_id=NO_FRAME_ID if own_id is None else own_id,
        created_at_ms=OWN_TIME if created_at_ms is None else created_at_ms,
        compress=len(rows) >= _COMPRESSED_FROM,
    )


def _guests(columns: Columns, rows: Ints) -> tuple[list[str], Ints | None]:
    """The guests that these rows name, and each row's number among them."""
    if columns.guests is None:
        return [], None
    number = columns.guests.number[rows]
    table = distinct(number[number >= 0])
    if not len(table):
        return [], None
    guests = [columns.guests.texts[each] for each in table.tolist()]
    return guests, np.where(number < 0, NONE, np.searchsorted(table, number))


def _table(numbers: Ints) -> tuple[Ints, Ints]:
    """The distinct numbers, and the place of each row's among them."""
    table = distinct(numbers)
    return table, np.searchsorted(table, numbers)
