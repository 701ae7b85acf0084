"""What counting a million points costs in calls on tables: units, and what they are billed at."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from benchmarks.counted import Calls, CountedCloud
from benchmarks.report import Section, Table, number
from benchmarks.workload import make, wedding_names
from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from tests.builders import a_wedding
from wedsync.cloud import Arrived
from wedsync.cloud.memory import Memory
from wedsync.flows.derive import close_last_minute
from wedsync.flows.ingest import ingest
from wedsync.resources import Resource
from wedsync.settings import Settings
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Wedding

_MILLION = 1_000_000
_READ_DOLLARS, _WRITE_DOLLARS = 0.125, 0.625
"""For a million units, on demand, in us-east-1."""
_START = datetime(2026, 6, 20, 14, 0, tzinfo=UTC)
_BEFORE_MINUTES = 5
_TENANT = Tenant("bench")
_TABLES = (
    Resource.HOT_WINDOWS,
    Resource.WINDOWS,
    Resource.WEDDINGS,
    Resource.ALERTS,
    Resource.INCIDENTS,
    Resource.RULES,
    Resource.TENANT_SETTINGS,
    Resource.VIEWS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """``failing``: every so many requests one fails (0: none), for good measure of all weddings."""

    title: str
    days_ahead: int
    failing: int = 0


_CASES = (
    _Case(title="months before the wedding, all is well", days_ahead=120),
    _Case(title="windows open, all is well", days_ahead=0),
    _Case(title="windows open, one request in 1000 fails", days_ahead=0, failing=1000),
)


def measure(*, quick: bool) -> Section:
    """One minute of points after five like it, each case in a cloud of its own."""
    weddings, points = (60, 3_000) if quick else (300, 12_000)
    counts = {case: _calls(case, weddings, points) for case in _CASES}
    figures: dict[str, float] = {}
    tables = []
    for case, calls in counts.items():
        rows = list(_rows(calls, _MILLION / points))
        tables.append(
            Table(
                columns=(case.title, "calls", "read units", "write units", "$"),
                rows=[(name, *map(number, told)) for name, *told in rows],
            )
        )
        *_, (_, all_calls, reads, writes, dollars) = rows
        figures |= {
            f"{case.title}, calls": all_calls,
            f"{case.title}, read units": reads,
            f"{case.title}, write units": writes,
            f"{case.title}, $": dollars,
        }
    said = (
        f"Per million points, measured over {points:,} points a minute of {weddings} weddings of "
        f"one tenant in {Settings().packs} packs, one batch a second, after {_BEFORE_MINUTES} "
        f"minutes like it. On demand, ${_READ_DOLLARS} for a million read units and "
        f"${_WRITE_DOLLARS} for a million write units. Calls on tables alone."
    )
    return Section(
        name="calls",
        title="What a million points cost",
        said=said,
        tables=tuple(tables),
        figures=figures,
    )


def _rows(calls: Calls, scale: float) -> Iterator[tuple[str, float, float, float, float]]:
    for resource in (*_TABLES, None):
        of = _TABLES if resource is None else (resource,)
        called = sum(count for (each, _), count in calls.calls.items() if each in of) * scale
        reads = sum(calls.read_units[each] for each in of) * scale
        writes = sum(calls.write_units[each] for each in of) * scale
        dollars = (reads * _READ_DOLLARS + writes * _WRITE_DOLLARS) / _MILLION
        yield (resource.slug if resource else "all"), called, reads, writes, dollars


def _calls(case: _Case, weddings: int, points: int) -> Calls:
    clock = ManualClock(_START - timedelta(minutes=_BEFORE_MINUTES))
    counted = Calls()
    with LocalCloud(None, clock=clock, ids=SeededIds(1)) as cloud:
        settings = Settings(operator_tenant=_TENANT, unsigned_tenant=_TENANT)
        plain = Services(cloud, settings)
        names = wedding_names(weddings)
        for name in names:
            plain.weddings.add(_TENANT, _wedding(name, _START.date(), case.days_ahead))
        memory = Memory()
        for minute in range(-_BEFORE_MINUTES, 1):
            seen = CountedCloud(cloud, counted) if minute == 0 else cloud
            services = Services(seen, settings, memory=memory)
            begins = _START + timedelta(minutes=minute)
            for second, records in _batches(names, points, begins, case.failing):
                clock.set(begins + timedelta(seconds=second + 1))
                if second == 10:  # as the schedule does, which is no part of counting
                    close_last_minute(plain, clock.now())
                ingest(records, services)
    return counted


def _batches(
    weddings: Sequence[str], points: int, begins: datetime, failing: int
) -> Iterator[tuple[int, list[Arrived]]]:
    """A minute's points in sixty batches, one after the other."""
    start_ms = int(begins.timestamp() * 1000)
    made = make(points, weddings=weddings, start_ms=start_ms, span_ms=60_000, seed=start_ms)
    rows = [row for record in made.records for row in json.loads(record)]
    if failing:
        requests = [row for row in rows if row["name"] == "api.request"]
        for row in requests[::failing]:
            row["dims"] = {**row["dims"], "status": "503"}
    each = len(rows) // 60
    for second in range(60):
        part = rows[second * each : (second + 1) * each]
        yield (
            second,
            [
                Arrived(
                    stream="metrics",
                    shard="0",
                    sequence=f"{start_ms + second * 1000 + at:056d}",
                    data=json.dumps(part[at : at + 100]).encode(),
                    arrived_at_ms=start_ms + (second + 1) * 1000,
                )
                for at in range(0, len(part), 100)
            ],
        )


def _wedding(name: str, today: date, days_ahead: int) -> Wedding:
    return a_wedding(wedding_id=name, on=today + timedelta(days=days_ahead), zone="UTC")
