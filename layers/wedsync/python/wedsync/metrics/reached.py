"""Which series the rows of a batch tell of, of some metrics alone: by column, never by point."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from wedsync.metrics.columns import Columns
from wedsync.metrics.histogram import Ints, dense_ids
from wedsync.metrics.series import Dims

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a batch brings to one series, as far as it came on time.

    ``least`` and ``most`` bound the values, ``first`` and ``last`` are their epoch minutes.
    """

    tenant: str
    metric: str
    dims: Dims
    wedding_id: str | None
    vendor_id: str | None
    least: float
    most: float
    first: int
    last: int


def tenants_in(columns: Columns) -> tuple[str, ...]:
    """The tenants that have rows."""
    return tuple(columns.tenants[number] for number in np.unique(columns.frame_tenant).tolist())


def reached_by(columns: Columns, wanted: Mapping[str, AbstractSet[str]]) -> list[Reached]:
    """What the rows bring to the metrics that their tenants want."""
    names = columns.names
    rows = _rows(columns, wanted)
    if not len(rows):
        return []
    tenant, measure, place = columns.tenant[rows], columns.measure[rows], columns.place[rows]
    first, number = dense_ids(tenant, measure, place)
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(len(first)))
    value, minute = columns.value[rows][order], columns.ts_ms[rows][order] // _MINUTE_MS
    bounds = zip(
        np.minimum.reduceat(value, starts).tolist(),
        np.maximum.reduceat(value, starts).tolist(),
        np.minimum.reduceat(minute, starts).tolist(),
        np.maximum.reduceat(minute, starts).tolist(),
        strict=True,
    )
    found: list[Reached] = []
    for at, (least, most, earliest, latest) in zip(first.tolist(), bounds, strict=True):
        metric, _, dims = names.measure(int(measure[at]))
        found.append(
            Reached(
                tenant=columns.tenants[int(tenant[at])],
                metric=metric,
                dims=dims,
                wedding_id=names.text(int(names.place_wedding[place[at]])),
                vendor_id=names.text(int(names.place_vendor[place[at]])),
                least=least,
                most=most,
                first=earliest,
                last=latest,
            )
        )
    return found


def _rows(columns: Columns, wanted: Mapping[str, AbstractSet[str]]) -> Ints:
    """The rows on time whose tenant wants their metric."""
    present = np.unique(columns.measure).tolist()
    metrics = {measure: columns.names.measure(measure)[0] for measure in present}
    every = {metric for each in wanted.values() for metric in each}
    of_any = np.zeros(max(present, default=-1) + 1, np.bool_)
    of_any[[measure for measure, metric in metrics.items() if metric in every]] = True
    rows = np.flatnonzero(of_any[columns.measure] & ~columns.late)
    if len(columns.tenants) == 1 or not len(rows):
        return rows
    tenant, measure = columns.tenant[rows], columns.measure[rows]
    keep = np.zeros(len(rows), np.bool_)
    for number, name in enumerate(columns.tenants):
        own = [each for each, metric in metrics.items() if metric in wanted.get(name, ())]
        keep |= (tenant == number) & np.isin(measure, own)
    return rows[keep]
