"""Requests of no wedding, by service, as detectors count them."""

from dataclasses import dataclass

import numpy as np

from wedsync.metrics.block import Block
from wedsync.metrics.histogram import Floats, Ints
from wedsync.metrics.series import API_REQUEST, decode_dims, is_server_error

_BINS = 68
_PARTS_SHIFT = 50
_FIRST = 1023 << 2
_ANSWERED, _REFUSED, _FAILED = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequests:
    """One service's requests. ``refused``: with a status of 400 to 499; ``failed``: above.

    ``slower``: those that took longer than was asked. ``times``: of the requests that were
    answered well, the number in each quarter of an octave from 1 ms, where there are any.
    """

    total: int
    refused: int
    failed: int
    slower: int
    times: tuple[tuple[int, int], ...]


def requests_by_service(block: Block, *, slower_than_ms: float) -> dict[str, ServiceRequests]:
    """Count every service's requests in one pass over the histograms."""
    chosen = block.select(API_REQUEST, wedding_id=None)
    if not chosen:
        return {}
    grid = chosen.grid
    cells = grid.cells.take(chosen.rows[grid.cells.row])
    texts, inverse = np.unique(grid.dims[cells.row], return_inverse=True)
    named = [dict(decode_dims(chosen.strings[text])) if text >= 0 else {} for text in texts]
    services = sorted({dims.get("service", "") for dims in named})
    number = {service: at for at, service in enumerate(services)}
    service = np.array([number[dims.get("service", "")] for dims in named], np.int64)[inverse]
    outcome = np.array([_outcome(dims.get("status")) for dims in named], np.int64)[inverse]
    group = service * 3 + outcome
    width = len(services)
    counts = np.bincount(group, cells.count, width * 3).astype(np.int64).reshape(width, 3)
    entries = np.repeat(np.arange(len(cells)), np.diff(cells.start))
    late = cells.keys > slower_than_ms
    slower = np.bincount(service[entries], cells.weights * late, width).astype(np.int64)
    well = outcome[entries] == _ANSWERED
    at = service[entries] * _BINS + _bins(cells.keys)
    times = np.bincount(at[well], cells.weights[well], width * _BINS).astype(np.int64)
    return {
        name: ServiceRequests(
            total=int(counts[row].sum()),
            refused=int(counts[row, _REFUSED]),
            failed=int(counts[row, _FAILED]),
            slower=int(slower[row]),
            times=_filled(times[row * _BINS : (row + 1) * _BINS]),
        )
        for row, name in enumerate(services)
        if name
    }


def _outcome(status: str | None) -> int:
    if is_server_error(status):
        return _FAILED
    refused = status is not None and status.isdecimal() and 400 <= int(status[:9]) < 500
    return _REFUSED if refused else _ANSWERED


def _bins(ms: Floats) -> Ints:
    """The exponent and the first two bits of the mantissa, counted from 1 ms."""
    parts = np.maximum(ms, 1.0).view(np.int64) >> _PARTS_SHIFT
    bins: Ints = np.minimum(parts - _FIRST, _BINS - 1)
    return bins


def _filled(row: Ints) -> tuple[tuple[int, int], ...]:
    held = np.flatnonzero(row)
    return tuple(zip(held.tolist(), row[held].tolist(), strict=True))
