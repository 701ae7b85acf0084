"""What goes wrong, drawn from the seed: at every call of the seam, and at every delivery.

Nothing here is random but by the seed, so that a failing one replays byte for byte.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import TypeVar

from infra.local.clock import ManualClock
from wedsync.errors import OutcomeUnknown, Throttled
from wedsync.runtime.declarations import Declaration
from wedsync.tenancy import Tenant

T = TypeVar("T")


class Crash(BaseException):
    """The process dies here: no handler of the bundle may notice."""


class ProcessKilled(BaseException):
    """The machine itself dies here, and starts again from what is stored."""


class FunctionDied(Exception):
    """What its trigger sees of a function that crashed or ran out of time."""


class Fault(StrEnum):
    """Everything that is injected; each is counted."""

    THROTTLED = "throttled before commit"
    ANSWER_LOST = "answer lost after commit"
    CRASHED_BEFORE = "crash before a call"
    CRASHED_AFTER = "crash after a commit"
    HUNG = "call hung for seconds"
    TIMED_OUT = "function ran out of time"
    INTRUDED = "another function in the middle"
    STALE_INDEX = "stale index read"
    NOT_STARTED = "invocation refused"
    DELIVERED_TWICE = "delivered twice"
    RECUT = "batch cut anew"
    REPLAYED = "suffix of a shard replayed"
    REDRIVEN = "failure redriven"
    SCHEDULE_SKIPPED = "schedule skipped"
    SCHEDULE_LATE = "schedule late"
    RESTARTED = "process restarted"
    SCHEDULE_DOUBLED = "schedule doubled"
    PUT_PARTLY = "PutRecords took a part"
    PUT_LOST = "PutRecords answer lost"
    PRODUCER_RETRIED = "same batch id under a new sequence number"
    BISECTED = "failed batch bisected"
    UNPROCESSED = "batch read served in two parts"
    SHARD_SPLIT = "shard split"
    SHARDS_MERGED = "shards merged"
    STREAM_REMADE = "stream made anew"
    EXPIRED_AT_ONCE = "expired items deleted at once"
    EXPIRED_LATE = "expired items deleted late"
    EXPIRED_NEVER = "expired items never deleted"
    SUBSCRIBER_5XX = "subscriber answered 5xx"
    SUBSCRIBER_HUNG = "subscriber hung 30 s"
    SUBSCRIBER_LOST = "subscriber answered 200 and lost it"
    SUBSCRIBER_KILLED = "process killed while it delivered"
    CLOCK_AHEAD = "producer's clock ahead"
    CLOCK_BEHIND = "producer's clock behind"
    POINT_TOO_LATE = "point 25 h late"
    POINT_AHEAD = "point 16 min ahead"
    POINT_POISONED = "point poisoned"
    RECORD_POISONED = "record poisoned"
    TENANTS_IN_TURN = "tenants in turn on a warm process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Probabilities, per call of the seam or per delivery.

    ``contended`` stands for ``intruded`` before calls for incidents: races for them are what pages
    hang on, and are played more often than others.
    """

    throttled: float = 0.0
    answer_lost: float = 0.0
    crashed: float = 0.0
    hung: float = 0.0
    intruded: float = 0.0
    contended: float = 0.0
    stale_index: float = 0.0
    not_started: float = 0.0
    delivered_twice: float = 0.0
    recut: float = 0.0
    schedule_skipped: float = 0.0
    schedule_late: float = 0.0
    schedule_doubled: float = 0.0
    put_partly: float = 0.0
    put_lost: float = 0.0
    put_again: float = 0.0
    unprocessed: float = 0.0
    subscriber: float = 0.0

    @classmethod
    def drawn(cls, rng: random.Random) -> "Rates":
        """Rates of one world: some worlds are rough, some know a single kind of fault."""
        scale = rng.choice((0.3, 1.0, 1.0, 2.0))
        full = {
            "throttled": 0.006,
            "answer_lost": 0.005,
            "crashed": 0.003,
            "hung": 0.0015,
            "intruded": 0.012,
            "contended": 0.07,
            "stale_index": 0.3,
            "not_started": 0.03,
            "delivered_twice": 0.1,
            "recut": 0.08,
            "schedule_skipped": 0.03,
            "schedule_late": 0.08,
            "schedule_doubled": 0.1,
            "put_partly": 0.06,
            "put_lost": 0.06,
            "put_again": 0.06,
            "unprocessed": 0.05,
            "subscriber": 0.2,
        }
        if rng.random() < 0.2:
            chosen = rng.choice(sorted(full))
            return cls(**{chosen: min(full[chosen] * 4, 0.5)})
        return cls(**{name: min(rate * scale, 0.6) for name, rate in full.items()})


class History:
    """All that happened, in order, as a digest; kept as lines only where somebody will read it."""

    def __init__(self, *, kept: bool = False) -> None:
        self._hash = blake2b(digest_size=16)
        self.lines: list[str] | None = [] if kept else None
        self.length = 0

    def add(self, line: str) -> None:
        """Append one line."""
        self.length += 1
        self._hash.update(line.encode())
        self._hash.update(b"\n")
        if self.lines is not None:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        """Of everything so far."""
        return self._hash.hexdigest()


