"""Accepted points as columns: numbers alone, one row for each observation.

Nothing on the way from a record's text to its items looks at one point by itself, unless its
text gives a reason to (see ``decode``): :meth:`Columns.of` is that slower way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wedsync.metrics.histogram import Bools, Floats, Ints, Words, dense_ids, distinct
from wedsync.metrics.lexicon import NONE, Lexicon, Names, guest_hash
from wedsync.metrics.point import Point

OWN_TIME = -1
"""Stands for when a frame was created where the time of each of its points is its own."""
MADE, NAMED, ALONE = range(3)
_COPY_BITS = 32
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A point that will be counted, unless it was counted before.

    ``frame_id`` is the identity under which copies are found. Points that came in one frame
    share it and the ``copy``: the ordinal, within the batch, of what they came in. A point with
    an event id is a frame by itself, so copies of it inside one record are found as well.
    ``created_at_ms`` is the frame's; without a frame it is the point's own time. ``tenant`` is
    the proved one.
    """

    point: Point
    frame_id: int
    copy: int
    tenant: str
    arrival_ms: int
    late: bool
    created_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guests:
    """Who acted, by row: a number of ``texts`` (-1 for none) and a hash (0 for none).

    A frame may tell a hash alone: ``sent`` is that, before it was made one wedding's own.
    """

    texts: tuple[str, ...]
    number: Ints
    hash: Words
    sent: Words | None = None

    @classmethod
    def joined(cls, parts: "Sequence[Guests | None]") -> "Guests | None":
        """Guests of several columns, which all are of the first."""
        found = [part for part in parts if part is not None]
        if not found:
            return None
        sent = [part.sent for part in found if part.sent is not None]
        return replace(
            found[0],
            number=np.concatenate([part.number for part in found]),
            hash=np.concatenate([part.hash for part in found]),
            sent=np.concatenate(sent) if sent else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Rows that will be counted; ``frame_*`` are by frame, the rest by row.

    ``frame`` is a row's frame, ``index`` its point's place in the record (none: it is alone).
    ``weight`` says how many observations a row stands for (none: one), ``first`` marks the first
    row of each point as it was sent (none: every row is one). ``frame_copy`` orders the copies of
    a frame within the batch, by the ordinal of what they came in; ``frame_kind`` says where its id
    comes from: the record's place (``MADE``), its sender (``NAMED``), the event id of its only
    point (``ALONE``). ``debt`` names the record for which a row is to be judged, 0 for none.
    """

    names: Names
    tenants: tuple[str, ...]

    frame_id: Words
    frame_tenant: Ints
    frame_copy: Ints
    frame_created_ms: Ints
    frame_arrival_ms: Ints
    frame_kind: Ints

    frame: Ints
    place: Ints
    measure: Ints
    ts_ms: Ints
    value: Floats
    late: Bools
    index: Ints | None = None
    weight: Ints | None = None
    first: Bools | None = None
    guests: Guests | None = None
    debt: Words | None = None

    def __len__(self) -> int:
        return len(self.ts_ms)

    @classmethod
    def of(cls, accepted: Sequence[Accepted], lexicon: Lexicon | None = None) -> "Columns":
        """The columns of points that were read one by one."""
        lexicon = Lexicon() if lexicon is None else lexicon
        points = [each.point for each in accepted]
        tenants = tuple(dict.fromkeys(each.tenant for each in accepted))
        lengths = np.array([len(point.values) for point in points], np.int64)
        first = np.zeros(int(lengths.sum()), np.bool_)
        first[np.cumsum(lengths) - lengths] = True
        row = np.repeat(np.arange(len(points)), lengths)
        place = [lexicon.place(p.wedding_id, p.vendor_id, p.source) for p in points]
        measure = [lexicon.measure(p.name, p.kind, p.dims) for p in points]
        created = [OWN_TIME if e.created_at_ms is None else e.created_at_ms for e in accepted]
        return cls(
            names=lexicon.names(),
            tenants=tenants,
            frame_id=np.array([each.frame_id for each in accepted], np.uint64),
            frame_tenant=ints([tenants.index(each.tenant) for each in accepted]),
            frame_copy=_copies(accepted),
            frame_created_ms=ints(created),
            frame_arrival_ms=ints([each.arrival_ms for each in accepted]),
            frame_kind=np.full(len(accepted), ALONE, np.int64),
            frame=row,
            place=ints(place)[row],
            measure=ints(measure)[row],
            ts_ms=ints([point.ts_ms for point in points])[row],
            value=np.array([value for point in points for value in point.values], np.float64),
            late=np.array([each.late for each in accepted], np.bool_)[row],
            weight=ints([point.count for point in points])[row],
            first=first,
            guests=_guests(accepted, row),
        )

    @classmethod
    def joined(cls, parts: "Sequence[Columns]") -> "Columns":
        """The rows of all, one after the other, each part's in frames of its own.

        They are over one lexicon and the same tenants, and none owes anything yet.
        """
        one = parts[0]
        lengths = [len(part) for part in parts]
        frames = [len(part.frame_id) for part in parts]
        starts = np.cumsum(frames) - frames

        def rows(column: Callable[[Columns], Ints | None], *, absent: int) -> Ints | None:
            return joined_ints([column(part) for part in parts], lengths, absent=absent)

        return replace(
            one,
            frame_id=np.concatenate([part.frame_id for part in parts]),
            frame_tenant=np.concatenate([part.frame_tenant for part in parts]),
            frame_copy=np.concatenate([part.frame_copy for part in parts]),
            frame_created_ms=np.concatenate([part.frame_created_ms for part in parts]),
            frame_arrival_ms=np.concatenate([part.frame_arrival_ms for part in parts]),
            frame_kind=np.concatenate([part.frame_kind for part in parts]),
            frame=np.concatenate([part.frame for part in parts]) + np.repeat(starts, lengths),
            place=np.concatenate([part.place for part in parts]),
            measure=np.concatenate([part.measure for part in parts]),
            ts_ms=np.concatenate([part.ts_ms for part in parts]),
            value=np.concatenate([part.value for part in parts]),
            late=np.concatenate([part.late for part in parts]),
            index=rows(lambda part: part.index, absent=NONE),
            weight=rows(lambda part: part.weight, absent=1),
            first=joined_flags([part.first for part in parts], lengths),
            guests=Guests.joined([part.guests for part in parts]),
        )

    @property
    def tenant(self) -> Ints:
        """The tenant of each row."""
        if len(self.tenants) == 1:
            return np.zeros(len(self), np.int64)
        return self.frame_tenant[self.frame]

    @property
    def created_at_ms(self) -> Ints:
        """When each row's frame was created."""
        created: Ints = self.frame_created_ms[self.frame]
        if (self.frame_created_ms != OWN_TIME).all():
            return created
        return np.where(created == OWN_TIME, self.ts_ms, created)

    @property
    def points(self) -> int:
        """How many points there are, as they were sent."""
        return len(self) if self.first is None else int(self.first.sum())

    def pack_key(self, row: int) -> str:
        """What decides the pack of this row: its wedding, else its vendor, else its source."""
        return next(filter(None, self.names.place(int(self.place[row]))), "")

    def weddings(self, tenant_id: str | None = None) -> frozenset[str]:
        """The weddings that these rows are of, or those of one tenant."""
        place = self.place
        if tenant_id is not None:
            place = place[self.tenant == self.tenants.index(tenant_id)]
        of = self.names.place_wedding[distinct(place)]
        return frozenset(self.names.texts[each] for each in of.tolist() if each >= 0)

    def without(self, rows: Bools) -> "Columns":
        """The other rows."""
        return self.take(~rows) if rows.any() else self

    def take(self, rows: Ints | Bools) -> "Columns":
        """Some of the rows."""
        guests = self.guests
        if guests is not None:
            guests = replace(
                guests,
                number=guests.number[rows],
                hash=guests.hash[rows],
                sent=None if guests.sent is None else guests.sent[rows],
            )
        return replace(
            self,
            frame=self.frame[rows],
            place=self.place[rows],
            measure=self.measure[rows],
            ts_ms=self.ts_ms[rows],
            value=self.value[rows],
            late=self.late[rows],
            index=None if self.index is None else self.index[rows],
            weight=None if self.weight is None else self.weight[rows],
            first=None if self.first is None else self.first[rows],
            guests=guests,
            debt=None if self.debt is None else self.debt[rows],
        )

    def halves(self, rows: Ints) -> "tuple[Columns, Columns]":
        """These rows in two parts that are counted apart, each frame in one of them.

        Raises:
            ValueError: they are of one frame, which is never too large for an item.

        """
        ids = self.frame_id[self.frame[rows]]
        distinct = np.unique(ids)
        if len(distinct) < 2:
            raise ValueError("a frame by itself fits an item")
        low = ids < distinct[len(distinct) // 2]
        return self.take(rows[low]), self.take(rows[~low])

    def with_own_frames(self, ids: Words) -> "Columns":
        """The same with rows that are frames by themselves: those that have an id here, not 0.

        Rows of one point have one id. Such a frame's time is the point's own.
        """
        own = np.flatnonzero(ids != 0)
        frames = len(self.frame_id)
        frame = self.frame.copy()
        frame[own] = frames + np.arange(len(own))
        of = self.frame[own]
        return replace(
            self,
            frame_id=np.concatenate((self.frame_id, ids[own])),
            frame_tenant=np.concatenate((self.frame_tenant, self.frame_tenant[of])),
            # Copies of a point within one record are told apart; rows of one point are not.
            frame_copy=np.concatenate((self.frame_copy, self.frame_copy[of] + self._point(own))),
            frame_created_ms=np.concatenate(
                (self.frame_created_ms, np.full(len(own), OWN_TIME, np.int64))
            ),
            frame_arrival_ms=np.concatenate((self.frame_arrival_ms, self.frame_arrival_ms[of])),
            frame_kind=np.concatenate((self.frame_kind, np.full(len(own), ALONE, np.int64))),
            frame=frame,
        )

    def cut(self, part: Ints) -> "Columns":
        """The same with rows that have a part other than 0 in frames that follow from theirs."""
        moved = np.flatnonzero(part)
        first, number = dense_ids(self.frame[moved], part[moved])
        of, which = self.frame[moved[first]], part[moved[first]].astype(np.uint64)
        frame = self.frame.copy()
        frame[moved] = len(self.frame_id) + number
        return replace(
            self,
            frame_id=np.concatenate((self.frame_id, (self.frame_id[of] ^ which) * _MIX)),
            frame_tenant=np.concatenate((self.frame_tenant, self.frame_tenant[of])),
            frame_copy=np.concatenate((self.frame_copy, self.frame_copy[of])),
            frame_created_ms=np.concatenate((self.frame_created_ms, self.frame_created_ms[of])),
            frame_arrival_ms=np.concatenate((self.frame_arrival_ms, self.frame_arrival_ms[of])),
            frame_kind=np.concatenate((self.frame_kind, self.frame_kind[of])),
            frame=frame,
        )

    def _point(self, rows: Ints) -> Ints:
        """Which point of the batch each of these rows belongs to."""
        if self.first is None:
            return rows
        point: Ints = np.cumsum(self.first, dtype=np.int64)
        return point[rows]

    @property
    def frame_record(self) -> Ints:
        """The ordinal, within the batch, of what each frame came in."""
        return self.frame_copy >> _COPY_BITS

    def debts(self, rows: Ints) -> frozenset[int]:
        """The records for which these rows are to be judged."""
        if self.debt is None:
            return frozenset()
        return frozenset(np.unique(self.debt[rows]).tolist()) - {0}

    def sent(self, rows: Ints) -> int:
        """How many points, as they were sent, these rows are of."""
        return len(rows) if self.first is None else int(self.first[rows].sum())

    def observed(self, rows: Ints) -> int:
        """How many observations these rows stand for in all."""
        return len(rows) if self.weight is None else int(self.weight[rows].sum())

    def observations(self, rows: Ints) -> Ints:
        """How many observations each of these rows stands for."""
        return np.ones(len(rows), np.int64) if self.weight is None else self.weight[rows]

    def is_first(self, rows: Ints) -> Bools:
        """Which of these rows begin a point as it was sent."""
        return np.ones(len(rows), np.bool_) if self.first is None else self.first[rows]


def first_copy(ordinal: int) -> int:
    """The order of a copy that came in this: what comes in it once more has the next."""
    return ordinal << _COPY_BITS


def ints(values: Sequence[int]) -> Ints:
    """Whole numbers as a column."""
    return np.array(values, np.int64)


def joined_ints(
    columns: Sequence[Ints | None], lengths: Sequence[int], *, absent: int
) -> Ints | None:
    """Columns of numbers, ``absent`` where there is none; ``None`` where there is none at all."""
    if all(column is None for column in columns):
        return None
    return np.concatenate(
        [
            np.full(length, absent, np.int64) if column is None else column
            for column, length in zip(columns, lengths, strict=True)
        ]
    )


def joined_flags(columns: Sequence[Bools | None], lengths: Sequence[int]) -> Bools | None:
    """The same for flags, which are set where they are absent."""
    if all(column is None for column in columns):
        return None
    return np.concatenate(
        [
            np.ones(length, np.bool_) if column is None else column
            for column, length in zip(columns, lengths, strict=True)
        ]
    )


def _guests(accepted: Sequence[Accepted], row: Ints) -> Guests | None:
    numbers: dict[str, int] = {}
    number = []
    hashes = []
    for each in accepted:
        guest = each.point.guest_id
        if guest is None:
            number.append(NONE)
            hashes.append(0)
        else:
            number.append(numbers.setdefault(guest, len(numbers)))
            hashes.append(guest_hash(each.tenant, each.point.wedding_id, guest))
    if not numbers:
        return None
    return Guests(
        texts=tuple(numbers), number=ints(number)[row], hash=np.array(hashes, np.uint64)[row]
    )


def _copies(accepted: Sequence[Accepted]) -> Ints:
    """The order of copies: by ordinal, and for points with an event id by place within it."""
    return ints(
        [
            first_copy(each.copy) + (at if each.point.event_id is not None else 0)
            for at, each in enumerate(accepted)
        ]
    )
