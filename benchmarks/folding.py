"""From the text of records to packed blobs, beside json with dictionaries, and beside polars.

The references hold the same four windows (1 s for the tenant; 1 min, 5 min and 1 h per series)
with count, sum, min, max and what a 95th percentile needs; equality is asserted first.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import polars as pl

from benchmarks.measure import Table, cpu_seconds
from wedsync.metrics.block import Block
from wedsync.metrics.columns import Accepted, Columns
from wedsync.metrics.decode import decode_record
from wedsync.metrics.fold import SlotMerge, merge_rows, slots
from wedsync.metrics.identity import Origin

_T0_MS = 1_781_956_800_000
_PER_RECORD = 500
_WINDOWS_MS = (1_000, 60_000, 300_000, 3_600_000)
_ROUNDS = 5
_PACKS = 4
_KEY = b"a key of identities"
_STATS = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """How the points lie in the records."""

    name: str
    points: int
    weddings: int
    mixed: bool
    event_ids: bool

    def records(self) -> list[bytes]:
        """JSON arrays of 500 points; unless ``mixed``, each of one wedding."""
        random = Random(1)
        records = []
        for record in range(self.points // _PER_RECORD):
            wedding = record % self.weddings
            points = []
            for place in range(_PER_RECORD):
                if self.mixed:
                    wedding = random.randrange(self.weddings)
                point: dict[str, object] = {
                    "name": "api.request",
                    "kind": "timer",
                    "ts": _T0_MS + random.randrange(60_000),
                    "value": round(random.lognormvariate(5, 1), 2),
                    "weddingId": f"wed_{wedding:05}",
                    "dims": {
                        "route": f"/route/{random.randrange(10)}",
                        "status": random.choice(("200", "200", "200", "500")),
                    },
                }
                if self.event_ids:
                    point["eventId"] = f"{record}-{place}"
                points.append(point)
            records.append(json.dumps(points, separators=(",", ":")).encode())
        return records


_POINTS = 30_000
"""What one invocation holds, as JSON in batches."""
SHAPES = (
    Shape("records of one wedding, 100 weddings", _POINTS, 100, mixed=False, event_ids=False),
    Shape(
        "mixed records with event ids, 1,000 weddings", _POINTS, 1_000, mixed=True, event_ids=True
    ),
)


def run() -> Table:
    """Measure every shape."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    for number, shape in enumerate(SHAPES):
        taken = cpu_seconds(_contenders(shape.records()), rounds=_ROUNDS)
        scaled = {name: seconds * 1e6 / shape.points for name, seconds in taken.items()}
        figures |= {f"shape{number}.{name}": each for name, each in scaled.items()}
        rows += _rows(shape, scaled)
    return Table(
        "Folding: CPU seconds per 1M points, one process",
        ("what", "WedSync", "reference", "s", "WedSync is"),
        tuple(rows),
        note=f"{_POINTS:,} points a batch in records of {_PER_RECORD}, medians of {_ROUNDS} "
        "interleaved rounds; counts, sums, minima and maxima asserted equal first.",
        figures=figures,
    )


def _contenders(records: Sequence[bytes]) -> Mapping[str, Callable[[], object]]:
    """What is timed, once all of it has been found to agree."""
    columns = Columns.of(decoded(records))
    frame = as_frame(records)
    _assert_equal(records, columns, frame)
    return {
        "decode": lambda: Columns.of(decoded(records)),
        "fold": lambda: folded(columns),
        "whole": lambda: folded(Columns.of(decoded(records))),
        "json": lambda: with_dicts(records),
        "rows": lambda: as_frame(records),
        "polars": lambda: with_polars(frame),
    }


def _rows(shape: Shape, taken: dict[str, float]) -> list[tuple[str, ...]]:
    pairs: Sequence[tuple[str, str, str, str]] = (
        ("record text to columns", "decode", "json rows to polars columns", "rows"),
        ("columns to packed blobs", "fold", "polars, four group-bys with p95", "polars"),
        ("record text to packed blobs", "whole", "json and dictionaries", "json"),
        ("the same", "whole", "polars on decoded columns", "polars"),
    )
    return [
        (
            f"{what} ({shape.name})",
            f"{taken[ours]:.2f}",
            reference,
            f"{taken[theirs]:.2f}",
            _ratio(taken[theirs] / taken[ours]),
        )
        for what, ours, reference, theirs in pairs
    ]


def _ratio(times: float) -> str:
    return f"{times:.1f} x faster" if times >= 1 else f"{1 / times:.1f} x slower"


