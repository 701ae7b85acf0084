"""The real local server as a child process: points end to end, and reads while they come in."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from threading import Event
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from benchmarks.measure import Table, percentiles_ms
from infra.demo.server import Client, Ready, running_server
from infra.local.clock import RealClock
from wedsync.api.series import SeriesReply
from wedsync.metrics.signature import sign

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

_PRODUCERS = 3
_SECONDS = 6.0
_DRAIN_SECONDS = 90.0
_WEDDINGS = 100
_IDLE_READS = 150
_BETWEEN_READS_SECONDS = 0.02
_METRIC = "bench.point"


@dataclass(frozen=True, slots=True)
class Load:
    """How points are put: so many in a record, so many records in a call."""

    name: str
    points: int
    records: int


LOADS = (
    Load("500 points a record, 8 records a call", 500, 8),
    Load("1 point a record, 250 records a call", 1, 250),
)


def run() -> Table:
    """Measure each load on a server of its own."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    for load in LOADS:
        taken = _measure(load)
        figures |= {f"{load.points}.{name}": each for name, each in taken.items()}
        rows.append(
            (
                load.name,
                f"{taken['points']:,.0f}",
                f"{taken['points_per_second']:,.0f}",
                *(
                    f"{taken[f'{route}.{state}.p50']:.1f} / {taken[f'{route}.{state}.p95']:.1f}"
                    for route in ("real-time", "wedding")
                    for state in ("idle", "ingesting")
                ),
            )
        )
    return Table(
        "Local server: real process, boto3 Kinesis client, signed records",
        (
            "load",
            "points",
            "counted/s",
            "real-time idle",
            "real-time ingesting",
            "wedding idle",
            "wedding ingesting",
        ),
        tuple(rows),
        note=f"{_PRODUCERS} producers put for {_SECONDS:g} s; points per second until the series "
        "route has counted the last of them. Reads over HTTP, p50 / p95 in ms; producers, reader "
        "and server share the cores.",
        figures=figures,
    )


def _measure(load: Load) -> dict[str, float]:
    with ExitStack() as stack:
        ready = stack.enter_context(running_server(port=0, speed=1.0))
        client = stack.enter_context(closing(Client(ready)))
        weddings = [_register(client, number) for number in range(_WEDDINGS)]
        reads = {
            "real-time": "/api/metrics/real-time",
            "wedding": f"/api/metrics/wedding/{weddings[0]}",
        }
        results: dict[str, float] = {}
        for route, path in reads.items():
            _note(results, f"{route}.idle", [_timed(client, path) for _ in range(_IDLE_READS)])
        stop = Event()
        began = time.perf_counter()
        pool = stack.enter_context(ThreadPoolExecutor(_PRODUCERS))
        producers = [
            pool.submit(_produce, ready, load, weddings, number, stop)
            for number in range(_PRODUCERS)
        ]
        seen: dict[str, list[float]] = {route: [] for route in reads}
        while time.perf_counter() - began < _SECONDS:
            for route, path in reads.items():
                seen[route].append(_timed(client, path))
            time.sleep(_BETWEEN_READS_SECONDS)
        stop.set()
        sent = sum(each.result() for each in producers)
        _until_counted(client, sent)
        results["points"] = sent
        results["points_per_second"] = sent / (time.perf_counter() - began)
        for route, seconds in seen.items():
            _note(results, f"{route}.ingesting", seconds)
    return results


def _note(results: dict[str, float], name: str, seconds: list[float]) -> None:
    results[f"{name}.p50"], results[f"{name}.p95"] = percentiles_ms(seconds)


def _timed(client: Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path)
    return time.perf_counter() - began


def _register(client: Client, number: int) -> str:
    now = client.now()
    wedding = {
        "coupleName": f"Couple {number}",
        "date": now.date().isoformat(),
        "venue": {"timeZone": "UTC"},
        "guestCount": 120,
        "timeline": [
            {
                "id": "ceremony",
                "kind": "ceremony",
                "title": "Ceremony",
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(hours=4)).isoformat(),
            }
        ],
    }
    return str(client.post("/api/weddings", wedding)["weddingId"])


def _produce(ready: Ready, load: Load, weddings: list[str], producer: int, stop: Event) -> int:
    kinesis = boto3.client(
        "kinesis",
        endpoint_url=ready.kinesis_endpoint,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",  # noqa: S106 - calls are not verified here
        config=Config(retries={"max_attempts": 1}, read_timeout=120),
    )
    sent = 0
    with closing(kinesis):
        for call in count():
            if stop.is_set():
                break
            records = [
                _record(
                    ready,
                    load,
                    weddings[(call + each) % len(weddings)],
                    f"{producer}-{call}-{each}",
                )
                for each in range(load.records)
            ]
            answer = kinesis.put_records(StreamName=ready.stream, Records=records)
            sent += load.points * (load.records - answer["FailedRecordCount"])
    return sent


def _record(
    ready: Ready, load: Load, wedding_id: str, name: str
) -> "PutRecordsRequestEntryTypeDef":
    now_ms = int(RealClock().now().timestamp() * 1000)
    points = [
        {
            "name": _METRIC,
            "kind": "timer",
            "ts": now_ms,
            "value": 20.0 + number % 97,
            "weddingId": wedding_id,
            "dims": {"route": f"/route/{number % 5}"},
        }
        for number in range(load.points)
    ]
    body = json.dumps(points, separators=(",", ":")).encode()
    data = sign(
        body,
        secret=ready.signing_secret.encode(),
        key_id=ready.key_id,
        at_unix=now_ms // 1000,
        batch_id=name,
    )
    return {"PartitionKey": wedding_id, "Data": data}


def _until_counted(client: Client, sent: int) -> None:
    began = time.perf_counter()
    counted = 0
    while counted < sent:
        if time.perf_counter() - began > _DRAIN_SECONDS:
            raise AssertionError(f"{counted} of {sent} points were counted")
        answer = client.get(
            "/api/metrics/series", name=_METRIC, stat="count", window="1m", timeRange="15m"
        )
        lines = SeriesReply.model_validate(answer).series
        counted = round(sum(value for line in lines for _, value in line.points))
        time.sleep(_BETWEEN_READS_SECONDS)
    if counted != sent:
        raise AssertionError(f"{counted} points were counted, {sent} were sent")
