"""Points through a real server, end to end, and what its readers wait meanwhile."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.report import Differs, Section, Table, number, quantile, times
from benchmarks.served import (
    UNROUTED,
    Client,
    Poll,
    Polled,
    Pollers,
    Served,
    Visitor,
    clock,
    counted,
    served,
)
from infra.cost.workload import METRICS, Workload, make, wedding_names

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

_PRODUCERS = 10
_RECORDS_A_CALL = 20
_WEDDINGS, _OPEN = 1_000, 20
_CLIENTS_EACH, _PAUSE_SECONDS = 5, 0.25
_SPAN_MS = 30_000
_LONGEST_SECONDS = 120.0
_LOOK_SECONDS = 0.2
_REAL_TIME = "/api/metrics/real-time"
_PAGE = "/api/metrics/wedding/{id}"

PACED_BATCHES = 12
_PACED_POINTS_A_MINUTE = 1_100_000
_CLIENTS = 50
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 2.0
_FLOOR_CLIENTS = 5
_START_UP_SECONDS = 6.0
_SECONDS_TO_MAKE_ONE = 15e-6

A_MINUTE = 1_000_000
MOST_MB = 500.0
_MOST_P95_MS, _FEWEST_HITS, _MOST_ERRORS = 100.0, 0.90, 0.001
_MOST_GROWTH = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flood:
    """Points put as fast as the producers can."""

    workload: Workload
    put_seconds: float
    seconds: float
    cpu_seconds: float
    peak_mib: float
    polled: Polled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paced:
    """Points put at an even pace. ``memory_mib`` is at the start, in the middle, at the end."""

    points: int
    batches: int
    seconds: float
    cpu_seconds: float
    memory_mib: tuple[float, float, float]
    peak_mib: float
    polled: Polled


def measure(*, quick: bool) -> Section:
    """A flood, then an even pace; whatever was put has to be there at the end, each point once."""
    with served() as server, server.client() as client:
        weddings = [client.open_wedding(each) for each in range(_OPEN)]
        _warm(server, client, weddings)
        flood = _flooded(server, client, weddings, points=50_000 if quick else 200_000)
        paced = _paced(server, weddings, flood, batch_seconds=1.0 if quick else 5.0)
    return _section(flood, paced)


def _flooded(server: Served, client: Client, weddings: Sequence[str], *, points: int) -> _Flood:
    page = _PAGE.format(id=weddings[0])
    now_ms = round(clock.now().timestamp() * 1000)
    workload = make(points, weddings=_names(weddings), start_ms=now_ms - _SPAN_MS, span_ms=_SPAN_MS)
    pollers = Pollers(
        server,
        [
            Visitor(targets=(target,), pause_seconds=_PAUSE_SECONDS)
            for target in (_REAL_TIME, page, UNROUTED)
            for _ in range(_CLIENTS_EACH)
        ],
    )
    try:
        time.sleep(2.0)  # they start up
        began = time.monotonic()
        cpu_before = server.cpu_seconds()
        memory = _Memory(server)
        _together(
            lambda each: _put(server.kinesis(), server.stream, workload.records[each::_PRODUCERS])
        )
        put_seconds = time.monotonic() - began
        _wait_for(client, _expected([workload]), memory)
        ended = time.monotonic()
        cpu_seconds = server.cpu_seconds() - cpu_before
    finally:
        every = pollers.stop()
    return _Flood(
        workload=workload,
        put_seconds=put_seconds,
        seconds=ended - began,
        cpu_seconds=cpu_seconds,
        peak_mib=memory.peak,
        polled=_within(every, page, began, ended),
    )


def _paced(
    server: Served, weddings: Sequence[str], before: _Flood, *, batch_seconds: float
) -> _Paced:
    page = _PAGE.format(id=weddings[0])
    points = round(_PACED_POINTS_A_MINUTE * batch_seconds / 60)
    span_ms = round(1000 * batch_seconds)
    # They are made beforehand, of the times just before each is put.
    first_due = clock.now() + timedelta(
        seconds=_START_UP_SECONDS + PACED_BATCHES * points * _SECONDS_TO_MAKE_ONE
    )
    first_ms = round(first_due.timestamp() * 1000) - span_ms
    batches = [
        make(
            points,
            weddings=_names(weddings),
            start_ms=first_ms + number_ * span_ms,
            span_ms=span_ms,
            seed=100 + number_,
        )
        for number_ in range(PACED_BATCHES)
    ]
    expected = _expected([before.workload, *batches])
    spread = _LONGEST_PAUSE - _SHORTEST_PAUSE
    visitors = [
        Visitor(
            targets=(_REAL_TIME, page),
            pause_seconds=_SHORTEST_PAUSE + spread * each / (_CLIENTS - 1),
        )
        for each in range(_CLIENTS)
    ]
    floor = Visitor(targets=(UNROUTED,), pause_seconds=_SHORTEST_PAUSE)
    pollers = Pollers(server, [*visitors, *(floor for _ in range(_FLOOR_CLIENTS))])
    try:
        time.sleep(_LONGEST_PAUSE + 2.0)  # they start up
        time.sleep(max(0.0, (first_due - clock.now()).total_seconds()))
        began = time.monotonic()
        cpu_before = server.cpu_seconds()
        memory = _Memory(server)

        def produce(producer: int) -> None:
            kinesis = server.kinesis()
            for number_, batch in enumerate(batches):
                due = began + (number_ + producer / _PRODUCERS) * batch_seconds
                time.sleep(max(0.0, due - time.monotonic()))
                _put(kinesis, server.stream, batch.records[producer::_PRODUCERS])
                memory.look()

        _together(produce)
        with server.client() as client:
            _wait_for(client, expected, memory)
            ended = time.monotonic()
            found = {metric: counted(client, metric) for metric in METRICS}
        cpu_seconds = server.cpu_seconds() - cpu_before
    finally:
        every = pollers.stop()
    if found != expected:
        raise Differs(f"points were lost or doubled: {found}, not {expected}")
    return _Paced(
        points=sum(map(len, batches)),
        batches=len(batches),
        seconds=ended - began,
        cpu_seconds=cpu_seconds,
        memory_mib=memory.three(),
        peak_mib=memory.peak,
        polled=_within(every, page, began, ended),
    )


class _Memory:
    """The server's memory, as often as somebody looks."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self._seen = [server.memory_mib()]

    def look(self) -> None:
        self._seen.append(self._server.memory_mib())

    @property
    def peak(self) -> float:
        return max(self._seen)

    def three(self) -> tuple[float, float, float]:
        return self._seen[0], self._seen[len(self._seen) // 2], self._seen[-1]


def _names(weddings: Sequence[str]) -> tuple[str, ...]:
    return (*weddings, *wedding_names(_WEDDINGS - len(weddings)))


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


def _expected(workloads: Sequence[Workload]) -> Counter[str]:
    return Counter(each.keys[one][1] for each in workloads for one in each.series)


def _together(produce: Callable[[int], None]) -> None:
    """Every producer in a thread of its own."""
    producers = [threading.Thread(target=produce, args=(each,)) for each in range(_PRODUCERS)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()


def _put(kinesis: "KinesisClient", stream: str, records: Sequence[bytes]) -> None:
    """Put, and put again what was refused."""
    for first in range(0, len(records), _RECORDS_A_CALL):
        waiting: list[PutRecordsRequestEntryTypeDef] = [
            {"Data": data, "PartitionKey": str(place)}
            for place, data in enumerate(records[first : first + _RECORDS_A_CALL], first)
        ]
        while waiting:
            answer = kinesis.put_records(StreamName=stream, Records=waiting)
            waiting = [
                record
                for record, result in zip(waiting, answer["Records"], strict=True)
                if result.get("ErrorCode")
            ]


def _wait_for(client: Client, expected: Mapping[str, int], memory: _Memory) -> None:
    # One metric at a time: looking costs the server what it would count with.
    for metric in METRICS:

        def all_there(metric: str = metric) -> bool:
            memory.look()
            return counted(client, metric) >= expected[metric]

        _wait(all_there)


def _wait(holds: Callable[[], bool]) -> None:
    began = time.perf_counter()
    while not holds():
        if time.perf_counter() - began > _LONGEST_SECONDS:
            raise Differs("points that were put are not counted")
        time.sleep(_LOOK_SECONDS)


def _within(every: Polled, page: str, began: float, ended: float) -> Polled:
    return {
        _PAGE if target == page else target: [each for each in seen if began <= each.began < ended]
        for target, seen in every.items()
    }


def _parse_seconds(workload: Workload) -> float:
    began = time.process_time()
    for record in workload.records:
        json.loads(record)
    return time.process_time() - began


def _section(flood: _Flood, paced: _Paced) -> Section:
    said = (
        f"A `wedsync serve` process with data on disk; {_PRODUCERS} boto3 producers put points of "
        f"{_WEDDINGS:,} weddings ({_OPEN} registered and open) as JSON rows in records of 500, "
        f"{_RECORDS_A_CALL} a call, until the series route tells of every one. First "
        f"{len(flood.workload):,} points as fast as they go, while {_CLIENTS_EACH} clients a route "
        f"ask every {_PAUSE_SECONDS * 1000:.0f} ms. Then {paced.batches} batches at an even pace, "
        f"each of the points just before it, while {_CLIENTS} clients ask for the snapshot and "
        f"one wedding's page every {_SHORTEST_PAUSE:.0f} to {_LONGEST_PAUSE:.0f} s, each at an "
        "interval of its own. The 404 of an unrouted path is the floor: the server, a loaded one, "
        "and no handler's work. Server, producers and readers share the machine."
    )
    return Section(
        name="server",
        title="A server under load",
        said=said,
        tables=(
            _through(flood),
            _reads("GET meanwhile", flood.polled),
            _sustained(paced),
            _reads("GET at an even pace", paced.polled),
        ),
        figures={**_flood_figures(flood), **_paced_figures(paced)},
    )


def _through(flood: _Flood) -> Table:
    points = len(flood.workload)
    rate = points / flood.seconds
    acknowledged = points / flood.put_seconds
    cpu = flood.cpu_seconds * 1_000_000 / points
    parse = _parse_seconds(flood.workload) * 1_000_000 / points
    minute = ("1M a minute", number(A_MINUTE / 60))
    return Table(
        columns=("as fast as they go", "measured", "reference", "its value", "ratio"),
        rows=[
            ("points a second, put to readable", number(rate), *minute,
             times(rate * 60 / A_MINUTE)),
            ("points a second, put to acknowledged", number(acknowledged), *minute,
             times(acknowledged * 60 / A_MINUTE)),
            ("server CPU s per 1M points, readers included", number(cpu),
             "json.loads of the same bytes", number(parse), times(cpu / parse)),
            ("server memory, peak MiB", number(flood.peak_mib), "", "", ""),
        ],
    )  # fmt: skip


def _sustained(paced: _Paced) -> Table:
    a_minute = paced.points * 60 / paced.seconds
    first, middle, last = paced.memory_mib
    live = [each for target in (_REAL_TIME, _PAGE) for each in paced.polled[target]]
    unrouted = quantile([each.ms for each in paced.polled[UNROUTED]], 0.95)
    waited = {
        target: quantile([each.ms for each in paced.polled[target]], 0.95)
        for target in (_REAL_TIME, _PAGE)
    }
    return Table(
        columns=("at an even pace", "measured", "bar", "reference", "its value"),
        rows=[
            ("points a minute, first put to all readable", number(a_minute),
             f"≥ {A_MINUTE:,}", "put a minute", f"{_PACED_POINTS_A_MINUTE:,}"),
            ("batches", f"{paced.batches}", f"≥ {PACED_BATCHES}", "producers", str(_PRODUCERS)),
            ("points lost or doubled", "0", "0", "put", f"{paced.points:,}"),
            ("server CPU busy", f"{paced.cpu_seconds / paced.seconds:.0%}", "", "one core",
             "100%"),
            *((f"`{target}`, p95 ms", number(p95), f"< {_MOST_P95_MS:.0f}", "404's p95 ms",
               number(unrouted)) for target, p95 in waited.items()),
            ("answers from memory", f"{_hits(live):.1%}", f"> {_FEWEST_HITS:.0%}",
             "requests", f"{len(live):,}"),
            ("errors", f"{_errors(live):.2%}", f"< {_MOST_ERRORS:.1%}", "requests",
             f"{len(live):,}"),
            ("server memory at the start, in the middle, at the end, MiB",
             " / ".join(map(number, paced.memory_mib)), f"end ≤ {times(_MOST_GROWTH)} middle",
             "end / middle", times(last / middle)),
            ("server memory, peak MiB", number(paced.peak_mib), f"< {MOST_MB:.0f}",
             "start", number(first)),
        ],
    )  # fmt: skip


def _reads(name: str, polled: Polled) -> Table:
    unrouted = [each.ms for each in polled[UNROUTED]]
    return Table(
        columns=(name, "requests", "p50 ms", "p95 ms", "p99 ms", "p95 / 404's", "hits"),
        rows=[_reading(target, polled[target], unrouted) for target in sorted(polled)],
    )


def _reading(target: str, seen: Sequence[Poll], unrouted: Sequence[float]) -> tuple[str, ...]:
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


def _flood_figures(flood: _Flood) -> Mapping[str, float]:
    points = len(flood.workload)
    return {
        "put seconds": flood.put_seconds,
        "seconds": flood.seconds,
        "CPU seconds": flood.cpu_seconds,
        "peak MiB": flood.peak_mib,
        "points": float(points),
        "points per second": points / flood.seconds,
        "points acknowledged per second": points / flood.put_seconds,
        "server CPU s per 1M": flood.cpu_seconds * 1_000_000 / points,
        **_waits(flood.polled, ""),
    }


def _paced_figures(paced: _Paced) -> Mapping[str, float]:
    live = [each for target in (_REAL_TIME, _PAGE) for each in paced.polled[target]]
    return {
        "paced: points": float(paced.points),
        "paced: seconds": paced.seconds,
        "paced: points a minute": paced.points * 60 / paced.seconds,
        "paced: batches": float(paced.batches),
        "paced: producers": float(_PRODUCERS),
        "paced: peak MiB": paced.peak_mib,
        **{
            f"paced: MiB, {name}": value
            for name, value in zip(("start", "middle", "end"), paced.memory_mib, strict=True)
        },
        "paced: hit share": _hits(live),
        "paced: error share": _errors(live),
        **_waits(paced.polled, "paced: "),
    }


def _waits(polled: Polled, before: str) -> Mapping[str, float]:
    return {
        f"{before}{target} p{q} ms": quantile([each.ms for each in seen], q / 100)
        for target, seen in polled.items()
        for q in (50, 95, 99)
    }


def _hits(seen: Sequence[Poll]) -> float:
    return sum(each.cache == "hit" for each in seen) / len(seen)


def _errors(seen: Sequence[Poll]) -> float:
    return sum(each.status != 200 for each in seen) / len(seen)
