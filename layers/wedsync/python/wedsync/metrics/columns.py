"""Accepted points as columns: the last step that looks at each point by itself."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

import numpy as np

from wedsync.metrics.facts import happening
from wedsync.metrics.grid import KINDS
from wedsync.metrics.histogram import Bools, Floats, Ints, Words
from wedsync.metrics.marks import role_of, subject_of
from wedsync.metrics.point import Point
from wedsync.metrics.series import Series, encode_dims, total_of

_NONE = -1
_Value = TypeVar("_Value", bound=Hashable)


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
class SeriesTable:
    """Distinct series of a batch in the order of a grid's rows; texts are numbers of strings."""

    wedding: Ints
    vendor: Ints
    metric: Ints
    kind: Ints
    dims: Ints

    def __len__(self) -> int:
        return len(self.metric)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Telling:
    """What each series tells besides its numbers; -1 stands for nothing."""

    role: Ints
    subject: Ints
    heartbeat: Bools
    guest: Bools
    summary: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """One row per observation. ``first`` marks the first row of each point as it was sent."""

    tenants: tuple[str, ...]
    strings: tuple[str, ...]
    pack_keys: tuple[str, ...]
    series_table: SeriesTable
    totals_table: SeriesTable
    total_of_series: Ints
    telling: Telling

    tenant: Ints
    series: Ints
    pack_key: Ints
    guest: Ints
    guest_hash: Words
    ts_ms: Ints
    created_at_ms: Ints
    value: Floats
    weight: Ints
    frame: Words
    copy: Ints
    late: Bools
    first: Bools

    def __len__(self) -> int:
        return len(self.ts_ms)

    @classmethod
    def of(cls, accepted: Sequence[Accepted]) -> "Columns":
        """The columns of a batch."""
        points = [each.point for each in accepted]
        tenants, tenant = _numbered([each.tenant for each in accepted])
        pack_keys, pack_key = _numbered([point.pack_key for point in points])
        keys, series_of = _numbered(
            [(p.wedding_id, p.vendor_id, p.name, p.kind, p.dims) for p in points]
        )
        every = [
            Series(wedding_id=wedding, vendor_id=vendor, metric=metric, kind=kind, dims=dims)
            for wedding, vendor, metric, kind, dims in keys
        ]
        totals, total_of_series = _numbered([total_of(series) for series in every])
        told = [happening(each.metric, dict(each.dims)) for each in every]
        guests = [point.guest_id for point in points]
        subjects = [subject_of(each.metric, dict(each.dims)) for each in every]
        strings = _strings((*every, *totals), (*told, *guests, *subjects))
        number: dict[str | None, int] = {text: at for at, text in enumerate(strings)}
        number[None] = _NONE
        table, rank = _table(every, number)
        totals_table, totals_rank = _table(totals, number)
        by_rank = np.argsort(rank)
        every = [every[at] for at in by_rank.tolist()]

        values = [point.values for point in points]
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        of_point = np.repeat(np.arange(len(points)), lengths)
        starts = np.cumsum(lengths) - lengths
        first = np.zeros(len(of_point), np.bool_)
        first[starts] = True
        guest = np.fromiter((number[each] for each in guests), np.int64, len(points))
        return cls(
            tenants=tenants,
            strings=strings,
            pack_keys=pack_keys,
            series_table=table,
            totals_table=totals_table,
            total_of_series=totals_rank[total_of_series[by_rank]],
            telling=_telling(every, [told[at] for at in by_rank.tolist()], number),
            tenant=tenant[of_point],
            series=rank[series_of][of_point],
            pack_key=pack_key[of_point],
            guest=guest[of_point],
            guest_hash=_guest_hashes(accepted)[of_point],
            ts_ms=_ints([point.ts_ms for point in points])[of_point],
            created_at_ms=_ints(
                [
                    each.point.ts_ms if each.created_at_ms is None else each.created_at_ms
                    for each in accepted
                ]
            )[of_point],
            value=np.array([value for each in values for value in each], np.float64),
            weight=_ints([point.count for point in points])[of_point],
            frame=np.array([each.frame_id for each in accepted], np.uint64)[of_point],
            copy=_copies(accepted)[of_point],
            late=np.array([each.late for each in accepted], np.bool_)[of_point],
            first=first,
        )


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, np.int64)


def _numbered(values: Sequence[_Value]) -> tuple[tuple[_Value, ...], Ints]:
    """The distinct values in order of appearance, and the number of each."""
    distinct: dict[_Value, int] = {}
    numbers = [distinct.setdefault(value, len(distinct)) for value in values]
    return tuple(distinct), _ints(numbers)


def _strings(series: Sequence[Series], others: Sequence[str | None]) -> tuple[str, ...]:
    used: set[str | None] = {encode_dims(each.dims) for each in series if each.dims}
    for each in series:
        used |= {each.wedding_id, each.vendor_id, each.metric}
    used |= set(others)
    return tuple(sorted(text for text in used if text is not None))


def _table(series: Sequence[Series], number: dict[str | None, int]) -> tuple[SeriesTable, Ints]:
    """The series in a grid's order, and the new place of each."""
    columns = np.array(
        [
            (
                number[each.wedding_id],
                number[each.vendor_id],
                number[each.metric],
                KINDS.index(each.kind),
                number[encode_dims(each.dims) if each.dims else None],
            )
            for each in series
        ],
        np.int64,
    ).reshape(len(series), 5)
    order = np.lexsort(columns.T[::-1])
    rank = np.empty(len(series), np.int64)
    rank[order] = np.arange(len(series))
    wedding, vendor, metric, kind, dims = columns[order].T.copy()
    table = SeriesTable(wedding=wedding, vendor=vendor, metric=metric, kind=kind, dims=dims)
    return table, rank


def _role(series: Series) -> int:
    role = role_of(series.metric, dict(series.dims))
    return _NONE if role is None else role


def _telling(
    series: Sequence[Series], told: Sequence[str | None], number: dict[str | None, int]
) -> Telling:
    return Telling(
        role=_ints([_role(each) for each in series]),
        subject=_ints([number[subject_of(each.metric, dict(each.dims))] for each in series]),
        heartbeat=np.array([each.metric == "vendor.heartbeat" for each in series], np.bool_),
        guest=np.array([each.metric == "guest.activity" for each in series], np.bool_),
        summary=_ints([number[text] for text in told]),
    )


def _guest_hashes(accepted: Sequence[Accepted]) -> Words:
    """A hash of each guest, who is another one at another wedding or for another tenant."""
    distinct, numbers = _numbered(
        [
            (each.tenant, each.point.wedding_id, each.point.guest_id)
            if each.point.guest_id is not None
            else None
            for each in accepted
        ]
    )
    hashes = [0 if guest is None else _hash(*guest) for guest in distinct]
    return np.array(hashes, np.uint64)[numbers]


def _hash(tenant: str, wedding: str | None, guest: str) -> int:
    text = "\x1f".join((tenant, wedding or "", guest))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"wsguest")
    return int.from_bytes(digest.digest(), "little")


def _copies(accepted: Sequence[Accepted]) -> Ints:
    """The order of copies: by ordinal, and for points with an event id by place within it."""
    return _ints(
        [
            (each.copy << 32) + (at if each.point.event_id is not None else 0)
            for at, each in enumerate(accepted)
        ]
    )
