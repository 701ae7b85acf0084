"""One seed, played: a faulty while, then calm, then what must hold at rest."""

import gc
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
from infra.local.deliveries import Failure
from infra.local.engine import LocalCloud
from infra.local.event_sources import kinesis_event
from infra.local.queues import sqs_event
from infra.local.store.messages import Received, Subscription
from infra.local.store.streams import StreamRecord
from infra.registry import registry
from tests.harness import Answer, Bundle
from tests.simulation.checks import AtRest, Burst
from tests.simulation.cloud import FaultyCloud, Tampering, Watchers
from tests.simulation.counting import Counts
from tests.simulation.endpoints import Endpoints
from tests.simulation.faults import (
    Fault,
    Faults,
    FunctionDied,
    History,
    Invocation,
    ProcessKilled,
    Rates,
)
from tests.simulation.reference import Reference, refusal_of
from tests.simulation.rules import check_rules, settle_rules
from tests.simulation.subscribers import Subscribers
from tests.simulation.watching import Violation, Watch, require
from tests.simulation.world import Device, HttpBatch, PlannedWedding, Record, World, canary
from wedsync.cloud import Cloud
from wedsync.cloud import Record as StreamPut
from wedsync.errors import WedSyncError
from wedsync.flows.wake import LadderWake, message_of
from wedsync.metrics.kpl import MAGIC
from wedsync.metrics.packs import PackChange, PackHistory
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
from wedsync.stores.tenant_settings import TenantSettings
from wedsync.tenancy import Tenant

Event: TypeAlias = Mapping[str, object]

CALM_MINUTES = 7
"""After the faults: until minutes are closed, also those that points reach ahead to."""
LADDER_MINUTES = (*[0] * 6, 10, 10, 26)
"""And for so much longer where somebody is still to be paged, or tiers may fall due."""
RECOVERED_SECONDS = 60
FORGOTTEN_SECONDS = 40
OLD_REQUEST = timedelta(hours=24)
"""As long as the answer to a request is kept."""
_REMEMBERED = 12
MOST_SHARDS = 5
MOST_REPLAYED = 2
AHEAD = timedelta(minutes=5)
HOT_DAYS = 3
"""Longer than hot items live."""
WORLD_MS = 7 * 60_000
"""Longer than any world's faults last."""
READ_ROUTES = (
    "/api/metrics/real-time",
    "/api/metrics/alerts",
    "/api/metrics/ingest/rejections",
    "/api/monitoring/incidents/active",
    "/api/weddings",
)
WEDDING_ROUTES = (
    "/api/metrics/wedding/{}",
    "/api/weddings/{}",
    "/api/weddings/{}/monitoring",
)


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
    """Seconds from the points' arrival on the stream, faults or not."""
    lines: tuple[str, ...] = ()


