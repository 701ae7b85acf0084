"""The points that are measured with: a wedding day's timers, log-normal, in time order."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

POINTS_A_RECORD = 500
_LOG_MEDIAN, _LOG_SPREAD = 4.0, 0.5

SeriesKey: TypeAlias = tuple[str, str, str | None, str | None, str | None]
"""Wedding, metric, and the dimensions that ``DIMS`` names."""
DIMS = ("service", "status", "outcome")

SHAPES: tuple[tuple[str, dict[str, str]], ...] = (
    ("api.request", {"service": "site", "status": "200"}),
    ("api.request", {"service": "site", "status": "304"}),
    ("api.request", {"service": "photos", "status": "200"}),
    ("api.request", {"service": "photos", "status": "201"}),
    ("photo.upload", {"outcome": "started"}),
    ("photo.upload", {"outcome": "completed"}),
    ("timeline.sync", {"outcome": "completed"}),
    ("guest_list.load", {"outcome": "completed"}),
    ("notification.delivery", {"outcome": "delivered"}),
    ("checkout.step", {}),
)
"""The series of one wedding. None breaches a rule: alerts are measured by themselves."""
METRICS = tuple(dict.fromkeys(name for name, _ in SHAPES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Records of 500 points, and what a reference needs to know of each point."""

    records: tuple[bytes, ...]
    keys: tuple[SeriesKey, ...]
    series: Sequence[int]
    ts_ms: Sequence[int]
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.values)


def wedding_names(count: int) -> tuple[str, ...]:
    """Ids of weddings that nobody has registered."""
    return tuple(f"wed_{number:05d}" for number in range(count))


def make(
    points: int, *, weddings: Sequence[str], start_ms: int, span_ms: int, seed: int = 7
) -> Workload:
    """Points at an even pace over the span, each of a series drawn at random."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    keys: tuple[SeriesKey, ...] = tuple(
        (wedding, name, dims.get("service"), dims.get("status"), dims.get("outcome"))
        for wedding in weddings
        for name, dims in SHAPES
    )
    series = [chance.randrange(len(keys)) for _ in range(points)]
    values = [round(chance.lognormvariate(_LOG_MEDIAN, _LOG_SPREAD), 2) for _ in range(points)]
    ts_ms = [start_ms + place * span_ms // points for place in range(points)]
    rows = [
        {
            "eventId": f"{seed}-{place:x}",
            "name": SHAPES[one % len(SHAPES)][0],
            "kind": "timer",
            "ts": ts_ms[place],
            "value": values[place],
            "weddingId": weddings[one // len(SHAPES)],
            "dims": SHAPES[one % len(SHAPES)][1],
        }
        for place, one in enumerate(series)
    ]
    records = tuple(
        json.dumps(rows[first : first + POINTS_A_RECORD]).encode()
        for first in range(0, points, POINTS_A_RECORD)
    )
    return Workload(records=records, keys=keys, series=series, ts_ms=ts_ms, values=values)
