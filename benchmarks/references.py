"""The same work by other means: a loop over dictionaries, and polars."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import polars as pl

from infra.cost.workload import SeriesKey, Workload

WINDOWS_MS = {"1 s": 1_000, "1 min": 60_000, "5 min": 300_000, "1 h": 3_600_000}
SECOND = "1 s"

Cell: TypeAlias = tuple[object, int]
"""What was observed (a series; for one second a metric), and the window's number."""


@dataclass(slots=True)
class Tally:
    """One cell of the loop."""

    count: int = 0
    sum: float = 0.0
    min: float = math.inf
    max: float = -math.inf
    values: list[float] = field(default_factory=list)
    p95: float = 0.0

    def close(self) -> None:
        """The observation of nearest rank."""
        self.p95 = sorted(self.values)[math.ceil(0.95 * self.count) - 1]


def by_dictionary(records: Sequence[bytes]) -> dict[str, dict[Cell, Tally]]:
    """From record text to four windows, as one writes it without a library."""
    windows: dict[str, dict[Cell, Tally]] = {name: {} for name in WINDOWS_MS}
    for record in records:
        for point in json.loads(record):
            dims = point["dims"]
            key: SeriesKey = (
                point["weddingId"],
                point["name"],
                dims.get("service"),
                dims.get("status"),
                dims.get("outcome"),
            )
            value, ts_ms = point["value"], point["ts"]
            for name, width_ms in WINDOWS_MS.items():
                of = point["name"] if name == SECOND else key
                cell = (of, ts_ms // width_ms)
                tally = windows[name].get(cell)
                if tally is None:
                    tally = windows[name][cell] = Tally()
                tally.count += 1
                tally.sum += value
                tally.min = min(tally.min, value)
                tally.max = max(tally.max, value)
                tally.values.append(value)
    for window in windows.values():
        for tally in window.values():
            tally.close()
    return windows


def columns_for_polars(workload: Workload) -> pl.DataFrame:
    """The decoded columns, as polars likes them best: numbers alone."""
    metrics = {name: number for number, name in enumerate(metric_names(workload))}
    metric = [metrics[key[1]] for key in workload.keys]
    return pl.DataFrame(
        {
            "series": pl.Series(workload.series, dtype=pl.UInt32),
            "metric": pl.Series([metric[one] for one in workload.series], dtype=pl.UInt32),
            "ts_ms": pl.Series(workload.ts_ms, dtype=pl.Int64),
            "value": pl.Series(workload.values, dtype=pl.Float64),
        }
    )


def metric_names(workload: Workload) -> tuple[str, ...]:
    """The metrics in the order of polars' numbers."""
    return tuple(dict.fromkeys(key[1] for key in workload.keys))


def by_polars(columns: pl.DataFrame, *, seconds_of: str) -> dict[str, pl.DataFrame]:
    """Four group-bys with count, sum, min, max and p95; ``seconds_of`` metric or series."""
    return {
        name: columns.group_by(
            seconds_of if name == SECOND else "series", pl.col("ts_ms") // width_ms
        ).agg(
            pl.len().alias("count"),
            pl.col("value").sum().alias("sum"),
            pl.col("value").min().alias("min"),
            pl.col("value").max().alias("max"),
            pl.col("value").quantile(0.95, "nearest").alias("p95"),
        )
        for name, width_ms in WINDOWS_MS.items()
    }


def cells_of_polars(
    found: dict[str, pl.DataFrame], workload: Workload
) -> Iterator[tuple[str, Cell, int, float]]:
    """What polars found, under the loop's names: window, cell, count and sum."""
    metrics = metric_names(workload)
    for name, frame in found.items():
        for of, bucket, count, total, *_ in frame.iter_rows():
            key: object = metrics[of] if name == SECOND else workload.keys[of]
            yield name, (key, bucket), count, total
