"""Jobs on the clock's whole minutes, as EventBridge Scheduler runs them.

The last run is durable. After any downtime a job runs once, for the last time that it was due.
A run that fails is tried twice more, one and two minutes later, then its event is kept as a
failure; the job's later runs do not wait for it.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.local.arns import ACCOUNT
from infra.local.engine import LocalCloud
from infra.local.invocations import Event, Invoker, Raised, described
from wedsync.resources import Resource
from wedsync.runtime.declarations import Function, ScheduleTrigger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TRIES = 3
_SWEEP_EVERY = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class _Job:
    function: Function
    every: timedelta
    after: timedelta
    next_slot: datetime


@dataclass(frozen=True, slots=True, order=True)
class _Again:
    at: datetime
    name: str
    slot: datetime
    tries: int


class Schedules:
    """Every scheduled function."""

    def __init__(self, cloud: LocalCloud, functions: Sequence[Function], invoker: Invoker) -> None:
        self._cloud = cloud
        self._invoker = invoker
        self._runs = cloud.schedule_runs
        self._jobs = {
            function.declaration.name: self._job(function, function.declaration.trigger)
            for function in functions
            if isinstance(function.declaration.trigger, ScheduleTrigger)
        }
        self._again: list[_Again] = []
        self._sweep_at = cloud.clock.now() + _SWEEP_EVERY

    def run_due(self) -> Counter[str]:
        """Run what is due, earliest first, and those of one instant in the order of their names."""
        ran: Counter[str] = Counter()
        while (due := self._first()) is not None and due.at <= self._cloud.clock.now():
            ran[due.name] += 1
            self._run(due)
        self._sweep()
        return ran

    def next_due(self) -> datetime | None:
        """When the next run or retry is due, None without any job."""
        due = self._first()
        return None if due is None else due.at

    def _sweep(self) -> None:
        """Give back the room of what has expired, now and then: no reader sees it anyway."""
        if (now := self._cloud.clock.now()) >= self._sweep_at:
            self._sweep_at = now + _SWEEP_EVERY
            self._cloud.sweep()

    def _first(self) -> _Again | None:
        slots = (_Again(job.next_slot, name, job.next_slot, 0) for name, job in self._jobs.items())
        return min((*slots, *self._again), default=None)

    def _run(self, due: _Again) -> None:
        job = self._jobs[due.name]
        slot = due.slot
        if due.tries:
            self._again.remove(due)
        else:
            now = self._cloud.clock.now()
            slot = slot_before(now, job.every, after=job.after, inclusive=True)
        event = self._event(due.name, slot)
        outcome = self._invoker.invoke(job.function, event)
        if isinstance(outcome, Raised):
            self._failed(due.name, slot, due.tries + 1, outcome, event)
        if not due.tries:
            self._runs.set_last_run(due.name, slot)
            job.next_slot = slot + job.every

    def _failed(self, name: str, slot: datetime, tries: int, why: Raised, event: Event) -> None:
        now = self._cloud.clock.now()
        if tries < _MOST_TRIES:
            self._again.append(_Again(now + timedelta(minutes=tries), name, slot, tries))
            return
        record = {"reason": described(why), "function": name, "tries": tries, "event": event}
        self._cloud.bucket(Resource.QUARANTINE).put(
            f"schedules/{name}/{slot:%Y-%m-%dT%H.%M.%S}", json.dumps(record).encode()
        )

    def _job(self, function: Function, trigger: ScheduleTrigger) -> _Job:
        every = timedelta(minutes=trigger.every_minutes)
        after = timedelta(minutes=trigger.after_minutes)
        name = function.declaration.name
        last = self._runs.last_run(name)
        if last is None:
            # From the first start on, a slot that passes while nothing runs is caught up.
            last = slot_before(self._cloud.clock.now(), every, after=after, inclusive=False)
            self._runs.set_last_run(name, last)
        return _Job(
            function=function,
            every=every,
            after=after,
            next_slot=slot_before(last, every, after=after, inclusive=True) + every,
        )

    def _event(self, name: str, slot: datetime) -> Event:
        region = self._invoker.settings.region
        return {
            "version": "0",
            "id": self._cloud.ids.new_id("schedule"),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT,
            "time": slot.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [f"arn:aws:scheduler:{region}:{ACCOUNT}:schedule/wedsync/{name}"],
            "detail": "{}",
        }


def slot_before(
    instant: datetime, every: timedelta, *, after: timedelta = timedelta(), inclusive: bool
) -> datetime:
    """The last run before an instant, or at it: ``after`` some multiple of ``every`` since 1970."""
    count, rest = divmod(instant - after - _EPOCH, every)
    if not inclusive and not rest:
        count -= 1
    return _EPOCH + count * every + after
