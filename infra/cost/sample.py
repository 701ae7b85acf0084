"""A slice of the traffic, played on the local engine with a counter at the seam.

The slice has the density of the whole: as many points a wedding and minute, as many weddings a
pack, as many batches a second. So what it costs per point is what the whole costs.
"""

import json
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from infra.cost.counted import Calls, CountedCloud
from infra.cost.workload import make, wedding_names
from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from wedsync.cloud import Arrived
from wedsync.cloud.memory import Memory
from wedsync.flows.cadence import plan_runs
from wedsync.flows.closing import close_minute
from wedsync.flows.derive import close_last_minute, compact
from wedsync.flows.ingest import ingest
from wedsync.flows.rollup import roll_up_hours
from wedsync.flows.times import MINUTES_PER_HOUR, minute_of
from wedsync.flows.watch import sweep, watch
from wedsync.metrics.block import Block
from wedsync.settings import Settings
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services
from wedsync.stores.windows import ClosedMinute
from wedsync.tenancy import Tenant
from wedsync.weddings.model import TimelineItem, TimelineKind, Venue, Wedding
from wedsync.weddings.phase import INTERVAL_SECONDS, phase

POINTS_A_RECORD = 100
SLOT_SECONDS = 10
BEFORE_MINUTES = 5
_COUNTED = datetime(2026, 6, 20, 14, 30, tzinfo=UTC)
"""The minute of which calls are counted; what is due every quarter of an hour is due then."""

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is played. ``weddings`` and ``packs`` are of each tenant, ``points`` are all a minute's.

    ``days_ahead``: how far off the weddings are, 0 for windows that are open. Of every ``failing``
    requests one fails (0: none). ``shards``: so many batches every ``batching`` seconds.
    ``seconds``: how much of the minute is counted, whole slots of ten.
    """

    weddings: int
    points: int
    tenants: int = 1
    packs: int = 4
    shards: int = 1
    days_ahead: int = 0
    failing: int = 0
    seconds: int = 60
    batching: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the clock brings on, counted once: how often it runs a minute, and its calls."""

    name: str
    a_minute: float
    calls: Calls


@dataclass(slots=True, kw_only=True)
class Counting:
    """What counting some points took. ``cpu_seconds`` are this machine's, its tables included."""

    points: int = 0
    batches: int = 0
    put_units: int = 0
    bytes: int = 0
    cpu_seconds: float = 0.0
    calls: Calls = field(default_factory=Calls)