def decoded(records: Sequence[bytes]) -> list[Accepted]:
    """As ingest reads a batch: every point with its identity."""
    accepted = []
    for copy, record in enumerate(records):
        origin = Origin(tenant="t", stream="s", shard="0", sequence=f"{copy:056}")
        accepted += [
            Accepted(
                point=point,
                frame_id=origin.frame_id(
                    _KEY, event_id=point.event_id, ts_ms=point.ts_ms, index=index
                ),
                copy=copy,
                tenant="t",
                arrival_ms=_T0_MS + 60_000,
                late=False,
            )
            for index, point in decode_record(record).points
        ]
    return accepted


def folded(columns: Columns) -> list[SlotMerge]:
    """Every item that the batch changes, with its blobs."""
    return [merge_rows(None, share) for share in slots(columns, packs=lambda _tenant, _at: _PACKS)]


Stats = list[float]


def with_dicts(records: Sequence[bytes]) -> dict[tuple[object, ...], tuple[Stats, Stats]]:
    """How one would write it: json, a dictionary per window, the values kept for percentiles."""
    cells: dict[tuple[object, ...], tuple[Stats, Stats]] = {}
    for record in records:
        for point in json.loads(record):
            dims = point["dims"]
            value, ts = point["value"], point["ts"]
            series = (point["weddingId"], point["name"], dims["route"], dims["status"])
            keys = [(window, ts // window, *series) for window in _WINDOWS_MS[1:]]
            for key in [(_WINDOWS_MS[0], ts // _WINDOWS_MS[0], point["name"]), *keys]:
                cell = cells.get(key)
                if cell is None:
                    cells[key] = ([1, value, value, value], [value])
                    continue
                stats, values = cell
                stats[0] += 1
                stats[1] += value
                stats[2] = min(stats[2], value)
                stats[3] = max(stats[3], value)
                values.append(value)
    for _, values in cells.values():
        values.sort()
    return cells


def as_frame(records: Sequence[bytes]) -> pl.DataFrame:
    """Rows of json as columns."""
    rows = [point for record in records for point in json.loads(record)]
    return pl.DataFrame(
        {
            "wedding": [row["weddingId"] for row in rows],
            "name": [row["name"] for row in rows],
            "route": [row["dims"]["route"] for row in rows],
            "status": [row["dims"]["status"] for row in rows],
            "ts": [row["ts"] for row in rows],
            "value": [row["value"] for row in rows],
        }
    )


def with_polars(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Four group-bys, each with a 95th percentile."""
    value = pl.col("value")
    measures = (
        pl.len().alias("count"),
        value.sum().alias("sum"),
        value.min().alias("min"),
        value.max().alias("max"),
        value.quantile(0.95).alias("p95"),
    )
    series = ["wedding", "name", "route", "status"]
    return [
        frame.group_by(
            (pl.col("ts") // window).alias("window"),
            *(["name"] if window == _WINDOWS_MS[0] else series),
        ).agg(*measures)
        for window in _WINDOWS_MS
    ]


def _assert_equal(records: Sequence[bytes], columns: Columns, frame: pl.DataFrame) -> None:
    """Every series' count, sum, min and max, and the tenant's count of every second."""
    dims = ("wedding_id", "metric", "route", "status")
    block = Block.merge(Block.decode(merged.content.on_time) for merged in folded(columns))
    ours = {
        key: (each.count, each.sum, each.min, each.max)
        for key, each in block.select(metric="api.request").by(*dims).items()
    }
    minute = _WINDOWS_MS[1]
    cells = with_dicts(records)
    dicts = {key[2:]: tuple(stats) for key, (stats, _) in cells.items() if key[0] == minute}
    columnar = {row[1:5]: row[5 : 5 + _STATS] for row in with_polars(frame)[1].iter_rows()}
    for reference in (dicts, columnar):
        if ours.keys() != reference.keys():
            raise AssertionError("the series differ")
        for key, mine in ours.items():
            theirs = reference[key]
            if not all(
                math.isclose(float(a or 0), float(b), rel_tol=1e-9)
                for a, b in zip(mine, theirs, strict=True)
            ):
                raise AssertionError(f"{key}: {mine} is not {theirs}")
    seconds = {
        second: each.count for second, each in block.totals("api.request").per_second().items()
    }
    expected = {key[1]: stats[0] for key, (stats, _) in cells.items() if key[0] == _WINDOWS_MS[0]}
    if sorted(seconds.values()) != sorted(expected.values()):
        raise AssertionError("the seconds differ")
