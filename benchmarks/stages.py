"""What the stream function does between a batch's text and its items, each step timed apart."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.references import (
    SECOND,
    Cell,
    Tally,
    by_polars,
    cells_of_polars,
    columns_for_polars,
)
from benchmarks.report import Differs
from infra.cost.workload import DIMS, METRICS, Workload
from wedsync.metrics.block import Block
from wedsync.metrics.body import open_body
from wedsync.metrics.chain import SEAL_BYTES, content_bytes
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.decode import decode_record
from wedsync.metrics.fold import SlotContent, SlotKey, merge_rows, never, slots
from wedsync.metrics.histogram import EXACT_UP_TO, RELATIVE_ERROR
from wedsync.metrics.identity import Origin
from wedsync.metrics.lateness import Lateness, classify
from wedsync.metrics.point import Point

STEPS = ("decode", "identify", "columns", "fold", "pack", "roll up")
_PACKS = 8
_EVENT_BYTES = 6 * 1024 * 1024
_ENVELOPE_BYTES = 582
_KEY = b"a key of this benchmark alone"
_TENANT = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """One pack's windows: minutes with the seconds in them, five minutes, the hour."""

    minutes: tuple[bytes, ...]
    five_minutes: bytes
    hour: bytes


@dataclass(slots=True)
class Run:
    """One pass over the workload: CPU seconds by step, and what it left."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    items: dict[SlotKey, SlotContent] = field(default_factory=dict)
    rolled: tuple[Rolled, ...] = ()
    puts: int = 0
    write_units: int = 0

    @property
    def total_seconds(self) -> float:
        """Of all steps."""
        return sum(self.seconds.values())

    @property
    def from_columns_seconds(self) -> float:
        """Of what comes after decoding."""
        return sum(self.seconds[step] for step in ("fold", "pack", "roll up"))


def events_of(records: Sequence[bytes]) -> tuple[tuple[bytes, ...], ...]:
    """The records cut as Lambda hands them out: at most 6 MB with base64 and envelope."""
    events: list[list[bytes]] = [[]]
    size = 0
    for record in records:
        more = 4 * len(record) // 3 + _ENVELOPE_BYTES
        if size + more > _EVENT_BYTES:
            events.append([])
            size = 0
        events[-1].append(record)
        size += more
    return tuple(map(tuple, events))


def read_all(events: Sequence[Sequence[bytes]], run: Run) -> list[Columns]:
    """Every event's text as columns of points that are told apart."""
    sequence = 0
    found = []
    for event in events:
        began = time.process_time()
        decoded = [decode_record(open_body(record)) for record in event]
        began = _step(run, "decode", began)
        accepted = []
        for copy, record in enumerate(decoded):
            sequence += 1
            accepted += _identified(record.points, copy=copy, sequence=sequence)
        began = _step(run, "identify", began)
        found.append(Columns.of(accepted))
        _step(run, "columns", began)
    return found


def fold_all(batches: Sequence[Columns], run: Run, *, every_second: bool = False) -> None:
    """What the stream function does with each event; the store is a dictionary."""
    for columns in batches:
        began = time.process_time()
        shares = slots(
            columns,
            packs=lambda _tenant, _created_at_ms: _PACKS,
            keep_seconds=_always if every_second else never,
        )
        began = _step(run, "fold", began)
        merged = [(share.key, merge_rows(run.items.get(share.key), share)) for share in shares]
        _step(run, "pack", began)
        for key, each in merged:
            run.items[key] = each.content
            run.puts += 1
            run.write_units += math.ceil(content_bytes(each.content) / 1024)
    began = time.process_time()
    run.rolled = tuple(_rolled(run.items))
    _step(run, "roll up", began)


def _always(_tenant: str, _wedding_id: str) -> bool:
    return True


def _step(run: Run, name: str, began: float) -> float:
    now = time.process_time()
    run.seconds[name] += now - began
    return now


def _identified(points: Sequence[tuple[int, Point]], *, copy: int, sequence: int) -> list[Accepted]:
    origin = Origin(tenant=_TENANT, stream="metrics", shard="0", sequence=str(sequence))
    arrival_ms = points[-1][1].ts_ms
    return [
        Accepted(
            point=point,
            frame_id=origin.frame_id(_KEY, event_id=point.event_id, ts_ms=point.ts_ms, index=index),
            copy=copy,
            tenant=_TENANT,
            arrival_ms=arrival_ms,
            late=classify(point.ts_ms, arrival_ms) is Lateness.LATE,
        )
        for index, point in points
    ]


def _rolled(items: Mapping[SlotKey, SlotContent]) -> Iterator[Rolled]:
    for pack in sorted({key.pack for key in items}):
        minutes = [
            Block.merge(
                Block.decode(content.on_time)
                for key, content in items.items()
                if (key.pack, key.minute) == (pack, minute)
            )
            for minute in sorted({key.minute for key in items if key.pack == pack})
        ]
        yield Rolled(
            minutes=tuple(minute.encode() for minute in minutes),
            five_minutes=Block.merge(minutes).encode(),
            hour=Block.merge(minutes).encode(),
        )


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
