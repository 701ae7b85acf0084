"""One seed, played: a faulty while, then calm, then what must hold at rest."""

import heapq
import itertools
import json
import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, cast

from infra.local.clock import ManualClock
from infra.local.engine import LocalCloud
from infra.local.event_sources import kinesis_event
from infra.local.store.streams import StreamRecord
from infra.registry import registry
from tests.harness import Answer, Bundle
from tests.simulation.checks import AtRest
from tests.simulation.cloud import FaultyCloud, Tampering, Watchers
from tests.simulation.counting import Counts
from tests.simulation.faults import Fault, Faults, FunctionDied, History, Rates
from tests.simulation.reference import Reference
from tests.simulation.watching import Violation, Watch, require
from tests.simulation.world import Device, HttpBatch, PlannedWedding, Record, World
from wedsync.cloud import Cloud
from wedsync.cloud import Record as StreamPut
from wedsync.errors import WedSyncError
from wedsync.metrics.kpl import MAGIC
from wedsync.resources import Resource
from wedsync.runtime.declarations import (
    Declaration,
    Function,
    HttpTrigger,
    LambdaContext,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
)
from wedsync.settings import Settings
from wedsync.tenancy import Tenant

Event: TypeAlias = Mapping[str, object]

CALM_MINUTES = (*[6] * 17, *[16] * 3, 32)
"""After the faults: until windows are past, also those that reach ahead; or as long as a ladder."""
_REMEMBERED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a seed."""

    seed: int
    digest: str
    events: int
    violations: tuple[tuple[str, str], ...]
    faults: Counter[str]
    checks: Counter[str]
    did: Counter[str]
    lateness: tuple[float, ...]
    page_after: tuple[float, ...]
    lines: tuple[str, ...] = ()


class Mortal:
    """A function as its trigger sees it: it may die, be run twice, or not be run at all."""

    def __init__(self, function: Function, play: "Play") -> None:
        self.declaration = function.declaration
        self._function = function
        self._play = play

    def __call__(self, event: object, context: LambdaContext) -> object:
        raise NotImplementedError

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        given = cast("Event", event)

        def once(event: Event = given) -> object:
            with self._play.faults.invocation(self.declaration) as run:
                if isinstance(self.declaration.trigger, HttpTrigger):
                    run.caller = _caller(event)
                answer = self._function.run(event, context, cloud, settings)
                if run.caller is not None:
                    self._play.answered(run.harmed, answer)
            self._play.ended(self.declaration, event, answer)
            return answer

        shard = _shard(given)
        self._play.busy.append(shard)
        try:
            return self._play.delivered(self.declaration, given, once)
        finally:
            self._play.busy.remove(shard)


@dataclass(order=True, slots=True)
class Planned:
    """Something that happens at its time."""

    at: datetime
    number: int
    act: Callable[[], None] = field(compare=False)


class Play:
    """The world and everything that happens in it."""

    def __init__(
        self,
        seed: int,
        *,
        tamper: Tampering = lambda _, table: table,
        rates: Rates | None = None,
        kept: bool = False,
    ) -> None:
        self.seed = seed
        self.rng = random.Random(f"world {seed}")
        self.world = World.drawn(self.rng)
        self.history = History(kept=kept)
        self.faulty: FaultyCloud
        self._tamper = tamper
        self._rates = rates
        self.did: Counter[str] = Counter()
        self.reference = Reference()
        self._past: deque[tuple[Declaration, Callable[[], object]]] = deque(maxlen=_REMEMBERED)
        self._agenda: list[Planned] = []
        self._numbers = itertools.count()
        self.busy: list[str] = []
        """The shards whose batches are being worked on, among other names."""
        self._unanswered: list[HttpBatch] = []
        self._violations: list[Violation] = []
        self._bursts: dict[tuple[str, str], tuple[str, datetime]] = {}
        self.must_page: dict[tuple[Tenant, str], datetime] = {}
        self.bundle = Bundle(
            at=self.world.start,
            seed=seed,
            tenant=self.world.tenants[0],
            accept_unsigned=self.world.accept_unsigned,
            shards=self.rng.choice((1, 2, 3)),
            packs=self.rng.choice((1, 2, 4)),
            functions=[Mortal(each, self) for each in registry()],
            cloud_of=self._cloud_of,
        )
        self.world.equip(self.bundle)
        self.end = self.world.start + timedelta(minutes=self.world.minutes)
        self.rest = AtRest(self.bundle, self.watch, self.world.tenants)

    def _cloud_of(self, cloud: LocalCloud) -> Callable[[Declaration], Cloud]:
        clock = cloud.clock
        rng = random.Random(f"faults {self.seed}")
        assert isinstance(clock, ManualClock)
        rates = self._rates or Rates.drawn(rng)
        self.faults = Faults(rng, rates, clock, self.history, intruder=self._intrude)
        self.watch = Watch(cloud, clock)
        self.faulty = FaultyCloud(
            cloud,
            self.faults,
            Watchers(self.watch.committed, self.watch.published, self.watch.asked),
            tamper=self._tamper,
        )
        return lambda _: self.faulty

    def outcome(self) -> Outcome:
        """Play it all; the violations, first ones first."""
        try:
            self._play()
        except Violation as violation:
            self._violations.append(violation)
        finally:
            self.bundle.close()
        return Outcome(
            seed=self.seed,
            digest=self.history.digest,
            events=self.history.length,
            violations=tuple(
                (each.invariant, each.what) for each in (*self.watch.found, *self._violations)
            ),
            faults=Counter({str(name): count for name, count in self.faults.counts.items()}),
            checks=Counter(self.watch.checks),
            did=self.did,
            lateness=tuple(self.watch.lateness),
            page_after=tuple(self.rest.page_after),
            lines=tuple(self.history.lines or ()),
        )

    def _play(self) -> None:
        self._plan()
        self.faults.active = True
        self.faults.until = self.end
        self._until(self.end)
        self.faults.active = False
        self._calm()
        self._until(self.end + timedelta(minutes=self.rng.choice(CALM_MINUTES)))
        self._judge()

    # What is planned

    def _plan(self) -> None:
        rng = self.rng
        for wedding in self.world.weddings:
            self._at(wedding.registered_after, lambda each=wedding: self._register(each))  # type: ignore[misc] # each is bound now
        for device in self.world.devices:
            at = rng.uniform(1, 8)
            while at < self.world.minutes * 60:
                self._at(at, lambda each=device: self._send(each))  # type: ignore[misc]
                at += rng.choice((5, 12, 25, 40))
        for _ in range(rng.choice((1, 3, 5))):
            device = rng.choice(self.world.devices)
            self._at(self._sometime(), lambda each=device: self._poison(each))  # type: ignore[misc]
        for _ in range(rng.choice((1, 2, 4))):
            self._at(self._sometime(), self._replay)
        for _ in range(rng.choice((0, 2, 5))):
            self._at(self._sometime() + 60, self._answer_somebody)
        for _ in range(rng.choice((0, 0, 1))):
            self._at(self._sometime(), self._restart)

    def _sometime(self) -> float:
        return self.rng.uniform(5, self.world.minutes * 60)

    def _at(self, seconds: float, act: Callable[[], None]) -> None:
        at = self.world.start + timedelta(seconds=round(seconds, 3))
        heapq.heappush(self._agenda, Planned(at, next(self._numbers), act))

    def _soon(self, seconds: float, act: Callable[[], None]) -> None:
        at = self.bundle.now + timedelta(seconds=seconds)
        heapq.heappush(self._agenda, Planned(at, next(self._numbers), act))

    # How time passes

    def _until(self, end: datetime) -> None:
        clock, machine = self.bundle.clock, self.bundle.machine
        while True:
            due = [machine.next_due(), self._agenda[0].at if self._agenda else None]
            following = min((each for each in due if each is not None), default=end)
            if following > end:
                break
            clock.set(max(following, clock.now()))
            while self._agenda and self._agenda[0].at <= clock.now():
                heapq.heappop(self._agenda).act()
            machine = self.bundle.machine
            self.did.update(machine.run_due())
            if self.watch.found:
                raise self.watch.found.pop(0)
        clock.set(max(end, clock.now()))

    # Deliveries

    def delivered(
        self, declaration: Declaration, event: Event, once: Callable[[], object]
    ) -> object:
        """Deliver an event the way triggers do on a bad day."""
        faults, rates = self.faults, self.faults.rates
        trigger = declaration.trigger
        if faults.running or isinstance(trigger, HttpTrigger):
            return once()
        if not isinstance(trigger, StreamTrigger | QueueTrigger | ScheduleTrigger):
            return once()
        self._past.append((declaration, once))
        if isinstance(trigger, ScheduleTrigger):
            if faults.chance(rates.schedule_skipped):
                faults.note(Fault.SCHEDULE_SKIPPED)
                return None
            if faults.chance(rates.schedule_late):
                faults.note(Fault.SCHEDULE_LATE)
                self._soon(faults.rng.uniform(1, 50), lambda: self._again(once))
                return None
        if faults.chance(rates.not_started):
            faults.note(Fault.NOT_STARTED)
            raise FunctionDied("the invocation was refused")
        records = cast("list[object]", event.get("Records") or [])
        if isinstance(trigger, StreamTrigger) and len(records) > 1 and faults.chance(rates.recut):
            faults.note(Fault.RECUT)
            part = records[: faults.rng.randrange(1, len(records))]
            cast("Callable[[Event], object]", once)({"Records": part})
        if faults.chance(rates.delivered_twice):
            faults.note(Fault.DELIVERED_TWICE)
            self._again(once)
        return once()

    def ended(self, declaration: Declaration, event: Event, answer: object) -> None:
        """A function ended by itself: its batch was counted and judged, unless it says not."""
        if not isinstance(declaration.trigger, StreamTrigger):
            return
        if isinstance(answer, Mapping) and answer.get("batchItemFailures"):
            return
        now = self.bundle.now
        for record in cast("list[dict[str, dict[str, str]]]", event["Records"]):
            shard = str(record["eventID"]).partition(":")[0]
            burst = self._bursts.get((shard, record["kinesis"]["sequenceNumber"]))
            if burst is not None:
                wedding_id, at = burst
                self._owe_page(wedding_id, at, now)

    def _owe_page(self, wedding_id: str, at: datetime, now: datetime) -> None:
        """Uploads failed in the window that was judged: somebody has to hear of it."""
        minutes = int(now.timestamp()) // 60 - int(at.timestamp()) // 60
        planned = next(
            (each for each in self.world.weddings if self.world.known.get(each.slot) == wedding_id),
            None,
        )
        if planned is None or minutes > 4:
            return
        if all(self.rest.on_the_day(planned.tenant, wedding_id, each) for each in (at, now)):
            self.must_page.setdefault((planned.tenant, wedding_id), at)

    def answered(self, harmed: bool, answer: object) -> None:  # noqa: FBT001 - one flag of a run
        """An endpoint answered: 5xx only while something was down."""
        status = cast("int", cast("Event", answer)["statusCode"])
        self.watch.checks["I17"] += 1
        if status >= 500 and not harmed:
            self.watch.found.append(Violation("I17", f"{answer} though nothing was down"))

    def _again(self, once: Callable[[], object]) -> None:
        try:
            once()
        except (FunctionDied, WedSyncError):
            return

    def _intrude(self, what: str) -> None:
        """Run another function between two calls of one: what ran before, or a person's."""
        chance = self.faults.rng.random()
        if " incidents " in what and self._past and chance > 0.3:
            _, once = self.faults.rng.choice(list(self._past)[-2:])
            self._again(once)
            return
        if chance < 0.15:
            self._answer_somebody()
        elif chance < 0.5:
            self._send(self.faults.rng.choice(self.world.devices))
            self._other_shards()
        elif self._past:
            _, once = self.faults.rng.choice(list(self._past))
            self._again(once)

    # What happens

    def _register(self, wedding: PlannedWedding) -> None:
        was, self.faults.active = self.faults.active, False
        key = self.bundle.key(tenant=wedding.tenant)
        self.world.known[wedding.slot] = self.bundle.register(wedding.request, key=key)
        self.faults.active = was

    def _send(self, device: Device) -> None:
        batch = self.world.batch(device, self.bundle.now)
        if isinstance(batch, HttpBatch):
            self._ask(batch)
        else:
            self._put(batch)

    def _poison(self, device: Device) -> None:
        record = None
        if self.rng.random() < 0.4:
            record = self.world.bad_body(device)
        self._put(record or self.world.poison(device, self.bundle.now))

    def _put(self, record: Record) -> None:
        """A producer puts a record, and again where it does not know what became of it."""
        faults = self.faults
        if faults.chance(faults.rates.put_partly):
            faults.note(Fault.PUT_PARTLY)
            self._soon(faults.rng.uniform(0.2, 20), lambda: self._put(record))
            return
        self._place(record)
        if faults.chance(faults.rates.put_lost):
            faults.note(Fault.PUT_LOST)
            self._soon(faults.rng.uniform(0.2, 20), lambda: self._put(record))

    def _place(self, record: Record) -> None:
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        (placed,) = stream.place([StreamPut(record.partition_key, record.data)])
        now = self.bundle.now
        self.history.add(f"+ {placed.shard_id} {placed.sequence}")
        self.did["records put"] += 1
        self.reference.placed(
            record.meaning,
            stream=self.bundle.settings.stream_name,
            shard=placed.shard_id,
            # Of an aggregate, it is the first and only user record that is placed.
            sequence=f"{placed.sequence}.0" if record.data.startswith(MAGIC) else placed.sequence,
            ms=int(now.timestamp() * 1000),
        )
        if record.burst is not None:
            self._bursts[placed.shard_id, placed.sequence] = (record.burst, now)

    def _ask(self, batch: HttpBatch) -> None:
        """Send points over HTTP; where no answer says what became of them, again."""
        answer = self._request(
            "POST", "/api/metrics/ingest", json.loads(batch.body), key_of=batch.device
        )
        ms = int(self.bundle.now.timestamp() * 1000)
        tenant = batch.device.tenant.id
        if answer.status >= 500:
            if self.faults.active:
                self._soon(self.faults.rng.uniform(1, 15), lambda: self._ask(batch))
            else:
                self._unanswered.append(batch)
            return
        self.did["points over HTTP"] += 1
        refused: set[int] = set()
        if answer.status == 202:
            rejected = cast("list[dict[str, int]]", answer["rejected"])
            refused = {each["index"] for each in rejected}
        else:
            require(answer.status == 400, "I3", f"points were answered {answer}")
            refused = {each.index for each in batch.entries}
        for entry in batch.entries:
            if entry.index not in refused:
                require(entry.flaw is None, "I3", f"a wrong point was taken: {entry}")
                self.reference.taken(tenant, entry, ms=ms)

    def _request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key_of: Device | None,
        admin: Tenant | None = None,
    ) -> Answer:
        key = key_of.key if key_of is not None else self.bundle.key(tenant=admin)
        answer = self.bundle.request(method, path, body, key=key)
        self.history.add(f"{method} {path} {answer.status} {json.dumps(answer.body)}")
        self.watch.checks["I16"] += 1
        if answer.status >= 400:
            kind = answer.headers.get("content-type", "")
            problem = answer.body if isinstance(answer.body, dict) else {}
            require(
                kind.startswith("application/problem+json") and problem.get("requestId"),
                "I16",
                f"{method} {path} was answered {answer}",
            )
            text = json.dumps(answer.body)
            leaks = "Traceback" in text or "arn:" in text
            require(not leaks, "I16", f"{method} {path} tells too much: {text}")
        return answer

    def _replay(self) -> None:
        """Hand out a suffix of some shard again."""
        rng = self.faults.rng
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        shard = rng.choice(stream.shards()).shard_id
        records = stream.records(shard)
        if not records:
            return
        self.faults.counts[Fault.REPLAYED] += 1
        self._hand_out(records[rng.randrange(len(records)) :])

    def _other_shards(self) -> None:
        """The shards of which no batch is being worked on go on meanwhile."""
        for mapping in self.bundle.machine.streams._mappings:  # noqa: SLF001 - one shard's step
            if mapping._shard_id not in self.busy:  # noqa: SLF001 - what tells them apart
                mapping.step()

    def _hand_out(self, records: tuple[StreamRecord, ...]) -> None:
        settings = self.bundle.settings
        event = kinesis_event(records, "arn:aws:kinesis:x:0:stream/wedsync-metrics", settings)
        self._invoke("streams-metrics", event)

    def _invoke(self, name: str, event: Event) -> None:
        function = next(each for each in registry() if each.declaration.name == name)
        mortal = Mortal(function, self)
        try:
            mortal.run(event, _Context(), self.faulty, self.bundle.settings)
        except (FunctionDied, WedSyncError):
            return

    def _restart(self) -> None:
        self.faults.note(Fault.RESTARTED)
        self.bundle.restart()

    def _answer_somebody(self) -> None:
        """A person acknowledges, resolves or escalates something, perhaps another tenant's."""
        rng = self.faults.rng
        tenant = rng.choice(self.world.tenants)
        owner = tenant if rng.random() < 0.85 else rng.choice(self.world.tenants)
        services = self.bundle.services
        found = [f"/api/metrics/alerts/{each.alert_id}" for each in services.alerts.open_of(owner)]
        found += [
            f"/api/monitoring/incidents/{each.incident_id}"
            for each in services.incidents.active(owner, limit=50, cursor=None).incidents
        ]
        if not found:
            return
        path = rng.choice(sorted(found))
        verbs = ("acknowledge", "acknowledge", "resolve")
        verb = rng.choice((*verbs, "escalate") if "incidents" in path else verbs)
        was = self.bundle.now
        answer = self._request("POST", f"{path}/{verb}", key_of=None, admin=tenant)
        self.did[f"{verb} by hand"] += 1
        if owner != tenant:
            require(
                answer.status in (404, 500, 503),
                "I13",
                f"{path} of {owner.id} was answered {answer.status} to {tenant.id} at {was}",
            )

    # Calm, and the judgement

    def _calm(self) -> None:
        """Faults are over: producers finish, what failed is redriven."""
        unanswered, self._unanswered = self._unanswered, []
        for batch in unanswered:
            self._ask(batch)
        self._soon(150, self._redrive)

    def _redrive(self) -> None:
        bucket = self.bundle.cloud.bucket(Resource.QUARANTINE)
        for name in bucket.names():
            if name.startswith("aws/lambda/"):
                kept = json.loads(bucket.get(name) or b"{}")
                self.faults.counts[Fault.REDRIVEN] += 1
                self._invoke("streams-metrics", json.loads(kept["payload"]))

    def _judge(self) -> None:
        bundle = self.bundle
        bundle.machine.run_due()
        counts = Counts(
            bundle.services,
            self.reference,
            self.watch,
            self.world.tenants,
            self.world.start - timedelta(minutes=46),
            bundle.now,
        )
        counts.check(sample=self.seed)
        self.rest.parked(self.reference)
        self.rest.alerts()
        self.rest.incidents()
        self.rest.messages()
        self.rest.pages(self.must_page)
        self._nothing_changes(counts)
        bundle.clock.advance(180)
        self._invoke("schedules-compaction", {"time": bundle.now.isoformat()})
        counts.hours()

    def _nothing_changes(self, counts: Counts) -> None:
        """Replay a suffix of every shard: nobody hears of it, nothing counts twice."""
        self.watch.checks["I4"] += 1
        before = (counts.totals().items(), *self.rest.summary())
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        for shard in stream.shards():
            records = stream.records(shard.shard_id)
            if records:
                self._hand_out(records[self.rng.randrange(len(records)) :])
        self.bundle.machine.run_due()
        after = (counts.totals().items(), *self.rest.summary())
        for was, became in zip(_parts(before), _parts(after), strict=True):
            differing = f"{sorted(was - became)} into {sorted(became - was)}"
            require(was == became, "I4", f"a replay changed {differing}")


@dataclass(frozen=True, slots=True)
class _Context:
    aws_request_id: str = "replayed"


def _parts(seen: tuple[Iterable[object], ...]) -> list[set[str]]:
    return [set(map(str, part)) for part in seen]


def _shard(event: Event) -> str:
    records = cast("list[dict[str, str]]", event.get("Records") or [{}])
    return str(records[0].get("eventID", "")).partition(":")[0]


def _caller(event: Event) -> Tenant | None:
    context = cast("dict[str, dict[str, dict[str, str]]]", event.get("requestContext") or {})
    proved = (context.get("authorizer") or {}).get("lambda") or {}
    return Tenant(proved["tenant"]) if proved.get("tenant") else None


def play(
    seed: int,
    *,
    tamper: Tampering = lambda _, table: table,
    rates: Rates | None = None,
    kept: bool = False,
) -> Outcome:
    """Play a seed from its beginning to its judgement, with its own faults or with these."""
    former = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        return Play(seed, tamper=tamper, rates=rates, kept=kept).outcome()
    finally:
        logging.disable(former)