@dataclass(slots=True)
class Invocation:
    """One run of a function. ``harmed``: some fault met it; ``paused``: it hung for a while."""

    number: int
    declaration: Declaration
    deadline: float
    caller: Tenant | None = None
    calls: int = 0
    changes: int = 0
    harmed: bool = False
    paused: bool = False


@dataclass(slots=True)
class Faults:
    """The dice, and the functions that run now, the innermost last."""

    rng: random.Random
    rates: Rates
    clock: ManualClock
    history: History
    active: bool = False
    until: datetime | None = None
    pauses_left: int = 4
    """A world that hung all the time would only be slow."""
    intrusions_left: int = 100
    crash_after: tuple[str, int] | None = None
    """Die once, when a run of this function has changed so many things: none is before its first
    call. For enumerations, the dice being silent."""
    lose_at: tuple[str, int] | None = None
    """Lose, once, the answer to what would be this change of this function, after it was made."""
    most_changes: Counter[str] = field(default_factory=Counter)
    """How much a run of each function has changed at the most."""
    counts: Counter[str] = field(default_factory=Counter)
    harms: list[datetime] = field(default_factory=list)
    """When something harmed a run, or kept one from starting."""
    running: list[Invocation] = field(default_factory=list)
    intruder: Callable[[str], None] = lambda _: None
    deepest: int = 2
    _made: int = 0

    def chance(self, rate: float) -> bool:
        """Whether something of this rate happens now; asks the dice only while faults happen."""
        happens = self.active and (self.until is None or self.clock.now() < self.until)
        return happens and rate > 0 and self.rng.random() < rate

    def note(self, fault: Fault) -> None:
        """Count a fault, and mark what it harms: the innermost run; a pause harms all that wait."""
        self.counts[fault] += 1
        self.history.add(f"! {fault}")
        self.harms.append(self.clock.now())
        for run in self.running if fault is Fault.HUNG else self.running[-1:]:
            run.harmed = True
            run.paused |= fault is Fault.HUNG

    def count(self, fault: Fault) -> None:
        """Count a fault that harms no run."""
        self.counts[fault] += 1
        self.history.add(f"~ {fault}")

    def unharmed(self, since: datetime, until: datetime) -> bool:
        """Whether no run was harmed in this span."""
        return not any(since <= at <= until for at in self.harms)

    @contextmanager
    def invocation(self, declaration: Declaration) -> Iterator[Invocation]:
        """A run of a function, while it lasts; a crash in it comes out as FunctionDied."""
        self._made += 1
        ends = self.clock.now().timestamp() + declaration.timeout_seconds
        run = Invocation(self._made, declaration, ends)
        self.running.append(run)
        self.history.add(f"> {run.number} {declaration.name} {self.clock.now().isoformat()}")
        try:
            yield run
        except Crash as crash:
            self.history.add(f"< {run.number} died")
            raise FunctionDied("the function died") from crash
        else:
            self.history.add(f"< {run.number} ended")
        finally:
            self.running.pop()

    def call(self, what: str, act: Callable[[], T], *, changes: bool) -> T:
        """Make one call of the seam, or have it fail."""
        if not self.running:
            return act()
        run = self.running[-1]
        run.calls += 1
        self.history.add(f"{run.number}.{run.calls} {what}")
        if self.crash_after == (run.declaration.name, 0):
            self.crash_after = None
            self.note(Fault.CRASHED_BEFORE)
            raise Crash
        if self.active:
            self._before(run, what)
        result = act()
        if changes:
            run.changes += 1
            name = run.declaration.name
            self.most_changes[name] = max(self.most_changes[name], run.changes)
            self._disturbed(run)
            if self.active:
                self._after()
        return result

    def _disturbed(self, run: Invocation) -> None:
        """As an enumeration asks, after a change."""
        at = run.declaration.name, run.changes
        if self.crash_after == at:
            self.crash_after = None
            self.note(Fault.CRASHED_AFTER)
            raise Crash
        if self.lose_at == at:
            self.lose_at = None
            self.note(Fault.ANSWER_LOST)
            raise OutcomeUnknown

    def _before(self, run: Invocation, what: str) -> None:
        rates = self.rates
        if self.chance(rates.throttled):
            self.note(Fault.THROTTLED)
            raise Throttled
        if self.chance(rates.crashed / 2):
            self.note(Fault.CRASHED_BEFORE)
            raise Crash
        if self.pauses_left and self.chance(rates.hung):
            self.pauses_left -= 1
            self.note(Fault.HUNG)
            self.clock.advance(self.rng.choice((1, 5, 20, 45)))
        if self.clock.now().timestamp() > run.deadline:
            self.note(Fault.TIMED_OUT)
            raise Crash
        likely = rates.contended if " incidents " in what else rates.intruded
        may = self.intrusions_left and len(self.running) < self.deepest
        if may and self.chance(likely):
            self.intrusions_left -= 1
            self.count(Fault.INTRUDED)
            self.intruder(what)

    def _after(self) -> None:
        rates = self.rates
        if self.chance(rates.answer_lost):
            self.note(Fault.ANSWER_LOST)
            raise OutcomeUnknown
        if self.chance(rates.crashed / 2):
            self.note(Fault.CRASHED_AFTER)
            raise Crash
