"""Ladders by the hundred thousand: the protocol alone, under faults, as fast as it can be played.

The domain, the flows and the stores are the real ones, on a seam that is a few dictionaries. A
world of some hundred ladders is played for an hour of its own clock: reports come, people
acknowledge, resolve and escalate at any moment (in the middle of a delivery, too), the minute's
sweep comes late, twice or not at all, wakes are delayed and doubled, calls are refused, their
answers are lost, and functions die. Some tenants have nobody who holds the roles of a tier, whose
next one is then to be paged at once. What was published is then compared with what each ladder had
to say.
"""

import bisect
import heapq
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from infra.local.clock import ManualClock, SeededIds
from tests.domain.notifications.builders import a_contact
from wedsync.alerting.severity import Severity
from wedsync.cloud import (
    EVERYTHING,
    Attribute,
    Bucket,
    Capacity,
    Clock,
    Condition,
    ConditionFailed,
    Delayed,
    Ids,
    Item,
    Key,
    Message,
    Page,
    Queue,
    Readings,
    Secret,
    Sort,
    Stream,
    Subscriber,
    Table,
    TimeSeries,
    Topic,
    Web,
    holds,
)
from wedsync.errors import Conflict, OutcomeUnknown, Throttled, Unavailable
from wedsync.flows.incidents import change_incident, deliver, publish_step, report_incident
from wedsync.flows.wake import LadderWake, read_wake
from wedsync.flows.watch import sweep
from wedsync.incidents.ladder import Claimed
from wedsync.incidents.lifecycle import acknowledge, escalate, resolve
from wedsync.incidents.model import Incident, Policy, Report, StepKind, StepStatus
from wedsync.incidents.policies import PolicyChoice, templates
from wedsync.resources import Index, Resource
from wedsync.settings import Settings
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

START = datetime(2026, 6, 20, 14, 0, tzinfo=UTC)
TENANTS = (Tenant("ten-a"), Tenant("ten-b"), Tenant("ten-c"))
HELD = {
    "ten-b": ("on_call_engineer", "platform_lead", "all_hands"),
    "ten-c": ("cto", "platform_lead"),
}
"""The roles that contacts hold. Of a tenant without contacts nobody knows who listens."""
WORLD = 250
"""Ladders in one world."""
OPENING_SECONDS = 600
PLAYED_SECONDS = 3600
VISIBLE_AFTER_SECONDS = 360
"""When the queue gives a message out again whose function died: six time-outs."""
MOST_LATE_SECONDS = 180.0
P99_SECONDS = 15.0
ENOUGH_FOR_P99 = 5000
"""Of fewer pages, the latest in a hundred tells of a few functions that died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often what goes wrong; of calls, unless it says otherwise."""

    refused: float = 0.0004
    lost: float = 0.0004
    died: float = 0.0004
    intruded: float = 0.002
    sweep_lost: float = 0.02
    """Of sweeps; never two in a row."""
    sweep_doubled: float = 0.05
    wake_doubled: float = 0.02
    """Of wakes."""


NONE = Rates(refused=0, lost=0, died=0, intruded=0, sweep_lost=0, sweep_doubled=0, wake_doubled=0)


class Died(BaseException):
    """The function is gone: nothing of it runs any more."""


