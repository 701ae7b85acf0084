"""By a running clock, what is due runs by itself, in threads that sleep until then."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from infra.local.clock import SeededIds
from infra.local.engine import LocalCloud
from infra.local.machine import Machine
from infra.local.running_clock import FastClock
from infra.local.workers import Bells, RingingCloud, Workers
from tests.infra.local.functions_under_test import (
    SATURDAY,
    Scripted,
    a_consumer,
    a_job,
    a_waker,
    put,
)
from tests.infra.local.processes import eventually
from wedsync.cloud import Delayed
from wedsync.resources import Resource
from wedsync.settings import Settings

SPEED = 120.0


class Running:
    """A machine whose clock runs two minutes in a second."""

    def __init__(self) -> None:
        self.bells = Bells()
        self.clock = FastClock(SATURDAY, speed=SPEED)
        self.cloud = LocalCloud(None, clock=self.clock, ids=SeededIds(1), shards=2)
        self.seen = RingingCloud(self.cloud, self.bells)
        self.consumer, self.job, self.waker = a_consumer(), a_job(), a_waker()
        functions = (self.consumer, self.job, self.waker)
        self.machine = Machine(self.cloud, functions, Settings(), cloud_of=lambda _: self.seen)
        self.workers = Workers(self.machine, self.bells, speed=SPEED)


@pytest.fixture
def running() -> Iterator[Running]:
    one = Running()
    one.workers.start()
    yield one
    one.workers.stop(5)
    one.cloud.close()


def has_run(function: Scripted, times: int = 1) -> bool:
    return len(function.events) >= times


def test_a_put_wakes_its_consumer(running: Running) -> None:
    time.sleep(0.05)
    put(running.seen, "a")
    eventually(lambda: has_run(running.consumer))


def test_jobs_and_messages_come_when_they_are_due(running: Running) -> None:
    running.seen.queue(Resource.WAKE).send(Delayed("later", 60))
    eventually(lambda: has_run(running.job, 2) and has_run(running.waker))
    assert running.clock.now() >= SATURDAY + timedelta(seconds=90)


def test_a_failing_consumer_stops_nobody_else(running: Running) -> None:
    def fail(*_: object) -> object:
        raise ValueError

    running.consumer.script = fail
    put(running.seen, "a")
    eventually(lambda: has_run(running.consumer, 2) and has_run(running.job))


def test_a_fast_clock_catches_up_and_never_goes_back() -> None:
    clock = FastClock(SATURDAY, speed=1.0)
    clock.catch_up(SATURDAY - timedelta(days=1))
    assert clock.now() >= SATURDAY
    clock.catch_up(SATURDAY + timedelta(days=1))
    assert clock.now() >= SATURDAY + timedelta(days=1)