class Mortal:
    """A function as its trigger sees it: it may die, be run twice, or not be run at all."""

    def __init__(self, function: Function, play: "Play", *, by_hand: bool = False) -> None:
        """``by_hand``: what it is given does not come from its trigger."""
        self.declaration = function.declaration
        self._function = function
        self._play = play
        self._by_hand = by_hand

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
            self._play.ended(run, event, answer)
            return answer

        shard = _shard(given)
        if isinstance(self.declaration.trigger, StreamTrigger) and not self._by_hand:
            self._play.handed_out(shard, given)
        self._play.busy.append(shard)
        try:
            return self._play.delivered(self.declaration, given, once)
        except FunctionDied:
            self._play.failed_whole[shard] = _sequences(given)
            raise
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
        self.failed_whole: dict[str, list[str]] = {}
        """The sequence numbers of the batch of each shard that failed last, as a whole."""
        self._attempted: set[tuple[str, str]] = set()
        self._placed: dict[tuple[str, str], Record] = {}
        self._bursts_judged: list[Burst] = []
        self._old_requests: dict[str, str] = {}
        self._unanswered: list[HttpBatch] = []
        self._violations: list[Violation] = []
        self._bursts: dict[tuple[str, str], tuple[str, datetime]] = {}
        self.must_page: dict[tuple[Tenant, str], datetime] = {}
        self.endpoints = Endpoints(random.Random(f"endpoints {seed}"))
        self.bundle = Bundle(
            at=self.world.start,
            seed=seed,
            tenant=self.world.tenants[0],
            accept_unsigned=self.world.accept_unsigned,
            shards=self.rng.choice((1, 2, 3)),
            packs=self.rng.choice((1, 1, 2, 4)),
            sheds_load=True,
            functions=[Mortal(each, self) for each in registry()],
            cloud_of=self._cloud_of,
            post=self._post,
            web=self.endpoints,
        )
        self.endpoints.faults, self.endpoints.watch = self.faults, self.watch
        self.subscribers.subscribe(self.bundle.machine.deliveries)
        self.world.equip(self.bundle)
        self.endpoints.equip(self.bundle, self.world.tenants)
        self._settle_packs()
        settle_rules(self.bundle, self.world.tenants, random.Random(f"rules {seed}"))
        self.deletes = self.rng.choice(
            (Fault.EXPIRED_AT_ONCE, Fault.EXPIRED_LATE, Fault.EXPIRED_NEVER)
        )
        self.end = self.world.start + timedelta(minutes=self.world.minutes)
        self.rest = AtRest(self.bundle, self.watch, self.world.tenants)

    def _cloud_of(self, cloud: LocalCloud) -> Callable[[Declaration], Cloud]:
        clock = cloud.clock
        rng = random.Random(f"faults {self.seed}")
        assert isinstance(clock, ManualClock)
        rates = self._rates or Rates.drawn(rng)
        self.faults = Faults(rng, rates, clock, self.history, intruder=self._intrude)
        self.subscribers = Subscribers(self.faults)
        self.watch = Watch(
            cloud,
            clock,
            unharmed=self.faults.unharmed,
            canaries={each.id: canary(each) for each in self.world.tenants},
        )
        self.faulty = FaultyCloud(
            cloud,
            self.faults,
            Watchers(self.watch.committed, self.watch.published, self.watch.asked, self.watch.seen),
            tamper=self._tamper,
        )
        return lambda _: self.faulty

    def _post(self, subscription: Subscription, notification: dict[str, object]) -> Failure | None:
        return self.subscribers.post(subscription, notification)

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
            faults=Counter({str(name): count for name, count in self._counted_faults().items()}),
            checks=Counter(self.watch.checks),
            did=self.did,
            lateness=tuple(self.watch.lateness),
            page_after=tuple(self.rest.page_after),
            lines=tuple(self.history.lines or ()),
        )

    def _counted_faults(self) -> Counter[str]:
        return self.faults.counts + self.world.injected

    def _play(self) -> None:
        self._ask_a_day_before()
        self._roll_up()  # what comes for an hour before has that hour made anew
        self._plan()
        self.faults.active = True
        self.faults.until = self.end
        self._until(self.end)
        self.faults.active = False
        self._calm()
        rest = self.end + timedelta(minutes=CALM_MINUTES)
        self._until(rest)
        if self.rest.somebody_waits():
            self._until(rest + timedelta(minutes=self.rng.choice(LADDER_MINUTES)))
        self._judge()
        self._much_later()

    # What is planned

    def _plan(self) -> None:
        rng = self.rng
        for wedding in self.world.weddings:
            self._at(wedding.registered_after, lambda each=wedding: self._register(each))  # type: ignore[misc] # each is bound now
        beat = self.world.beat_seconds
        for device in self.world.devices:
            at = rng.uniform(1, 8)
            while at < self.world.minutes * 60:
                self._at(at // beat * beat, lambda each=device: self._send(each))  # type: ignore[misc]
                at += rng.choice((10, 20, 30, 40))
        for _ in range(rng.choice((1, 3, 5))):
            device = rng.choice(self.world.devices)
            self._at(self._sometime(), lambda each=device: self._poison(each))  # type: ignore[misc]
        for _ in range(rng.choice((1, 2, 4))):
            self._at(self._sometime(), self._replay)
        for _ in range(rng.choice((0, 2, 5))):
            self._at(self._sometime() + 60, self._answer_somebody)
        self._plan_operators()
        if self.deletes is not Fault.EXPIRED_NEVER:
            pause = 10 if self.deletes is Fault.EXPIRED_AT_ONCE else int(self._sometime())
            for seconds in range(pause, self.world.minutes * 60, max(pause, 10)):
                self._at(seconds, self._delete_expired)

    def _plan_operators(self) -> None:
        """What people and the platform do to a running system."""
        rng = self.rng
        for _ in range(rng.choice((0, 0, 1))):
            self._at(self._sometime(), self._restart)
        for _ in range(rng.choice((0, 1, 2))):
            self._at(self._sometime(), self._reshard)
        for _ in range(rng.choice((0, 0, 0, 1))):
            self._at(self._sometime(), self._make_stream_anew)
        for _ in range(rng.choice((0, 1, 2))):
            self._at(self._sometime(), self._take_turns)

    def _delete_expired(self) -> None:
        self.bundle.cloud.sweep()

    def _settle_packs(self) -> None:
        """Some tenants' packs change in the middle of it all, as was settled well before."""
        for tenant in self.world.tenants:
            first, *others = self.rng.sample((1, 2, 3, 4, 8), 3)
            times = sorted(self.rng.sample(range(self.world.minutes * 6), 2))
            changes = [
                PackChange(
                    since_ms=(int(self.world.start.timestamp()) // 10 + slot) * 10_000, packs=packs
                )
                for slot, packs in zip(times, others, strict=True)
            ]
            if self.rng.random() < 0.5:
                history = PackHistory(first=first, changes=tuple(changes))
                self.bundle.services.tenant_settings.save(
                    tenant, TenantSettings(packs=history), expected=0
                )

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
        clock = self.bundle.clock
        while True:
            machine = self.bundle.machine
            due = [machine.next_due(), self._agenda[0].at if self._agenda else None]
            following = min((each for each in due if each is not None), default=end)
            if following > end:
                break
            clock.set(max(following, clock.now()))
            while self._agenda and self._agenda[0].at <= clock.now():
                heapq.heappop(self._agenda).act()
            machine = self.bundle.machine
            try:
                self.did.update(machine.run_due())
            except ProcessKilled:
                self.bundle.restart()
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
            if faults.chance(rates.schedule_doubled):
                faults.count(Fault.SCHEDULE_DOUBLED)
                self._soon(faults.rng.uniform(0, 50), lambda: self._again(once))
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

    def handed_out(self, shard_id: str, event: Event) -> None:
        """The machine hands out a batch: its own, of a shard whose parents are drained."""
        sequences = _sequences(event)
        former = self.failed_whole.pop(shard_id, [])
        if len(sequences) < len(former) and former[0] == sequences[0]:
            self.faults.count(Fault.BISECTED)
        self._attempted.update((shard_id, sequence) for sequence in sequences)
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        (shard,) = (each for each in stream.shards() if each.shard_id == shard_id)
        for parent in shard.parents:
            self.watch.checks["order of shards"] += 1
            done = stream.checkpoint("streams-metrics", parent)
            waiting = stream.records(parent, after=done, limit=1)
            if waiting:
                early = f"{shard_id} is read, and {waiting[0].sequence} of {parent} was not"
                self.watch.found.append(Violation("order of shards", early))

    def ended(self, run: Invocation, event: Event, answer: object) -> None:
        """A function ended by itself: its batch was counted and judged, unless it says not.

        Poison does not make it say so: only what befell the run can.
        """
        if not isinstance(run.declaration.trigger, StreamTrigger):
            return
        if isinstance(answer, Mapping) and answer.get("batchItemFailures"):
            if not run.harmed:
                what = f"the batch {_sequences(event)} failed though nothing was down"
                self.watch.found.append(Violation("I6", what))
            return
        self.watch.checks["I6"] += 1
        now = self.bundle.now
        shard = _shard(event)
        for sequence in _sequences(event):
            burst = self._bursts.get((shard, sequence))
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
            burst = Burst(tenant=planned.tenant, wedding_id=wedding_id, placed_at=at, judged_at=now)
            self._bursts_judged.append(burst)

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
        if " incidents " in what and chance > 0.3 and self._rival():
            return
        if chance < 0.15:
            self._answer_somebody()
        elif chance < 0.2:
            self._reshard()
        elif chance < 0.5:
            self._send(self.faults.rng.choice(self.world.devices))
            self._other_shards()
        elif self._past:
            _, once = self.faults.rng.choice(list(self._past))
            self._again(once)

    def _rival(self) -> bool:
        """A wake for an incident under way: two workers on one tier are the race that counts."""
        under_way = list(self.bundle.services.incidents.due(self.bundle.now + OLD_REQUEST))
        if not under_way:
            return False
        tenant, incident = self.faults.rng.choice(under_way)
        wake = LadderWake(tenant_id=tenant.id, incident_id=incident.incident_id)
        message = Received(
            message_id="rival",
            receipt="rival",
            body=message_of(wake),
            sent_at=self.bundle.now,
            receives=1,
        )
        self._invoke("streams-wake", sqs_event([message], Resource.WAKE, self.bundle.settings))
        return True

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
        if record.batch_id is not None and faults.chance(faults.rates.put_again):
            faults.count(Fault.PRODUCER_RETRIED)
            self._soon(faults.rng.uniform(0, 150), lambda: self._place(record))

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
            sequence=_sequence_of(record, placed.sequence),
            ms=int(now.timestamp() * 1000),
        )
        self._placed[placed.shard_id, placed.sequence] = record
        if record.burst is not None:
            self._bursts[placed.shard_id, placed.sequence] = (record.burst, now)

    def _ask(self, batch: HttpBatch) -> None:
        """Send points over HTTP; where no answer says what became of them, again."""
        answer = self.request("POST", "/api/metrics/ingest", batch.body, key_of=batch.device)
        ms = int(self.bundle.now.timestamp() * 1000)
        tenant = batch.device.tenant.id
        if answer.status >= 500:
            if self.faults.active:
                self._soon(self.faults.rng.uniform(1, 15), lambda: self._ask(batch))
            else:
                self._unanswered.append(batch)
            return
        if answer.status == 429:
            self.did["points told to wait"] += 1
            wait = int(answer.headers.get("retry-after", "0"))
            require(wait > 0, "I3", f"points have to wait, and are not told for how long: {answer}")
            self._soon(wait, lambda: self._ask(batch))
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

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key_of: Device | None,
        admin: Tenant | None = None,
    ) -> Answer:
        """Ask as a device, or as a tenant's admin, and judge the answer for what it tells."""
        key = key_of.key if key_of is not None else self.bundle.key(tenant=admin)
        answer = self.bundle.request(method, path, body, key=key)
        said = json.dumps(answer.body)
        self.history.add(f"{method} {path} {answer.status} {said}")
        asker = key_of.tenant if key_of is not None else admin
        if asker is not None:
            self.watch.told(asker.id, f"{said} {dict(answer.headers)}", f"{method} {path}")
        self.watch.checks["I16"] += 1
        if answer.status >= 400:
            kind = answer.headers.get("content-type", "")
            problem = answer.body if isinstance(answer.body, dict) else {}
            require(
                kind.startswith("application/problem+json") and problem.get("requestId"),
                "I16",
                f"{method} {path} was answered {answer}",
            )
            leaks = "Traceback" in said or "arn:" in said
            require(not leaks, "I16", f"{method} {path} tells too much: {said}")
        return answer

    def _replay(self) -> None:
        """Hand out a suffix of some shard again."""
        rng = self.faults.rng
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        shard = rng.choice(stream.shards()).shard_id
        records = stream.records(shard)
        if not records:
            return
        self.faults.count(Fault.REPLAYED)
        self._hand_out(records[rng.randrange(len(records)) :])

    def _other_shards(self) -> None:
        """The shards of which no batch is being worked on go on meanwhile."""
        for mapping in self.bundle.machine.streams.mappings:
            if mapping.shard_id not in self.busy:
                mapping.step()

    def _hand_out(self, records: tuple[StreamRecord, ...]) -> None:
        self._attempted.update((each.shard_id, each.sequence) for each in records)
        settings = self.bundle.settings
        event = kinesis_event(records, "arn:aws:kinesis:x:0:stream/wedsync-metrics", settings)
        self._invoke("streams-metrics", event)

    def _invoke(self, name: str, event: Event) -> None:
        function = next(each for each in registry() if each.declaration.name == name)
        mortal = Mortal(function, self, by_hand=True)
        try:
            mortal.run(event, _Context(), self.faulty, self.bundle.settings)
        except (FunctionDied, WedSyncError):
            return

    def _restart(self) -> None:
        self.faults.count(Fault.RESTARTED)
        self.bundle.restart()

    def _reshard(self) -> None:
        """Split a shard, or merge two: perhaps one whose batch is being worked on."""
        rng = self.faults.rng
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        shards = sorted(
            (each for each in stream.shards() if each.is_open), key=lambda each: each.first_hash
        )
        if len(shards) < MOST_SHARDS and (len(shards) == 1 or rng.random() < 0.6):
            self.faults.count(Fault.SHARD_SPLIT)
            stream.split(rng.choice(shards).shard_id)
        else:
            self.faults.count(Fault.SHARDS_MERGED)
            place = rng.randrange(len(shards) - 1)
            stream.merge(shards[place].shard_id, shards[place + 1].shard_id)

    def _make_stream_anew(self) -> None:
        """Delete the stream and make it anew; what nobody has read is put on the new one.

        What was read once, and what has no identity but its place, would be another point there:
        whoever does such a thing waits until the consumer is done with it.
        """
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        unread = [
            record
            for shard in stream.shards()
            for record in stream.records(
                shard.shard_id, after=stream.checkpoint("streams-metrics", shard.shard_id)
            )
        ]
        own = [(each, self._placed.get((each.shard_id, each.sequence))) for each in unread]
        if not all(self._may_move(each, record) for each, record in own):
            if self.bundle.now < self.end:
                self._soon(3, self._make_stream_anew)
            return
        self.faults.count(Fault.STREAM_REMADE)
        stream.make_anew(self.faults.rng.choice((1, 2, 3)))
        self._attempted.clear()
        self.failed_whole.clear()
        for each, record in own:
            if record is None:
                stream.place([StreamPut(each.partition_key, each.data)])
                continue
            if not record.keeps_its_identity:
                self.reference.moved(
                    record.meaning,
                    stream=self.bundle.settings.stream_name,
                    shard=each.shard_id,
                    sequence=_sequence_of(record, each.sequence),
                )
            self._place(record)

    def _may_move(self, each: StreamRecord, record: Record | None) -> bool:
        """Whether it is the same on another stream: never read, or known by its own identity."""
        if (each.shard_id, each.sequence) not in self._attempted:
            return record is None or not record.keeps_its_identity or self._unrefused(record)
        return record is None or (record.keeps_its_identity and self._unrefused(record))

    def _unrefused(self, record: Record) -> bool:
        """Whether no point of it is refused, now or when it came."""
        ms = int(self.bundle.now.timestamp() * 1000)
        return all(
            refusal_of(entry.ts_ms, at) is None
            for entry in record.meaning.entries
            for at in (ms, ms - WORLD_MS)
        )

    def _take_turns(self) -> None:
        """One process that stays warm answers several tenants, in any order, some twice."""
        rng = self.faults.rng
        self.faults.count(Fault.TENANTS_IN_TURN)
        weddings = [
            self.world.known[each.slot] for each in self.world.weddings if self.world.ready(each)
        ]
        paths = [*READ_ROUTES]
        if weddings:
            wedding_id = rng.choice(weddings)
            paths += [path.format(wedding_id) for path in WEDDING_ROUTES]
        for path in rng.sample(paths, 3):
            asking = [*self.world.tenants, rng.choice(self.world.tenants)]
            rng.shuffle(asking)
            for tenant in asking:
                answer = self.request("GET", path, key_of=None, admin=tenant)
                self.did["looks"] += 1
                self._foreign(path, tenant, answer)

    def _foreign(self, path: str, tenant: Tenant, answer: Answer) -> None:
        """Another tenant's wedding answers like one that nobody knows."""
        for wedding in self.world.weddings:
            wedding_id = self.world.known.get(wedding.slot)
            if wedding_id is None or wedding_id not in path or wedding.tenant == tenant:
                continue
            require(
                answer.status in (404, 500, 503),
                "I13",
                f"{path} of {wedding.tenant.id} was answered {answer.status} to {tenant.id}",
            )

    def _ask_a_day_before(self) -> None:
        """A request with a key, so long ago that its answer is forgotten in mid-play."""
        start = self.bundle.now
        self.bundle.clock.set(self._forgotten_at - OLD_REQUEST)
        for tenant in self.world.tenants:
            self._old_requests[tenant.id] = self._register_again(tenant)
        self.bundle.clock.set(start)
        for tenant in self.world.tenants:
            for seconds in (FORGOTTEN_SECONDS - 2, FORGOTTEN_SECONDS + 2):
                self._at(seconds, lambda of=tenant: self._ask_again(of))  # type: ignore[misc]

    @property
    def _forgotten_at(self) -> datetime:
        return self.world.start + timedelta(seconds=FORGOTTEN_SECONDS)

    def _register_again(self, tenant: Tenant) -> str:
        """Register a wedding next year, always under the same key."""
        was, self.faults.active = self.faults.active, False
        day = (self.world.start + timedelta(days=300)).date().isoformat()
        answer = self.bundle.post(
            "/api/weddings",
            {"coupleName": canary(tenant), "date": day, "venue": {"timeZone": "UTC"}},
            key=self.bundle.key(tenant=tenant),
            headers={"idempotency-key": "the only one"},
        )
        self.faults.active = was
        require(answer.status == 201, "I19", f"a wedding was answered {answer}")
        return str(answer["weddingId"])

    def _ask_again(self, tenant: Tenant) -> None:
        """Within a day the same answer; after it another one, whether it was deleted or not."""
        if abs(self.bundle.now - self._forgotten_at) < timedelta(seconds=1):
            return
        same = self.bundle.now < self._forgotten_at
        self.watch.checks["I19"] += 1
        self.watch.checks["I21"] += 1
        self.faults.count(self.deletes)
        made = self._register_again(tenant)
        former = self._old_requests[tenant.id]
        require(
            (made == former) is same,
            "I19" if same else "I21",
            f"a request of the day before was answered {former}, and now {made}",
        )

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
        answer = self.request("POST", f"{path}/{verb}", key_of=None, admin=tenant)
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
        self._soon(RECOVERED_SECONDS, self._recovered)
        self._soon(150, self._redrive)

    def _recovered(self) -> None:
        """Whatever was taken is counted by now, or lies in the failure store."""
        self.watch.checks["I3"] += 1
        # What is due at this very instant is run before anybody looks.
        self.did.update(self.bundle.machine.run_due())
        behind = [each.shard_id for each in self.bundle.machine.streams.mappings if each.next_due()]
        require(not behind, "I3", f"a minute after the faults {behind} are not drained")
        bucket = self.bundle.cloud.bucket(Resource.QUARANTINE)
        if not any(name.startswith("aws/lambda/") for name in bucket.names()):
            self._counts(ahead=AHEAD).none_missing()

    def _redrive(self) -> None:
        bucket = self.bundle.cloud.bucket(Resource.QUARANTINE)
        for name in bucket.names():
            if name.startswith("aws/lambda/"):
                kept = json.loads(bucket.get(name) or b"{}")
                self.faults.count(Fault.REDRIVEN)
                self._invoke("streams-metrics", json.loads(kept["payload"]))

    def _counts(self, *, ahead: timedelta = timedelta(0)) -> Counts:
        return Counts(
            self.bundle.services,
            self.reference,
            self.watch,
            self.world.tenants,
            self.world.start - timedelta(minutes=46),
            self.bundle.now + ahead,
        )

    def _judge(self) -> None:
        bundle = self.bundle
        bundle.machine.run_due()
        counts = self._counts()
        counts.check(sample=self.seed)
        self.rest.parked(self.reference)
        self.rest.alerts()
        self.rest.incidents()
        self.rest.messages()
        check_rules(bundle, self.watch, self.world.tenants)
        self.rest.pages(self.must_page)
        for burst in self._bursts_judged:
            self.rest.prompt(burst)
        self.subscribers.check(bundle.cloud, self.watch)
        self.endpoints.check(bundle, self.watch, self.world.tenants)
        self._nothing_changes(counts)
        bundle.clock.advance(180)
        self._invoke("schedules-compaction", {"time": bundle.now.isoformat()})
        counts.hours()
        bundle.clock.advance(3600)
        self._roll_up()
        counts.rolled()

    def _roll_up(self) -> None:
        self._invoke("schedules-hourly", {"time": self.bundle.now.isoformat()})

    def _much_later(self) -> None:
        """Days later nobody sees what has expired, whether it was deleted or not."""
        counts = self._counts()
        self.bundle.clock.advance(HOT_DAYS * 86_400)
        if self.deletes is Fault.EXPIRED_AT_ONCE:
            self.bundle.cloud.sweep()
        counts.nothing()
        seen = [self._seen_by(tenant) for tenant in self.world.tenants]
        self.bundle.cloud.sweep()
        self.watch.checks["I21"] += 1
        again = [self._seen_by(tenant) for tenant in self.world.tenants]
        require(seen == again, "I21", f"{seen} became {again} when expired items were deleted")
        if self.watch.found:
            raise self.watch.found.pop(0)

    def _seen_by(self, tenant: Tenant) -> list[object]:
        """What a tenant's own answers say."""
        self.bundle.restart()
        paths = ("/api/metrics/ingest/rejections", "/api/weddings")
        return [self.request("GET", path, key_of=None, admin=tenant).body for path in paths]

    def _nothing_changes(self, counts: Counts) -> None:
        """Replay suffixes of some shards: nobody hears of it, nothing counts twice."""
        self.watch.checks["I4"] += 1
        before = (counts.totals().items(), *self.rest.summary())
        stream = self.bundle.cloud.stream(Resource.METRICS_STREAM)
        filled = [found for shard in stream.shards() if (found := stream.records(shard.shard_id))]
        for records in self.rng.sample(filled, min(len(filled), MOST_REPLAYED)):
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


def _sequence_of(record: Record, sequence: str) -> str:
    """Under which its points are known: of an aggregate it is the first and only user record."""
    return f"{sequence}.0" if record.data.startswith(MAGIC) else sequence


def _sequences(event: Event) -> list[str]:
    records = cast("list[dict[str, dict[str, str]]]", event.get("Records") or [])
    return [each["kinesis"]["sequenceNumber"] for each in records if "kinesis" in each]


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
    collecting = gc.isenabled()
    gc.disable()  # a world is small and soon over: looking for cycles in it costs a tenth
    try:
        return Play(seed, tamper=tamper, rates=rates, kept=kept).outcome()
    finally:
        logging.disable(former)
        if collecting:
            gc.enable()
            gc.collect()
