"""Points through a real server, end to end, and what its readers wait meanwhile."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmarks.report import Differs, Section, Table, number, quantile, times
from benchmarks.served import (
    UNROUTED,
    Client,
    Poll,
    Polled,
    Pollers,
    Served,
    clock,
    counted,
    served,
)
from infra.cost.workload import METRICS, Workload, make, wedding_names

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

_PRODUCERS = 4
_RECORDS_A_CALL = 20
_WEDDINGS, _OPEN = 1_000, 20
_CLIENTS_EACH, _PAUSE_SECONDS = 5, 0.25
_SPAN_MS = 30_000
_LONGEST_SECONDS = 120.0
_LOOK_SECONDS = 0.2
_REAL_TIME = "/api/metrics/real-time"
_PAGE = "/api/metrics/wedding/{id}"


def measure(*, quick: bool) -> Section:
    """Put, poll meanwhile, and wait until everything is counted."""
    points = 50_000 if quick else 200_000
    with served() as server, server.client() as client:
        weddings = [client.open_wedding(each) for each in range(_OPEN)]
        page = _PAGE.format(id=weddings[0])
        workload = _fresh(points, weddings)
        _warm(server, client, weddings)
        pollers = Pollers(
            server,
            (_REAL_TIME, page, UNROUTED),
            clients_each=_CLIENTS_EACH,
            pause_seconds=_PAUSE_SECONDS,
        )
        try:
            time.sleep(2.0)  # they start up
            began = time.monotonic()
            run = _run(server, client, workload)
            ended = time.monotonic()
        finally:
            every = pollers.stop()
        found = {metric: counted(client, metric) for metric in METRICS}
    if found != _expected(workload):
        raise Differs(f"points were lost or doubled: {found}, not {_expected(workload)}")
    polled = {
        _PAGE if target == page else target: [each for each in seen if began <= each.began < ended]
        for target, seen in every.items()
    }
    return _section(workload, run, polled)


def _fresh(points: int, weddings: Sequence[str]) -> Workload:
    """Points of the last half minute."""
    names = (*weddings, *wedding_names(_WEDDINGS - len(weddings)))
    now_ms = round(clock.now().timestamp() * 1000)
    return make(points, weddings=names, start_ms=now_ms - _SPAN_MS, span_ms=_SPAN_MS)


def _warm(server: Served, client: Client, weddings: Sequence[str]) -> None:
    """One record through every part of it, of a metric that is not counted here."""
    now_ms = round(clock.now().timestamp() * 1000)
    record = [
        {"name": "warm.up", "kind": "timer", "ts": now_ms, "value": 1, "weddingId": wedding}
        for wedding in weddings
    ]
    server.kinesis().put_record(
        StreamName=server.stream, Data=json.dumps(record).encode(), PartitionKey="warm"
    )
    _wait(lambda: counted(client, "warm.up") == len(record))


def _run(server: Served, client: Client, workload: Workload) -> dict[str, float]:
    expected = _expected(workload)
    cpu_before = server.cpu_seconds()
    memory = [server.memory_mib()]
    producers = [
        threading.Thread(target=_produce, args=(server, workload.records[each::_PRODUCERS]))
        for each in range(_PRODUCERS)
    ]
    began = time.perf_counter()
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    put_seconds = time.perf_counter() - began
    # One metric at a time: looking costs the server what it would count with.
    for metric in METRICS:

        def all_there(metric: str = metric) -> bool:
            memory.append(server.memory_mib())
            return counted(client, metric) >= expected[metric]

        _wait(all_there)
    seconds = time.perf_counter() - began
    return {
        "put seconds": put_seconds,
        "seconds": seconds,
        "CPU seconds": server.cpu_seconds() - cpu_before,
        "peak MiB": max(memory),
    }


def _expected(workload: Workload) -> Counter[str]:
    return Counter(workload.keys[one][1] for one in workload.series)


def _produce(server: Served, records: Sequence[bytes]) -> None:
    """Put, and put again what was refused."""
    kinesis = server.kinesis()
    for first in range(0, len(records), _RECORDS_A_CALL):
        waiting: list[PutRecordsRequestEntryTypeDef] = [
            {"Data": data, "PartitionKey": str(place)}
            for place, data in enumerate(records[first : first + _RECORDS_A_CALL], first)
        ]
        while waiting:
            answer = kinesis.put_records(StreamName=server.stream, Records=waiting)
            waiting = [
                record
                for record, result in zip(waiting, answer["Records"], strict=True)
                if result.get("ErrorCode")
            ]


def _wait(holds: Callable[[], bool]) -> None:
    began = time.perf_counter()
    while not holds():
        if time.perf_counter() - began > _LONGEST_SECONDS:
            raise Differs("points that were put are not counted")
        time.sleep(_LOOK_SECONDS)


def _parse_seconds(workload: Workload) -> float:
    began = time.process_time()
    for record in workload.records:
        json.loads(record)
    return time.process_time() - began


def _section(workload: Workload, run: Mapping[str, float], polled: Polled) -> Section:
    points = len(workload)
    rate = points / run["seconds"]
    cpu = run["CPU seconds"] * 1_000_000 / points
    parse = _parse_seconds(workload) * 1_000_000 / points
    through = Table(
        columns=("through the server", "measured", "reference", "its value", "ratio"),
        rows=[
            (
                "points a second, put to readable",
                number(rate),
                "1M a minute",
                number(1_000_000 / 60),
                times(rate * 60 / 1_000_000),
            ),
            (
                "points a second, put to acknowledged",
                number(points / run["put seconds"]),
                "1M a minute",
                number(1_000_000 / 60),
                times(points / run["put seconds"] * 60 / 1_000_000),
            ),
            (
                "server CPU s per 1M points, readers included",
                number(cpu),
                "json.loads of the same bytes",
                number(parse),
                times(cpu / parse),
            ),
            ("points lost or doubled", "0", "put", f"{points:,}", ""),
            ("server memory, peak MiB", number(run["peak MiB"]), "", "", ""),
        ],
    )
    unrouted = [each.ms for each in polled[UNROUTED]]
    reads = Table(
        columns=("GET meanwhile", "requests", "p50 ms", "p95 ms", "p99 ms", "p95 / 404's", "hits"),
        rows=[_reading(target, polled[target], unrouted) for target in sorted(polled)],
    )
    figures = {
        **run,
        "points": float(points),
        "points per second": rate,
        "server CPU s per 1M": cpu,
        "json.loads CPU s per 1M": parse,
        **{
            f"{target} p{q} ms": quantile([each.ms for each in seen], q / 100)
            for target, seen in polled.items()
            for q in (50, 95, 99)
        },
        **{f"{target} hit share": _hits(seen) for target, seen in polled.items()},
    }
    said = (
        f"A `wedsync serve` process with data on disk; {_PRODUCERS} boto3 producers put {points:,} "
        f"points of {_WEDDINGS:,} weddings ({_OPEN} registered and open) in records of 500, "
        f"{_RECORDS_A_CALL} a call, until the series route tells of every one. Meanwhile "
        f"{_CLIENTS_EACH} clients a route ask every {_PAUSE_SECONDS * 1000:.0f} ms; the 404 of an "
        "unrouted path is the floor: the server, a loaded one, and no handler's work. Server, "
        "producers and readers share the machine."
    )
    return Section(
        name="server",
        title="A server under load",
        said=said,
        tables=(through, reads),
        figures=figures,
    )


def _reading(target: str, seen: Sequence[Poll], unrouted: Sequence[float]) -> tuple[str, ...]:
    wanted = 404 if target == UNROUTED else 200
    failed = [each.status for each in seen if each.status != wanted]
    if failed:
        raise Differs(f"{target} answered {failed[0]}")
    found = [each.ms for each in seen]
    p95 = quantile(found, 0.95)
    return (
        "an unrouted path (404)" if target == UNROUTED else f"`{target}`",
        f"{len(found):,}",
        number(quantile(found, 0.5)),
        number(p95),
        number(quantile(found, 0.99)),
        "" if target == UNROUTED else times(p95 / quantile(unrouted, 0.95)),
        "" if target == UNROUTED else f"{_hits(seen):.0%}",
    )


def _hits(seen: Sequence[Poll]) -> float:
    return sum(each.cache == "hit" for each in seen) / len(seen)
