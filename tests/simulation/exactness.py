"""Many points through ingest alone, delivered as badly as streams may, against a plain fold.

A record is what a device signed; shards hand out batches of at most 500 records. Of the records
5 % are delivered twice, 5 % behind records that came after them, and 3 % were put again by their
producers under new sequence numbers. A twentieth of the points that carry an id of their own stand
in two records. The reference sees each point once.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from infra.local.first_start import MadeKey, make_key
from wedsync.cloud import Arrived
from wedsync.flows.ingest import ingest
from wedsync.metrics.block import Block
from wedsync.metrics.signature import sign
from wedsync.settings import Settings
from wedsync.stores.services import Services
from wedsync.tenancy import Role, Tenant

START = datetime(2026, 6, 20, 14, 0, tzinfo=UTC)
A_SECOND = 16_667
"""Points made in a second: a million a minute."""
IN_A_RECORD = 200
IN_A_BATCH = 500
BATCH_BYTES = 6 * 1024 * 1024
ENVELOPE_BYTES = 582
SHARDS = 4
TWICE, REORDERED, RETRIED = 0.05, 0.05, 0.03
TENANTS = ("ten-a", "ten-b")
METRICS = (
    ("guests.seated", "counter"),
    ("photo.upload", "timer"),
    ("guest.activity", "event"),
    ("gallery.load", "gauge"),
)
WEDDINGS = 160
_EVERY_SECONDS = 5.0

Second = tuple[str, str, int]


@dataclass(slots=True)
class Fold:
    """Count, sum, least and greatest by tenant, metric and second, each point seen once."""

    seconds: dict[Second, list[int]] = field(default_factory=dict)
    points: int = 0

    def add(self, tenant: str, metric: str, ts_ms: int, value: int) -> None:
        """See a point."""
        self.points += 1
        key = (tenant, metric, ts_ms // 1000)
        seen = self.seconds.get(key)
        if seen is None:
            self.seconds[key] = [1, value, value, value]
            return
        seen[0] += 1
        seen[1] += value
        seen[2] = min(seen[2], value)
        seen[3] = max(seen[3], value)


@dataclass(slots=True)
class Producer:
    """Makes records out of points; what goes wrong on their way is its choice."""

    rng: random.Random
    devices: list[MadeKey]
    fold: Fold = field(default_factory=Fold)
    records: int = 0
    delivered: int = 0
    _sequences: int = 0
    _late: list[Arrived] = field(default_factory=list)
    _shared: list[str] = field(default_factory=list)

    def batches(self, count: int) -> Iterator[list[Arrived]]:
        """Everything, in batches that a shard may hand out."""
        waiting: dict[str, list[Arrived]] = defaultdict(list)
        sizes: dict[str, int] = defaultdict(int)
        for record in self._deliveries(count):
            size = 4 * len(record.data) // 3 + ENVELOPE_BYTES
            batch = waiting[record.shard]
            full = len(batch) >= IN_A_BATCH or sizes[record.shard] + size > BATCH_BYTES
            if batch and (full or record.arrived_at_ms - batch[0].arrived_at_ms >= 1000):
                self.delivered += len(batch)
                yield batch
                waiting[record.shard], sizes[record.shard] = [], 0
            waiting[record.shard].append(record)
            sizes[record.shard] += size
        for batch in waiting.values():
            self.delivered += len(batch)
            yield batch

    def _deliveries(self, count: int) -> Iterator[Arrived]:
        rng = self.rng
        while self.fold.points < count:
            made = self._record(min(IN_A_RECORD, count - self.fold.points))
            if rng.random() < REORDERED:
                self._late.append(made)
                continue
            yield made
            if rng.random() < TWICE:
                yield made
            if rng.random() < RETRIED:
                self._late.append(self._placed(made.data, made.arrived_at_ms + 900))
            if self._late and rng.random() < 2 * (REORDERED + RETRIED):
                yield self._late.pop(rng.randrange(len(self._late)))
        yield from self._late

    def _record(self, points: int) -> Arrived:
        rng, fold = self.rng, self.fold
        self.records += 1
        device = self.devices[self.records % len(self.devices)]
        own_ids = self.records % 5 == 0
        at_ms = int(START.timestamp() * 1000) + fold.points * 1000 // A_SECOND
        lines: list[str] = []
        for number in range(points):
            metric, kind = METRICS[rng.randrange(len(METRICS))]
            ts_ms = at_ms - rng.randrange(2000)
            value = rng.randrange(1, 4000)
            own = f',"eventId":"{self.records}.{number}"' if own_ids else ""
            line = (
                f'{{"name":"{metric}","kind":"{kind}","ts":{ts_ms},"value":{value},'
                f'"weddingId":"wed-{rng.randrange(WEDDINGS)}"{own}}}'
            )
            lines.append(line)
            fold.add(device.caller.tenant.id, metric, ts_ms, value)
        if own_ids:
            # The next record of the same device says some of it once more.
            again = [line for line in lines if rng.random() < TWICE]
            self._late.append(self._signed("[" + ",".join(again or lines[:1]) + "]", device, at_ms))
        return self._signed("[" + ",".join(lines) + "]", device, at_ms)

    def _signed(self, body: str, device: MadeKey, at_ms: int) -> Arrived:
        assert device.signing_secret is not None
        self._sequences += 1
        data = sign(
            body.encode(),
            secret=device.signing_secret.encode(),
            key_id=device.key_id,
            at_unix=at_ms // 1000,
            batch_id=f"batch-{self._sequences}",
        )
        return self._placed(data, at_ms)

    def _placed(self, data: bytes, at_ms: int) -> Arrived:
        self._sequences += 1
        return Arrived(
            stream="wedsync-metrics",
            shard=f"shardId-{self.rng.randrange(SHARDS):012d}",
            sequence=f"{self._sequences:056d}",
            data=data,
            arrived_at_ms=at_ms,
        )


def measure(count: int, *, seed: int, say: Callable[[str], None]) -> int:
    """Ingest so many points; by how much the counts, sums and extremes differ, added up."""
    clock = ManualClock(START)
    with LocalCloud(None, clock=clock, ids=SeededIds(seed)) as cloud:
        services = Services(cloud, Settings(operator_tenant=Tenant(TENANTS[0])))
        devices = [
            make_key(cloud, tenant=Tenant(tenant), role=Role.DEVICE, vendor_id=None)
            for tenant in TENANTS
        ]
        producer = Producer(random.Random(f"points {seed}"), devices)
        began = said = time.monotonic()
        accepted = duplicates = 0
        for batch in producer.batches(count):
            clock.set(max(clock.now(), START + _age(batch)))
            done = ingest(batch, services)
            accepted += done.accepted
            duplicates += done.duplicates
            now = time.monotonic()
            if now - said >= _EVERY_SECONDS:
                said = now
                rate = accepted / (now - began)
                say(f"{accepted:,} of {count:,} points, {rate:,.0f} a second")
        error, seconds = _compared(services, producer.fold)
    took = time.monotonic() - began
    say(
        f"{count:,} points in {producer.records:,} records, {producer.delivered:,} deliveries; "
        f"{duplicates:,} copies of points met; {took:.0f} s"
    )
    say(f"compared {seconds:,} seconds of metrics: error {error}")
    return error


def _age(batch: list[Arrived]) -> timedelta:
    newest = max(record.arrived_at_ms for record in batch)
    return timedelta(milliseconds=newest) - timedelta(seconds=START.timestamp())


def _compared(services: Services, fold: Fold) -> tuple[int, int]:
    """The sum of all differences, and over how many seconds it was taken."""
    minutes = sorted({second // 60 for _, _, second in fold.seconds})
    counted: dict[Second, list[int]] = {}
    for tenant in TENANTS:
        for minute in range(minutes[0] - 1, minutes[-1] + 2):
            items = services.windows.totals(Tenant(tenant), minute)
            whole = Block.merge(part for item in items for part in (item.on_time, item.late))
            for metric, _ in METRICS:
                for second, summary in whole.totals(metric).per_second().items():
                    figures = (summary.count, summary.sum, summary.min or 0, summary.max or 0)
                    counted[tenant, metric, minute * 60 + second] = [
                        round(each) for each in figures
                    ]
    nothing = [0, 0, 0, 0]
    error = sum(
        abs(got - wanted)
        for key in {*counted, *fold.seconds}
        for got, wanted in zip(
            counted.get(key, nothing), fold.seconds.get(key, nothing), strict=True
        )
    )
    return error, len(fold.seconds)
