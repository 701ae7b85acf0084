"""The live routes in one process: what our own code takes, network and server apart."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.report import Differs, Section, Table, number, quantile, times
from benchmarks.served import UNROUTED
from infra.local.logs import log_instead_of_stdout
from tests.harness import Answer, Bundle, Point, a_point, a_wedding_request

_NOW = datetime(2026, 6, 20, 14, 5, 30, tzinfo=UTC)
_MINUTES = 5
_REAL_TIME = "/api/metrics/real-time"
_PAGE = "/api/metrics/wedding/{id}"


def measure(*, quick: bool) -> Section:
    """With one, ten and a hundred open weddings."""
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    requests = 20 if quick else 50
    with tempfile.TemporaryDirectory() as folder, log_instead_of_stdout(Path(folder) / "log"):
        for weddings in (1, 10) if quick else (1, 10, 100):
            _measure(weddings, requests, rows, figures)
    table = Table(
        columns=("GET, warm, in process", "p50 ms", "p95 ms", "404's p95 ms", "ratio"), rows=rows
    )
    said = (
        "From the gateway's event to its answer, authorizer included, on SQLite in memory; "
        f"{_MINUTES} minutes of points for every wedding; {requests} requests each, elapsed "
        "time. A miss is the first request of a second, a hit any other."
    )
    return Section(
        name="routes", title="The live routes, warm", said=said, tables=(table,), figures=figures
    )


def _measure(
    weddings: int, requests: int, rows: list[tuple[str, ...]], figures: dict[str, float]
) -> None:
    with Bundle(at=_NOW) as bundle:
        wedding_id = _furnish(bundle, weddings)
        floor = quantile(_timed(bundle, UNROUTED, requests, status=404), 0.95)
        for name, path in ((_REAL_TIME, _REAL_TIME), (_PAGE, _PAGE.format(id=wedding_id))):
            for cache in ("miss", "hit"):
                found = _timed(bundle, path, requests, cache=cache)
                p50, p95 = quantile(found, 0.5), quantile(found, 0.95)
                said = f"`{name}`, {weddings} open, {cache}"
                rows.append((said, number(p50), number(p95), number(floor), times(p95 / floor)))
                for q in (50, 95, 99):
                    figures[f"{name}, {weddings} open, {cache}, p{q} ms"] = quantile(found, q / 100)


def _furnish(bundle: Bundle, weddings: int) -> str:
    """Open weddings with some minutes of points; the last one's id."""
    wedding_id = ""
    for number_ in range(weddings):
        wedding_id = bundle.register(
            a_wedding_request(couple=f"Couple {number_}", vendors=("photo-1", "band-1"))
        )
        points = (_points(wedding_id, minute) for minute in range(_MINUTES))
        bundle.put(*(point for each in points for point in each))
    bundle.drain()
    return wedding_id


def _points(wedding_id: str, minute: int) -> list[Point]:
    at = _NOW - timedelta(minutes=minute)
    request = {"service": "site", "status": "200"}
    return [
        *(
            a_point(
                "photo.upload",
                at,
                value=800,
                weddingId=wedding_id,
                vendorId="photo-1",
                dims={"outcome": outcome},
            )
            for outcome in ("started", "completed", "completed")
        ),
        *(
            a_point("api.request", at, value=60 + each, weddingId=wedding_id, dims=request)
            for each in range(10)
        ),
        a_point("vendor.heartbeat", at, kind="event", weddingId=wedding_id, vendorId="photo-1"),
        a_point("guest.activity", at, kind="event", weddingId=wedding_id, guestId=f"g-{minute}"),
    ]


def _timed(
    bundle: Bundle, path: str, requests: int, *, status: int = 200, cache: str | None = None
) -> list[float]:
    for _ in range(5):
        bundle.get(path)
    return [_once(bundle, path, status, cache) for _ in range(requests)]


def _once(bundle: Bundle, path: str, status: int, cache: str | None) -> float:
    if cache == "miss":
        bundle.drain()  # which forgets
    ms, answer = _elapsed(lambda: bundle.get(path))
    if answer.status != status or (cache is not None and answer.headers["x-cache"] != cache):
        raise Differs(f"{path} answered {answer}")
    return ms


def _elapsed(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    began = time.perf_counter()
    answer = ask()
    return (time.perf_counter() - began) * 1000, answer
