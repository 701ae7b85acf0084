"""The live routes in process: the whole bundle over SQLite, without a network."""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Table, percentiles_ms
from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from infra.local.first_start import make_key
from infra.local.machine import Machine
from infra.registry import registry
from wedsync.cloud import Record
from wedsync.resources import Resource
from wedsync.settings import Settings
from wedsync.tenancy import Role, Tenant

_TENANT = Tenant("bench")
_WEDDINGS = 50
_ROUNDS = 80
_POINTS_PER_WEDDING = 20
_AFTER_THE_CACHE_SECONDS = 2.5


def run() -> Table:
    """Between two reads, points of every wedding come in and the snapshot's second passes."""
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(datetime(2026, 6, 20, 14, tzinfo=UTC))
        database = Path(folder) / "bench.sqlite"
        with LocalCloud(database, clock=clock, ids=SeededIds(1)) as cloud:
            taken = _measure(cloud, clock)
    rows = tuple(
        (route, *(f"{value:.2f}" for value in percentiles_ms(seconds)))
        for route, seconds in taken.items()
    )
    figures = {
        f"{route}.p{rank}": value
        for route, seconds in taken.items()
        for rank, value in zip((50, 95), percentiles_ms(seconds), strict=True)
    }
    return Table(
        "Live routes in process, warm, while points come in",
        ("route", "p50 ms", "p95 ms"),
        rows,
        note=f"{_WEDDINGS} weddings on their day, {_WEDDINGS * _POINTS_PER_WEDDING:,} points "
        f"between two reads, {_ROUNDS} rounds; the authorizer's call included. The bar is a p95 "
        "below 20 ms.",
        figures=figures,
    )


def _measure(cloud: LocalCloud, clock: ManualClock) -> dict[str, list[float]]:
    settings = Settings(operator_tenant=_TENANT, unsigned_tenant=_TENANT)
    machine = Machine(cloud, registry(), settings)
    token = make_key(cloud, tenant=_TENANT, role=Role.ADMIN, vendor_id=None).token
    wedding_ids = [_register(machine, token, number) for number in range(_WEDDINGS)]
    reads = {
        "GET /api/metrics/real-time, new snapshot": "/api/metrics/real-time",
        "GET /api/metrics/wedding/{id}, new snapshot": f"/api/metrics/wedding/{wedding_ids[0]}",
    }
    taken: dict[str, list[float]] = {}
    stream = cloud.stream(Resource.METRICS_STREAM)
    for round_ in range(_ROUNDS):
        now_ms = int(clock.now().timestamp() * 1000)
        stream.put([_record(each, now_ms, round_) for each in wedding_ids])
        machine.advance(_AFTER_THE_CACHE_SECONDS)
        for name, path in reads.items():
            taken.setdefault(name, []).append(_timed(machine, token, path))
        cached = "GET /api/metrics/real-time, within its second"
        taken.setdefault(cached, []).append(_timed(machine, token, "/api/metrics/real-time"))
    return taken


def _timed(machine: Machine, token: str, path: str) -> float:
    began = time.perf_counter()
    answer = _ask(machine, token, "GET", path)
    taken = time.perf_counter() - began
    if answer["statusCode"] != 200:
        raise AssertionError(answer)
    return taken


def _register(machine: Machine, token: str, number: int) -> str:
    document = {
        "coupleName": f"Couple {number}",
        "date": "2026-06-20",
        "venue": {"timeZone": "UTC"},
        "guestCount": 120,
    }
    answer = _ask(machine, token, "POST", "/api/weddings", json.dumps(document))
    return str(json.loads(str(answer["body"]))["weddingId"])


def _ask(
    machine: Machine, token: str, method: str, path: str, body: str | None = None
) -> dict[str, object]:
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": f"Bearer {token}"},
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": "bench",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }
    return dict(machine.http(event))


def _record(wedding_id: str, now_ms: int, round_: int) -> Record:
    points = [
        {
            "name": "api.request",
            "kind": "timer",
            "ts": now_ms - number,
            "value": 40 + (round_ * number) % 300,
            "weddingId": wedding_id,
            "dims": {"route": f"/route/{number % 4}", "service": "gallery", "status": "200"},
        }
        for number in range(_POINTS_PER_WEDDING)
    ]
    return Record(wedding_id, json.dumps(points).encode())
