"""From what a sample took to what the whole takes: for a million points, and for a month."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.cost.counted import Calls
from infra.cost.prices import GB_OF_ONE_CORE, Prices
from infra.cost.sample import POINTS_A_RECORD, Counting, Job, Sample
from wedsync.resources import Resource
from wedsync.runtime.declarations import StreamTrigger

MINUTES_A_MONTH = 30 * 24 * 60
MILLION = 1_000_000
LARGEST_SLICE = 200
"""Weddings that are played at the most."""
LARGEST_POINTS = 20_000
"""Points a minute that are played at the most."""
_FEW_POINTS = 2_000
_SHARD_BYTES_A_SECOND = 1 << 20
_SHARD_RECORDS_A_SECOND = 1_000
_BATCH_RECORDS = StreamTrigger(stream=Resource.METRICS_STREAM).batch_size
SMALL_TENANT = 4
"""Weddings of a small tenant."""
_SMALL_TENANTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is to be paid for: points a minute, of all weddings of all tenants together.

    ``batching``: how many seconds the stream function waits for a batch.
    """

    points: int
    weddings: int
    tenants: int
    packs: int
    batching: int = 1

    @property
    def weddings_of_a_tenant(self) -> int:
        """On average, rounded up."""
        return -(-self.weddings // self.tenants)

    def shards(self, bytes_a_point: float) -> int:
        """How many shards the stream needs for it, evenly spread."""
        needed = math.ceil(self.points / 60 * bytes_a_point / _SHARD_BYTES_A_SECOND)
        while self.records_a_second(needed) > needed * _SHARD_RECORDS_A_SECOND:
            needed += 1
        return needed

    def records_a_second(self, shards: int) -> float:
        """Full ones as far as a tenant's points of a second and shard fill them: none is shared."""
        a_second = self.points / 60 / self.tenants
        parts = min(shards, self.weddings_of_a_tenant, a_second)
        return self.tenants * parts * max(1.0, a_second / parts / POINTS_A_RECORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One state that all weddings are in: how far off they are, how many requests fail."""

    title: str
    days_ahead: int = 0
    failing: int = 0


MONTHS_BEFORE = Case(title="months before the weddings, all is well", days_ahead=120)
OPEN = Case(title="every window open, one request in 1000 fails", failing=1000)


def slice_of(traffic: Traffic, case: Case, *, shards: int) -> Sample:
    """A part of it of the same density, small enough to be played in seconds.

    It is one tenant, or a part of its packs; of small tenants it is several. Only where a wedding
    sends more than a slice may hold does it hold fewer points.
    """
    each = traffic.weddings_of_a_tenant
    tenants = min(traffic.tenants, _SMALL_TENANTS if each <= SMALL_TENANT else 1)
    weddings = min(each, LARGEST_SLICE)
    density = traffic.points / traffic.weddings
    points = max(tenants, min(LARGEST_POINTS, round(density * weddings * tenants)))
    return Sample(
        tenants=tenants,
        weddings=weddings,
        points=points,
        packs=max(1, round(traffic.packs * weddings / each)),
        shards=shards,
        days_ahead=case.days_ahead,
        failing=case.failing,
        seconds=10 if points >= _FEW_POINTS else 60,
        batching=traffic.batching,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that is paid for, per million points: calls (or requests), units, dollars."""

    what: str
    calls: float
    read_units: float = 0.0
    write_units: float = 0.0
    dollars: float

    def a_month(self, points_a_minute: int) -> float:
        """The dollars of 30 days."""
        return self.dollars * points_a_minute * MINUTES_A_MONTH / MILLION


def lines_of(
    traffic: Traffic,
    sample: Sample,
    counting: Counting,
    jobs: Sequence[Job],
    *,
    shards: int,
    prices: Prices,
) -> tuple[Line, ...]:
    """What a million points cost, line by line; the sum is the last one."""
    lines = tuple(_lines(traffic, sample, counting, jobs, shards=shards, prices=prices))
    total = Line(
        what="all",
        calls=sum(line.calls for line in lines),
        read_units=sum(line.read_units for line in lines),
        write_units=sum(line.write_units for line in lines),
        dollars=sum(line.dollars for line in lines),
    )
    return (*lines, total)


def _lines(
    traffic: Traffic,
    sample: Sample,
    counting: Counting,
    jobs: Sequence[Job],
    *,
    shards: int,
    prices: Prices,
) -> Iterator[Line]:
    scale = MILLION / counting.points
    tables = sorted({each for each, _ in counting.calls.calls}, key=lambda resource: resource.slug)
    for resource in tables:
        calls = sum(n for (each, _), n in counting.calls.calls.items() if each is resource)
        reads, writes = counting.calls.read_units[resource], counting.calls.write_units[resource]
        yield _priced(f"counting: {resource.slug}", calls, reads, writes, scale, prices)
    for job in jobs:
        each_minute = job.a_minute * MILLION / sample.points
        yield _priced(job.name, *_sums(job.calls), each_minute, prices)
    minutes = MILLION / traffic.points
    put_units = counting.put_units * scale
    yield Line(
        what=f"stream of {shards} shards",
        calls=put_units,
        dollars=shards * prices.shard_hour * minutes / 60
        + put_units * prices.million_put_units / MILLION,
    )
    waited = shards / traffic.batching
    a_second = max(waited, traffic.records_a_second(shards) / _BATCH_RECORDS)
    invocations = a_second * 60 * minutes
    gb_seconds = counting.cpu_seconds * scale * GB_OF_ONE_CORE
    yield Line(
        what="stream function",
        calls=invocations,
        dollars=invocations * prices.million_invocations / MILLION + gb_seconds * prices.gb_second,
    )


def _sums(calls: Calls) -> tuple[int, int, int]:
    return calls.calls.total(), calls.read_units.total(), calls.write_units.total()


def _priced(what: str, calls: int, reads: int, writes: int, scale: float, prices: Prices) -> Line:
    dollars = reads * prices.million_read_units + writes * prices.million_write_units
    return Line(
        what=what,
        calls=calls * scale,
        read_units=reads * scale,
        write_units=writes * scale,
        dollars=dollars * scale / MILLION,
    )