class DictTable:
    """A ``wedsync.cloud.Table`` of dictionaries, with sparse indexes that are always up to date."""

    def __init__(self, indexes: Sequence[Index]) -> None:
        self._items: dict[Key, Item] = {}
        self._indexes = indexes
        self._orders: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        del consistent
        return self._items.get(key)

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> tuple[Item, ...]:
        del consistent
        return tuple(self._items[key] for key in keys if key in self._items)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        former = self._checked(item.key, when)
        self._file(item.key, former.attributes if former else {}, item.attributes)
        self._items[item.key] = item

    def delete(self, key: Key, *, when: Condition | None = None) -> None:
        former = self._checked(key, when)
        if former is not None:
            self._file(key, former.attributes, {})
            del self._items[key]

    def advance(self, key: Key, name: str, *, by: int, at_least: int, at_most: int) -> int:
        raise NotImplementedError

    def query(
        self,
        partition: str,
        *,
        sort: Sort = EVERYTHING,
        index: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        descending: bool = False,
        consistent: bool = True,
    ) -> Page:
        del limit, after, consistent
        assert not descending
        if index is None:
            return Page(tuple(each for key, each in self._items.items() if key.pk == partition))
        order = self._orders[index, partition]
        last = len(order)
        if sort.at_most is not None:
            last = bisect.bisect_right(order, (sort.at_most, "\U0010ffff", ""))
        return Page(tuple(self._items[Key(pk, sk)] for _, pk, sk in order[:last]))

    def _checked(self, key: Key, when: Condition | None) -> Item | None:
        former = self._items.get(key)
        if not holds(when, former.attributes if former is not None else None):
            raise ConditionFailed(former)
        return former

    def _file(
        self, key: Key, before: Mapping[str, Attribute], after: Mapping[str, Attribute]
    ) -> None:
        for index in self._indexes:
            old = (before.get(index.partition), before.get(index.sort))
            new = (after.get(index.partition), after.get(index.sort))
            if old == new:
                continue
            if None not in old:
                order = self._orders[index.name, str(old[0])]
                del order[bisect.bisect_left(order, (str(old[1]), key.pk, key.sk))]
            if None not in new:
                order = self._orders[index.name, str(new[0])]
                bisect.insort(order, (str(new[1]), key.pk, key.sk))


@dataclass(slots=True, kw_only=True)
class Ladder:
    """One that was reported, and what people did about it."""

    tenant: Tenant
    policy: Policy
    request: str
    incident_id: str
    opened_at: datetime
    is_stored: bool = False
    answered_at: datetime | None = None
    """When nothing more was to be paged: an acknowledgement or an end, as it was stored."""
    by_hand: dict[int, datetime] = field(default_factory=dict)
    sent: dict[tuple[int, str], list[datetime]] = field(default_factory=dict)
    after_answer: int = 0
    disturbed: int = 0

    def due(self, tier: int) -> datetime:
        """When a tier is to be paged, unless somebody did it by hand before.

        After one that nobody holds that is as soon as all of its own messages are out.
        """
        whole = self.opened_at.replace(microsecond=0)
        zero = whole if whole == self.opened_at else whole + timedelta(seconds=1)
        after = self.policy.tiers[tier].after_seconds
        planned = zero + timedelta(seconds=after) if after else self.opened_at
        return min(planned, self.by_hand.get(tier, planned), self._after_nobody(tier) or planned)

    def is_vacant(self, tier: int) -> bool:
        """Whether nobody holds any role of this tier, as far as that is known."""
        held = HELD.get(self.tenant.id)
        return held is not None and not set(held) & set(self.policy.tiers[tier].roles)

    def _after_nobody(self, tier: int) -> datetime | None:
        if not tier or not self.is_vacant(tier - 1):
            return None
        first = [
            self.sent[tier - 1, role][0]
            for role in self.policy.tiers[tier - 1].roles
            if (tier - 1, role) in self.sent
        ]
        return max(first) if len(first) == len(self.policy.tiers[tier - 1].roles) else None