class Played:
    """A sample on a cloud of its own, with minutes like the counted one before it."""

    def __init__(self, cloud: LocalCloud, clock: ManualClock, sample: Sample) -> None:
        self._cloud = cloud
        self._clock = clock
        self._sample = sample
        self._memories = [Memory() for _ in range(sample.shards)]
        self._weddings = {
            Tenant(f"tenant-{number}"): tuple(
                f"{name}-{number}" for name in wedding_names(sample.weddings)
            )
            for number in range(sample.tenants)
        }
        self._cases = {
            tenant: _wedding(names[0], _COUNTED + timedelta(days=sample.days_ahead))
            for tenant, names in self._weddings.items()
        }
        for tenant, names in self._weddings.items():
            for name in names:
                wedding = replace(self._cases[tenant], wedding_id=name)
                self._plain(tenant).weddings.add(tenant, wedding)
        self._play_what_came_before()

    def count(self) -> Counting:
        """Count the calls of some seconds' points, a batch for each shard and so many of them."""
        counting = Counting()
        seen = CountedCloud(self._cloud, counting.calls)
        for second in range(0, self._sample.seconds, self._sample.batching):
            end = min(second + self._sample.batching, self._sample.seconds)
            self._clock.set(_COUNTED + timedelta(seconds=end))
            for tenant, rows in self._seconds(_COUNTED, second, end).items():
                for shard, part in self._shards(rows):
                    records = self._records(part, shard)
                    services = Services(seen, self._settings(tenant), memory=self._memories[shard])
                    began = time.process_time()
                    ingest(records, services)
                    counting.cpu_seconds += time.process_time() - began
                    counting.batches += 1
                    counting.points += len(part)
                    counting.bytes += sum(len(record.data) for record in records)
                    counting.put_units += sum(-(-len(record.data) // 25_600) for record in records)
        return counting

    def jobs(self) -> tuple[Job, ...]:
        """Count what the clock brings on for these points: minutes, runs, hours.

        The other minutes of the hour are made like the one that was played.
        """
        hour = minute_of(_COUNTED) // MINUTES_PER_HOUR
        self._copy_minutes(range(hour * MINUTES_PER_HOUR, (hour + 1) * MINUTES_PER_HOUR))
        case = next(iter(self._cases.values()))
        interval = INTERVAL_SECONDS[phase(case, _COUNTED)]
        runs = 0.0 if interval is None else 60 / interval
        half = _COUNTED + timedelta(minutes=2)
        over = _COUNTED.replace(minute=0) + timedelta(hours=1, minutes=3)
        frontiers = self._any().frontiers
        frontiers.advance(Frontier.WEDDING_HOURS, minute_of(half) - BEFORE_MINUTES)
        frontiers.advance(Frontier.HOURS, hour * MINUTES_PER_HOUR)
        return (
            self._job("minutes closed", 1, _COUNTED + timedelta(seconds=10), _minute),
            self._job("runs of weddings", runs, _COUNTED, lambda s: watch(s, _COUNTED)),
            self._job("weddings' hours", 1 / 5, half, lambda s: compact(s, half)),
            self._job("hours", 1 / 60, over, lambda s: roll_up_hours(s, over)),
        )

    def _job(
        self, name: str, a_minute: float, at: datetime, run: Callable[[Services], object]
    ) -> Job:
        calls = Calls()
        self._clock.set(at)
        run(Services(CountedCloud(self._cloud, calls), self._settings(None)))
        return Job(name=name, a_minute=a_minute, calls=calls)

    def _settings(self, tenant: Tenant | None) -> Settings:
        owner = tenant or next(iter(self._weddings))
        return Settings(operator_tenant=owner, unsigned_tenant=tenant, packs=self._sample.packs)

    def _plain(self, tenant: Tenant) -> Services:
        return Services(self._cloud, self._settings(tenant))

    def _any(self) -> Services:
        return self._plain(next(iter(self._weddings)))

    def _play_what_came_before(self) -> None:
        """Play minutes slot by slot, and close them.

        Where nothing fails one is enough, of which the others are copies; what fails leaves
        its wedding in trouble for minutes, and another one each.
        """
        played = BEFORE_MINUTES if self._sample.failing else 1
        for minute in range(-played, 0):
            self._play_by_slots(_COUNTED + timedelta(minutes=minute))
        last = minute_of(_COUNTED)
        self._clock.set(_COUNTED)
        for tenant in self._weddings:
            for pack in range(self._sample.packs):
                for minute in range(last - played, last):
                    close_minute(self._plain(tenant), tenant, pack, minute)
        self._copy_minutes(range(last - BEFORE_MINUTES, last - played))

    def _play_by_slots(self, begins: datetime) -> None:
        for second in range(0, 60, SLOT_SECONDS):
            self._clock.set(begins + timedelta(seconds=second + SLOT_SECONDS))
            for tenant, rows in self._seconds(begins, second, second + SLOT_SECONDS).items():
                services = Services(self._cloud, self._settings(tenant), memory=self._memories[0])
                ingest(self._records(rows, 0), services)

    def _copy_minutes(self, minutes: range) -> None:
        """Close minutes that were not played as copies of the last one that was."""
        played = minute_of(_COUNTED) - 1
        for tenant in self._weddings:
            services = self._plain(tenant)
            for pack in range(self._sample.packs):
                closed = close_minute(services, tenant, pack, played)
                block = Block.decode(closed.on_time)
                for minute in minutes:
                    if closed.version:
                        copy = _at_minute(closed, block, minute)
                        services.windows.put_closed(tenant, pack, minute, copy, now=services.now())

    def _seconds(self, begins: datetime, first: int, end: int) -> Mapping[Tenant, Rows]:
        """Each tenant's rows of some seconds of a minute, if there are any."""
        found: dict[Tenant, Rows] = {}
        for number, (tenant, names) in enumerate(self._weddings.items()):
            share = self._sample.points // self._sample.tenants
            rows = _rows(names, share, begins, self._sample.failing, seed=number)
            low, high = (len(rows) * each // 60 for each in (first, end))
            if low < high:
                found[tenant] = rows[low:high]
        return found

    def _shards(self, rows: Rows) -> Iterator[tuple[int, Rows]]:
        """The rows by the shard that their wedding's records go to."""
        parts: dict[int, list[Mapping[str, object]]] = defaultdict(list)
        for row in rows:
            parts[zlib.crc32(str(row["weddingId"]).encode()) % self._sample.shards].append(row)
        yield from sorted(parts.items())

    def _records(self, rows: Rows, shard: int) -> list[Arrived]:
        at_ms = round(self._clock.now().timestamp() * 1000)
        return [
            Arrived(
                stream="metrics",
                shard=str(shard),
                sequence=f"{at_ms + at:056d}",
                data=json.dumps(rows[at : at + POINTS_A_RECORD]).encode(),
                arrived_at_ms=at_ms,
            )
            for at in range(0, len(rows), POINTS_A_RECORD)
        ]


@contextmanager
def played(sample: Sample) -> Iterator[Played]:
    """The sample, ready to be counted."""
    clock = ManualClock(_COUNTED - timedelta(minutes=BEFORE_MINUTES))
    with LocalCloud(None, clock=clock, ids=SeededIds(1)) as cloud:
        yield Played(cloud, clock, sample)


def bytes_a_point() -> float:
    """How long a point is on the stream, as JSON that is not compressed."""
    rows = _rows(wedding_names(10), 1000, _COUNTED, 0, seed=0)
    return len(json.dumps(rows)) / len(rows)


def _minute(services: Services) -> None:
    """What the minute's job does."""
    now = services.now()
    sweep(services, now)
    plan_runs(services, now)
    close_last_minute(services, now)


@lru_cache(maxsize=64)
def _rows(
    weddings: tuple[str, ...], points: int, begins: datetime, failing: int, *, seed: int
) -> tuple[Mapping[str, object], ...]:
    """A minute's points, in the order of time."""
    start_ms = round(begins.timestamp() * 1000)
    drawn = make(points, weddings=weddings, start_ms=start_ms, span_ms=60_000, seed=start_ms + seed)
    rows = [row for record in drawn.records for row in json.loads(record)]
    if failing:
        for row in [row for row in rows if row["name"] == "api.request"][::failing]:
            row["dims"] = {**row["dims"], "status": "503"}
    return tuple(rows)


def _at_minute(closed: ClosedMinute, block: Block, minute: int) -> ClosedMinute:
    return replace(closed, on_time=replace(block, minute=minute).encode())


def _wedding(wedding_id: str, at: datetime) -> Wedding:
    """A wedding whose ceremony is an hour and a half after this time."""
    starts = at + timedelta(minutes=90)
    ceremony = TimelineItem(
        id="ceremony",
        kind=TimelineKind.CEREMONY,
        title="Ceremony",
        starts_at=starts,
        ends_at=starts + timedelta(hours=7),
    )
    return Wedding(
        wedding_id=wedding_id,
        couple_name="Emma & James",
        date=at.date(),
        venue=Venue(time_zone="UTC"),
        guest_count=180,
        timeline=(ceremony,),
        created_at=at - timedelta(days=200),
        updated_at=at - timedelta(days=200),
    )
