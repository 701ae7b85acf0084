"""What a batch tells of, by distinct series: never by point."""

from dataclasses import dataclass

import numpy as np

from wedsync.metrics.columns import Columns
from wedsync.metrics.histogram import Ints, dense_ids, distinct
from wedsync.metrics.series import Dims

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """By tenant: the weddings that points tell of, and the series of those that tell of none.

    ``missed`` are minutes of points that came in time for their minute and not for the
    ``window`` minutes that held it; ``through`` is the newest minute of any.
    """

    weddings: dict[str, frozenset[str]]
    beside: dict[str, frozenset[tuple[str, Dims]]]
    missed: frozenset[int]
    through: int


def told_by(columns: Columns, *, window: int) -> Told:
    """What these rows tell of."""
    names = columns.names
    first, _ = dense_ids(columns.tenant, columns.place)
    weddings: dict[str, set[str]] = {}
    for tenant, place in _pairs(columns, first, columns.place):
        wedding = names.text(int(names.place_wedding[place]))
        if wedding is not None:
            weddings.setdefault(tenant, set()).add(wedding)
    beside: dict[str, set[tuple[str, Dims]]] = {}
    loose = np.flatnonzero((names.place_wedding < 0)[columns.place])
    if len(loose):
        first, _ = dense_ids(columns.tenant[loose], columns.measure[loose])
        for tenant, measure in _pairs(columns, loose[first], columns.measure):
            metric, _, dims = names.measure(measure)
            beside.setdefault(tenant, set()).add((metric, dims))
    minute = columns.ts_ms // _MINUTE_MS
    arrived = (columns.frame_arrival_ms // _MINUTE_MS)[columns.frame]
    missed = distinct(minute[~columns.late & (arrived - minute >= window)]).tolist()
    return Told(
        weddings={tenant: frozenset(found) for tenant, found in weddings.items()},
        beside={tenant: frozenset(series) for tenant, series in beside.items()},
        missed=frozenset(missed),
        through=int(minute.max(initial=0)),
    )


def _pairs(columns: Columns, rows: Ints, numbers: Ints) -> list[tuple[str, int]]:
    tenants = columns.frame_tenant[columns.frame[rows]].tolist()
    return [
        (columns.tenants[tenant], number)
        for tenant, number in zip(tenants, numbers[rows].tolist(), strict=True)
    ]
