"""What was folded, held against what the references found."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from benchmarks.references import (
    SECOND,
    Cell,
    Tally,
    by_polars,
    cells_of_polars,
    columns_for_polars,
)
from benchmarks.report import Differs
from benchmarks.stages import Run
from infra.cost.workload import DIMS, METRICS, Workload
from wedsync.metrics.block import Block
from wedsync.metrics.chain import SEAL_BYTES, content_bytes
from wedsync.metrics.histogram import EXACT_UP_TO, RELATIVE_ERROR


def check(run: Run, workload: Workload, tallies: Mapping[str, Mapping[Cell, Tally]]) -> None:
    """Hold all three against each other: counts equal, sums and quantiles within tolerance."""
    polars_seen: Counter[str] = Counter()
    for window, cell, count, total in cells_of_polars(
        by_polars(columns_for_polars(workload), seconds_of="metric"), workload
    ):
        tally = tallies[window].get(cell)
        polars_seen[window] += 1
        if tally is None or tally.count != count or not math.isclose(tally.sum, total):
            raise Differs(f"polars, {window}: {cell}")
    seen: Counter[str] = Counter()
    for window, cell, count, total, p95 in _cells(run):
        tally = tallies[window].get(cell)
        seen[window] += 1
        tolerance = RELATIVE_ERROR if count > EXACT_UP_TO else 0.0
        if (
            tally is None
            or tally.count != count
            or not math.isclose(tally.sum, total)
            or abs(p95 - tally.p95) > tolerance * tally.p95
        ):
            raise Differs(f"WedSync, {window}: {cell}")
    cells = {window: len(held) for window, held in tallies.items()}
    if seen != cells or polars_seen != cells:
        raise Differs(f"WedSync holds {seen}, polars {polars_seen}, the loop {cells}")
    largest = max(map(content_bytes, run.items.values()))
    if largest > SEAL_BYTES:
        raise Differs(f"an item of {largest} bytes would have been sealed")


def check_seconds(run: Run, workload: Workload) -> None:
    """Hold every series' seconds against polars': the same cells, counts and sums."""
    frames = by_polars(columns_for_polars(workload), seconds_of="series")
    expected = {
        (workload.keys[of], second): (count, total)
        for of, second, count, total, *_ in frames[SECOND].iter_rows()
    }
    found = 0
    for pack in run.rolled:
        for data in pack.minutes:
            block = Block.decode(data)
            series = block.select().series()
            cells = block.series.cells
            columns = (cells.row, cells.second, cells.count, cells.sum)
            for row, second, count, total in zip(*(c.tolist() for c in columns), strict=True):
                one = series[row]
                dims = dict(one.dims)
                key = (one.wedding_id, one.metric, *(dims.get(dim) for dim in DIMS))
                wanted = expected.get((key, (block.minute or 0) * 60 + second))
                found += 1
                if wanted is None or wanted[0] != count or not math.isclose(wanted[1], total):
                    raise Differs(f"WedSync, by the second: {key} {second}")
    if found != len(expected):
        raise Differs(f"WedSync holds {found} seconds of series, not {len(expected)}")


def _cells(run: Run) -> Iterator[tuple[str, Cell, int, float, float]]:
    minutes: dict[int, list[Block]] = {}
    first = min(key.minute for key in run.items)
    for pack in run.rolled:
        for data in pack.minutes:
            block = Block.decode(data)
            if block.minute is None:
                raise Differs("a block of one minute names none")
            minutes.setdefault(block.minute, []).append(block.totals_only())
            yield from _series(block, "1 min", block.minute)
        for name, data, width in (("5 min", pack.five_minutes, 5), ("1 h", pack.hour, 60)):
            yield from _series(Block.decode(data), name, first // width)
    for minute, blocks in minutes.items():
        whole = Block.merge(blocks)
        for metric in METRICS:
            for second, told in whole.totals(metric).per_second().items():
                cell = (metric, minute * 60 + second)
                yield SECOND, cell, told.count, told.sum, told.quantile(0.95) or 0.0


def _series(
    block: Block, window: str, bucket: int
) -> Iterator[tuple[str, Cell, int, float, float]]:
    for key, told in block.select().by("wedding_id", "metric", *DIMS).items():
        yield window, (key, bucket), told.count, told.sum, told.quantile(0.95) or 0.0
