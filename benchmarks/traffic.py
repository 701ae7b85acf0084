"""A minute of many weddings as binary frames in Lambda events, and the same as numbers."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wedsync.metrics.frame import FrameColumns, encode
from wedsync.metrics.series import pack_hash

METRICS = ("api.request", "photo.upload", "timeline.sync", "guest_list.load", "checkout.step")
DIMS = tuple((("device", f"d{number}"),) for number in range(4))
SERIES_A_WEDDING = len(METRICS) * len(DIMS)
POINTS_A_RECORD = 500
PACKS = 64
START_MS = 1_781_964_000_000
"""The start of a clock minute."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Events' texts, and every point by series (wedding · 20 + metric · 4 + dims)."""

    events: tuple[str, ...]
    weddings: tuple[str, ...]
    series: Ints
    ts_ms: Ints
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.series)


def a_minute(
    points: int, *, weddings: int, events: int = 5, in_packs: bool = True, seed: int = 7
) -> Minute:
    """Points at an even pace over a minute, each of a series drawn at random.

    ``in_packs``: a record holds points of one pack, as a gateway that serves some weddings sends
    them; else of any. Values are log-normal, in hundredths.
    """
    chance = np.random.default_rng(seed)
    names = tuple(f"wed_{number:05d}" for number in range(weddings))
    series = chance.integers(0, weddings * SERIES_A_WEDDING, points)
    ts_ms = START_MS + np.arange(points) * 60_000 // points
    value = np.round(chance.lognormal(4.0, 0.5, points), 2)
    pack = np.array([pack_hash(name) % PACKS for name in names])
    texts = []
    for part in np.array_split(np.arange(points), events):
        order = part
        if in_packs:
            order = part[np.argsort(pack[series[part] // SERIES_A_WEDDING], kind="stable")]
        records = [
            _frame(names, rows, series, ts_ms, value, int(chance.integers(1, 1 << 63)))
            for rows in np.array_split(order, max(1, len(order) // POINTS_A_RECORD))
        ]
        texts.append(_event(records))
    return Minute(events=tuple(texts), weddings=names, series=series, ts_ms=ts_ms, value=value)


def _frame(
    names: Sequence[str],
    rows: Ints,
    series: Ints,
    ts_ms: Ints,
    value: npt.NDArray[np.float64],
    frame_id: int,
) -> bytes:
    distinct, series_of = np.unique(series[rows], return_inverse=True)
    wedding, measure = np.divmod(distinct, SERIES_A_WEDDING)
    used, place = np.unique(wedding, return_inverse=True)
    metric, dims = np.divmod(measure, len(DIMS))
    columns = FrameColumns(
        places=[(names[each], None, None) for each in used.tolist()],
        metrics=[(name, "timer") for name in METRICS],
        dims=DIMS,
        series=list(zip(place.tolist(), metric.tolist(), dims.tolist(), strict=True)),
        series_of=series_of,
        ts_ms=ts_ms[rows],
        value=value[rows],
    )
    created = int(ts_ms[rows].max())
    return encode(columns, frame_id=frame_id, created_at_ms=created, compress=False)


def _event(records: Sequence[bytes]) -> str:
    """As Lambda hands records of a stream to a function."""
    return json.dumps(
        {
            "Records": [
                {
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0",
                        "partitionKey": "gateway",
                        "sequenceNumber": f"{number:056d}",
                        "data": base64.b64encode(record).decode(),
                        "approximateArrivalTimestamp": START_MS / 1000 + 60,
                    },
                    "eventSource": "aws:kinesis",
                    "eventVersion": "1.0",
                    "eventID": f"shardId-000000000000:{number:056d}",
                    "eventName": "aws:kinesis:record",
                    "invokeIdentityArn": "arn:aws:iam::000000000000:role/wedsync",
                    "awsRegion": "us-east-1",
                    "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/wedsync",
                }
                for number, record in enumerate(records)
            ]
        }
    )


def rows_as_json(minute: Minute, points: int) -> list[bytes]:
    """The first points as JSON arrays of 500, as a producer without frames sends them."""
    rows = []
    for place in range(points):
        wedding, measure = divmod(int(minute.series[place]), SERIES_A_WEDDING)
        metric, dims = divmod(measure, len(DIMS))
        rows.append(
            {
                "eventId": f"e-{place:x}",
                "name": METRICS[metric],
                "kind": "timer",
                "ts": int(minute.ts_ms[place]),
                "value": float(minute.value[place]),
                "weddingId": minute.weddings[wedding],
                "dims": dict(DIMS[dims]),
            }
        )
    return _in_records(rows)


def columns_as_json(minute: Minute, points: int) -> list[bytes]:
    """The first points as columnar JSON, 500 points a record."""
    records = []
    for rows in np.array_split(np.arange(points), max(1, points // POINTS_A_RECORD)):
        wedding, measure = np.divmod(minute.series[rows], SERIES_A_WEDDING)
        metric, dims = np.divmod(measure, len(DIMS))
        used, place = np.unique(wedding, return_inverse=True)
        told = {
            "name": {"of": METRICS, "at": metric.tolist()},
            "kind": "timer",
            "ts": minute.ts_ms[rows].tolist(),
            "value": minute.value[rows].tolist(),
            "weddingId": {"of": [minute.weddings[each] for each in used], "at": place.tolist()},
            "dims": {"of": [dict(each) for each in DIMS], "at": dims.tolist()},
        }
        frame = {"v": 1, "frameId": f"f{rows[0]}", "createdAt": START_MS, "columns": told}
        records.append(json.dumps(frame, separators=(",", ":")).encode())
    return records


def _in_records(rows: Sequence[object]) -> list[bytes]:
    return [
        json.dumps(rows[first : first + POINTS_A_RECORD]).encode()
        for first in range(0, len(rows), POINTS_A_RECORD)
    ]