@dataclass(slots=True)
class Outcome:
    """What became of the ladders of some worlds."""

    ladders: int = 0
    tiers: int = 0
    pages: int = 0
    repeated: int = 0
    lost: int = 0
    early: int = 0
    after_answer: int = 0
    unexpected: int = 0
    unexplained: int = 0
    hastened: int = 0
    """Tiers that were paged before their time, since nobody held the one before."""
    faults: Counter[str] = field(default_factory=Counter)
    lateness: list[float] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Count others in."""
        for name in (
            "ladders",
            "tiers",
            "pages",
            "repeated",
            "lost",
            "early",
            "after_answer",
            "unexpected",
            "unexplained",
            "hastened",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        self.lateness += other.lateness

    @property
    def p99(self) -> float:
        """How late one page in a hundred was, in seconds."""
        ordered = sorted(self.lateness)
        return ordered[int(0.99 * (len(ordered) - 1))] if ordered else 0.0

    def failures(self) -> list[str]:
        """What does not hold."""
        wrong = {
            "tiers lost": self.lost,
            "pages early": self.early,
            "pages claimed after an answer": self.after_answer,
            "pages that no ladder had to send": self.unexpected,
            "pages repeated where nothing had gone wrong": self.unexplained,
        }
        found = [f"{count} {what}" for what, count in wrong.items() if count]
        latest = max(self.lateness, default=0.0)
        if latest > MOST_LATE_SECONDS:
            found.append(f"a page {latest:.1f} s late")
        if len(self.lateness) > ENOUGH_FOR_P99 and self.p99 > P99_SECONDS:
            found.append(f"one page in a hundred {self.p99:.1f} s late or later")
        return found


class LadderWorld:
    """Some ladders on one seam, and everything that happens to them, in the order of time."""

    def __init__(
        self,
        seed: int,
        *,
        ladders: int = WORLD,
        rates: Rates | None = None,
        guarded: bool = True,
    ) -> None:
        """``guarded=False`` makes every conditional write happen: the judge must notice."""
        self.guarded = guarded
        self.rng = random.Random(seed)
        self.rates = rates or Rates()
        self.manual = ManualClock(START)
        self.faults: Counter[str] = Counter()
        self.ladders: dict[tuple[str, str], Ladder] = {}
        self._ids = SeededIds(seed)
        self._table = DictTable(Resource.INCIDENTS.indexes)
        self._runbooks = DictTable(Resource.RUNBOOKS.indexes)
        self._routing = DictTable(Resource.ROUTING.indexes)
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._entries = 0
        self._running: Ladder | None = None
        self._interrupted = False
        self._sweep_was_lost = False
        self.services = Services(self, Settings())
        for tenant, roles in HELD.items():
            for contact in (
                a_contact("con_mia", *roles),
                a_contact("con_unreachable", "team_lead", channels=()),
            ):
                self.services.routing.add_contact(Tenant(tenant), contact)
        for number in range(ladders):
            self._at(self.rng.uniform(0, OPENING_SECONDS), lambda n=number: self._open(n))  # type: ignore[misc] # a lambda's default
        for minute in range(PLAYED_SECONDS // 60):
            self._at(minute * 60.0 + self.rng.uniform(0, 2), self._sweep)

    def play(self) -> Outcome:
        """Let everything happen, then judge."""
        end = START + timedelta(seconds=PLAYED_SECONDS)
        while self._agenda and self._agenda[0][0] <= end:
            at, _, act = heapq.heappop(self._agenda)
            self.manual.set(max(at, self.manual.now()))
            act()
        return self._judged()

    # The seam

    @property
    def clock(self) -> Clock:
        return self.manual

    @property
    def wall_clock(self) -> Clock:
        return self.manual

    @property
    def ids(self) -> Ids:
        return self._ids

    @property
    def web(self) -> Web:
        raise NotImplementedError

    def table(self, resource: Resource) -> Table:
        if resource is Resource.RUNBOOKS:
            return self._runbooks
        if resource is Resource.ROUTING:
            return FaultyTable(self._routing, self)
        assert resource is Resource.INCIDENTS
        return FaultyTable(self._table, self)

    def topic(self, resource: Resource) -> Topic:
        del resource
        return Listening(self)

    def queue(self, resource: Resource) -> Queue:
        assert resource is Resource.WAKE
        return Waking(self)

    def stream(self, resource: Resource) -> Stream:
        raise NotImplementedError(resource)

    def bucket(self, resource: Resource) -> Bucket:
        raise NotImplementedError(resource)

    def time_series(self, resource: Resource) -> TimeSeries:
        raise NotImplementedError(resource)

    def readings(self, resource: Resource) -> Readings:
        raise NotImplementedError(resource)

    def capacity(self, resource: Resource) -> Capacity:
        raise NotImplementedError(resource)

    def secret(self, resource: Resource) -> Secret:
        raise NotImplementedError(resource)

    def before(self) -> None:
        """A call begins: it may be refused, the function may die, somebody may come in between."""
        rates, ladder = self.rates, self._running
        if ladder is None:
            return
        chance = self.rng.random()
        if chance < rates.refused:
            self._disturb("calls refused")
            raise Throttled
        if chance < rates.refused + rates.died:
            self._disturb("functions that died")
            raise Died
        if chance > 1 - rates.intruded and ladder.is_stored and not self._interrupted:
            self._interrupted = True
            self.faults["answers in the middle of a delivery"] += 1
            self._people(lambda: self._answer(ladder))

    def after(self) -> None:
        """A call has happened: its answer may be lost."""
        if self._running is not None and self.rng.random() < self.rates.lost:
            self._disturb("answers lost")
            raise OutcomeUnknown

    def stored(self, former: Item | None, item: Item) -> None:
        """An incident was written: by a function that somebody came in between of, perhaps."""
        ladder = self._running
        if former is None and ladder is not None:
            ladder.is_stored, ladder.opened_at = True, self.manual.now()
        if not self._interrupted or ladder is None or ladder.answered_at is None:
            return
        # What was claimed before the answer may be out already; nothing is claimed after it.
        before = _claimed_pages(former) if former is not None else set()
        ladder.after_answer += len(_claimed_pages(item) - before)

    def heard(self, message: Message) -> None:
        """A topic took a message."""
        said = message.attributes
        if said["kind"] != StepKind.PAGE:
            return
        tenant, incident_id, *_ = str(said["dedup_key"]).split("#")
        ladder = self.ladders[tenant, incident_id]
        now = self.manual.now()
        ladder.sent.setdefault((int(said["tier"]), str(said["role"])), []).append(now)
        if ladder.answered_at is not None and not self._interrupted:
            ladder.after_answer += 1

    def wake(self, body: str, seconds: float) -> None:
        """The queue took a message: it comes when it is due, seldom much later, seldom twice."""
        rng = self.rng
        jitter = rng.uniform(0.02, 1.0) if rng.random() < 0.99 else rng.uniform(1.0, 10.0)
        self._at_delay(seconds + jitter, lambda: self._woken(body))
        if rng.random() < self.rates.wake_doubled:
            self.faults["wakes doubled"] += 1
            self._at_delay(seconds + jitter + rng.uniform(0, 5), lambda: self._woken(body))

    # What happens

    def _open(self, number: int) -> None:
        rng = self.rng
        tenant = rng.choice(TENANTS)
        policy = rng.choice(list(templates().values()))
        request = f"report-{number}"
        naming = Services(self, Settings())
        naming.repeats(request, since=self.manual.now())
        ladder = Ladder(
            tenant=tenant,
            policy=policy,
            request=request,
            incident_id=f"{naming.new_id('inc')}-1",
            opened_at=self.manual.now(),
        )
        self.ladders[tenant.id, ladder.incident_id] = ladder
        self._report(ladder)
        if rng.random() < 0.5:
            self._at_delay(
                rng.expovariate(1 / 500), lambda: self._people(lambda: self._answer(ladder))
            )
        if rng.random() < 0.1:
            self._at_delay(rng.uniform(1, 1500), lambda: self._people(lambda: self._raise(ladder)))

    def _report(self, ladder: Ladder) -> None:
        """A client reports, and reports again while nobody can say what became of it."""
        services = Services(self, Settings())
        services.repeats(ladder.request, since=ladder.opened_at)

        def run() -> None:
            report = Report(title="The band plays on", severity=Severity.CRITICAL)
            choice = PolicyChoice(policy=ladder.policy, reason="as it was drawn")
            incident = report_incident(services, ladder.tenant, report, choice=choice, by="mia")
            assert incident.incident_id == ladder.incident_id
            deliver(services, ladder.tenant, incident.incident_id)

        if not self._invoked(ladder, run):
            self._at_delay(self.rng.uniform(1, 5), lambda: self._report(ladder))

    def _sweep(self) -> None:
        rates, rng = self.rates, self.rng
        if rng.random() < rates.sweep_lost and not self._sweep_was_lost:
            self._sweep_was_lost = True
            self.faults["sweeps lost"] += 1
            return
        self._sweep_was_lost = False
        sweep(self.services, self.manual.now())
        if rng.random() < rates.sweep_doubled:
            self.faults["sweeps doubled"] += 1
            sweep(self.services, self.manual.now())

    def _woken(self, body: str) -> None:
        wake = read_wake(body)
        assert isinstance(wake, LadderWake)
        ladder = self.ladders[wake.tenant_id, wake.incident_id]
        run = self._invoked(
            ladder, lambda: deliver(self.services, ladder.tenant, ladder.incident_id)
        )
        if not run:
            self._at_delay(VISIBLE_AFTER_SECONDS, lambda: self._woken(body))

    def _answer(self, ladder: Ladder) -> None:
        if not ladder.is_stored or ladder.answered_at is not None:
            return
        ends = self.rng.random() < 0.2

        def decide(incident: Incident, now: datetime) -> object:
            return (resolve if ends else acknowledge)(incident, by="bo", at=now)

        change_incident(self.services, ladder.tenant, ladder.incident_id, decide)  # type: ignore[type-var] # either is a Decision
        ladder.answered_at = self.manual.now()

    def _raise(self, ladder: Ladder) -> None:
        if not ladder.is_stored or ladder.answered_at is not None:
            return
        with suppress(Conflict):
            done = change_incident(
                self.services,
                ladder.tenant,
                ladder.incident_id,
                lambda incident, now: escalate(incident, by="mia", at=now),
            )
            if done.step is not None:
                ladder.by_hand[done.step.tier] = self.manual.now()
                claimed = Claimed(incident=done.incident, step=done.step)
                publish_step(self.services, ladder.tenant, claimed)

    def _people(self, act: Callable[[], None]) -> None:
        """What people do goes through: a client repeats what fails until it does."""
        running, self._running = self._running, None
        try:
            act()
        finally:
            self._running = running

    def _invoked(self, ladder: Ladder, run: Callable[[], object]) -> bool:
        """Run a function; False where it failed, or died."""
        self._running, self._interrupted = ladder, False
        try:
            run()
        except (Unavailable, Died):
            return False
        finally:
            self._running, self._interrupted = None, False
        return True

    def _disturb(self, what: str) -> None:
        self.faults[what] += 1
        if self._running is not None:
            self._running.disturbed += 1

    def _at(self, seconds: float, act: Callable[[], None]) -> None:
        self._push(START + timedelta(seconds=seconds), act)

    def _at_delay(self, seconds: float, act: Callable[[], None]) -> None:
        self._push(self.manual.now() + timedelta(seconds=seconds), act)

    def _push(self, at: datetime, act: Callable[[], None]) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (at, self._entries, act))

    # What is judged

    def _judged(self) -> Outcome:
        outcome = Outcome(ladders=len(self.ladders), faults=self.faults)
        for ladder in self.ladders.values():
            self._judge(ladder, outcome)
        return outcome

    def _judge(self, ladder: Ladder, outcome: Outcome) -> None:
        end = START + timedelta(seconds=PLAYED_SECONDS - MOST_LATE_SECONDS)
        answered = ladder.answered_at or end
        outcome.after_answer += ladder.after_answer
        expected: set[tuple[int, str]] = set()
        for tier, whom in enumerate(ladder.policy.tiers):
            due = ladder.due(tier)
            keys = {(tier, role) for role in whom.roles}
            expected |= keys
            sent = [ladder.sent[key] for key in keys if key in ladder.sent]
            outcome.tiers += bool(sent)
            outcome.hastened += bool(sent) and tier > 0 and ladder.is_vacant(tier - 1)
            # What was answered within the bound of lateness need not have been paged any more.
            wanted = due + timedelta(seconds=MOST_LATE_SECONDS) < answered
            outcome.lost += len(keys) - len(sent) if wanted else 0
            for times in sent:
                outcome.pages += 1
                outcome.repeated += len(times) - 1
                outcome.unexplained += len(times) > 1 and not ladder.disturbed
                outcome.early += times[0] < due
                outcome.lateness.append((times[0] - due).total_seconds())
        outcome.unexpected += len(set(ladder.sent) - expected)


def _claimed_pages(item: Item) -> set[str]:
    steps = json.loads(item.text("body")).get("steps", ())
    return {
        step["step_id"]
        for step in steps
        if step["kind"] == StepKind.PAGE and step.get("status") == StepStatus.CLAIMED
    }


class FaultyTable:
    """The table behind its faults."""

    def __init__(self, table: DictTable, world: LadderWorld) -> None:
        self._table = table
        self._world = world
        self.get_many = table.get_many
        self.delete = table.delete
        self.advance = table.advance

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        self._world.before()
        return self._table.get(key, consistent=consistent)

    def put(self, item: Item, *, when: Condition | None = None) -> None:
        self._world.before()
        former = self._table.get(item.key)
        self._table.put(item, when=when if self._world.guarded else None)
        self._world.stored(former, item)
        self._world.after()

    def query(
        self,
        partition: str,
        *,
        sort: Sort = EVERYTHING,
        index: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        descending: bool = False,
        consistent: bool = True,
    ) -> Page:
        self._world.before()
        del limit, after, descending, consistent
        return self._table.query(partition, sort=sort, index=index)


class Listening:
    """The topics."""

    def __init__(self, world: LadderWorld) -> None:
        self._world = world

    def publish(self, message: Message) -> None:
        self._world.before()
        self._world.heard(message)
        self._world.after()

    def subscribe(self, subscriber: Subscriber) -> None:
        raise NotImplementedError(subscriber)


class Waking:
    """The delay queue."""

    def __init__(self, world: LadderWorld) -> None:
        self._world = world

    def send(self, message: Delayed) -> None:
        self._world.before()
        self._world.wake(message.body, message.delay_seconds)
        self._world.after()


def played(seed: int) -> Outcome:
    """One world of many."""
    return LadderWorld(seed).play()


def measure(ladders: int, *, first: int, jobs: int, say: Callable[[str], None]) -> int:
    """Play so many ladders and say what became of them; how many things do not hold."""
    worlds = range(first, first + -(-ladders // WORLD))
    whole = Outcome()
    began = said = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        for outcome in pool.map(played, worlds, chunksize=4):
            whole.add(outcome)
            now = time.monotonic()
            if now - said >= 10:
                said = now
                say(f"{whole.ladders:,} of {ladders:,} ladders, {now - began:.0f} s")
    seconds = time.monotonic() - began
    ordered = sorted(whole.lateness)
    middle = ordered[len(ordered) // 2] if ordered else 0.0
    latest = ordered[-1] if ordered else 0.0
    say(
        f"{whole.ladders:,} ladders, {whole.tiers:,} tiers, {whole.pages:,} pages "
        f"in {seconds:.0f} s with {jobs} processes; {whole.hastened:,} tiers came after one "
        "that nobody holds"
    )
    say(
        f"lost {whole.lost}, early {whole.early}, after an answer {whole.after_answer}, "
        f"of no ladder {whole.unexpected}, repeated {whole.repeated} (each under its own key, "
        f"{whole.unexplained} of them without a fault)"
    )
    say(f"late by p50 {middle:.2f} s, p99 {whole.p99:.1f} s, at most {latest:.1f} s")
    say("faults: " + ", ".join(f"{count:,} {what}" for what, count in sorted(whole.faults.items())))
    for failure in whole.failures():
        say(f"does not hold: {failure}")
    return len(whole.failures())
