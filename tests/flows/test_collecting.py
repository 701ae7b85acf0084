"""The bundle's own readings come to its stream: each once, late ones too, and none is lost."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from infra.local.engine import LocalCloud
from infra.local.invocations import CloudOf
from infra.registry import registry
from tests.builders import utc
from tests.harness import Bundle, Json
from wedsync.cloud import PutFailure, PutFailures, Reading, Readings, Readout, Record, Stream
from wedsync.cloud.forwarding import ForwardingCloud
from wedsync.cloud.memory import memory_of
from wedsync.cloud.own import SERVICE, SETTLED_MINUTES, checks, counter, request, runs
from wedsync.errors import Throttled, Unavailable
from wedsync.flows.collecting import MOST_MINUTES, READ_AGAIN_MINUTES
from wedsync.flows.times import minute_of
from wedsync.isolation import UnitsFailed
from wedsync.resources import Resource
from wedsync.stores.frontiers import Frontier
from wedsync.tenancy import Role, Tenant

NOON = utc("2026-06-20T12:00")
MINUTE = minute_of(NOON)
COLLECTION = "schedules-collection"


@dataclass
class Planted:
    """What CloudWatch would tell, from which minute of the clock on."""

    bundle: Bundle | None = None
    known: list[tuple[int, Reading]] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    down: bool = False
    dead: bool = False
    """The stream takes nothing."""
    asked: list[tuple[int, int]] = field(default_factory=list)
    put: int = 0

    def tell(self, *readings: Reading, after_minutes: int = 1) -> None:
        """These, so long after the beginning of their minute."""
        self.known += [(each.minute + after_minutes, each) for each in readings]

    def read(self, first: int, last: int) -> Readout:
        assert self.bundle is not None
        self.asked.append((first, last))
        if self.down:
            raise Throttled
        now = minute_of(self.bundle.now)
        told = [each for since, each in self.known if since <= now and first <= each.minute <= last]
        return Readout(tuple(told), self.missing)


class MeasuredCloud(ForwardingCloud):
    """A cloud whose parts are measured as planted."""

    def __init__(self, cloud: LocalCloud, vitals: Planted, usage: Planted) -> None:
        super().__init__(cloud)
        self._planted = {Resource.VITALS: vitals, Resource.USAGE: usage}
        self._vitals = vitals

    def readings(self, resource: Resource) -> Readings:
        return self._planted[resource]

    def stream(self, resource: Resource) -> Stream:
        return CountingStream(super().stream(resource), self._vitals)


@dataclass(frozen=True)
class Context:
    """What is used of Lambda's context."""

    aws_request_id: str = "by-hand"


class CountingStream:
    def __init__(self, stream: Stream, planted: Planted) -> None:
        self._stream = stream
        self._planted = planted

    def put(self, records: Sequence[Record]) -> PutFailures:
        if self._planted.dead:
            return [PutFailure(at, "ProvisionedThroughputExceeded") for at in range(len(records))]
        self._planted.put += len(records)
        return self._stream.put(records)


@dataclass
class Measured:
    """A bundle, and what is measured of it."""

    bundle: Bundle
    cloud: "MeasuredCloud"
    vitals: Planted
    usage: Planted

    def counts(self, name: str, group_by: str, *, window: str = "1m") -> Mapping[str, int]:
        """How many observations of a metric were counted, by one dimension."""
        query = {"name": name, "timeRange": "6h", "window": window, "stat": "count"}
        answer = self.bundle.request(
            "GET", "/api/metrics/series", query={**query, "groupBy": group_by}
        )
        series = cast("list[dict[str, dict[str, str] | list[tuple[Json, int]]]]", answer["series"])
        return {
            cast("dict[str, str]", line["dims"])[group_by]: sum(
                count for _, count in cast("list[tuple[Json, int]]", line["points"])
            )
            for line in series
        }

    def once_the_hours_are_over(self, name: str, group_by: str) -> Mapping[str, int]:
        """The same of whole hours, in which late points count too."""
        past = self.bundle.now.replace(minute=0) + timedelta(minutes=70)
        self.bundle.advance_to(past)
        return self.counts(name, group_by, window="1h")

    def pass_minutes(self, minutes: int) -> None:
        self.bundle.advance(minutes * 60)

    def run(self, name: str) -> None:
        """Run a job once, as its clock does; what it puts lies on the stream."""
        job = next(each for each in registry() if each.declaration.name == name)
        event = {"time": self.bundle.now.isoformat()}
        with suppress(Unavailable, UnitsFailed):
            job.run(event, Context(), self.cloud, self.bundle.settings)

    def forget(self) -> None:
        """Lose what the process remembered."""
        memory_of(self.cloud).forget()


@pytest.fixture
def measured() -> Iterator[Measured]:
    vitals, usage = Planted(), Planted()

    seen: list[MeasuredCloud] = []

    def cloud_of(cloud: LocalCloud) -> CloudOf:
        seen.append(MeasuredCloud(cloud, vitals, usage))
        return lambda _: seen[0]

    with Bundle(at=NOON, accept_unsigned=False, cloud_of=cloud_of, functions=registry()) as bundle:
        vitals.bundle = usage.bundle = bundle
        yield Measured(bundle, seen[0], vitals, usage)


def answered(minute: int, status: int = 200, many: int = 10) -> Reading:
    return request("GET /api/weddings", status, minute, ((12.0, many - 1), (80.0, 1)))


def test_a_minute_is_told_once_it_has_settled_and_then_counts_as_requests_do(
    measured: Measured,
) -> None:
    measured.vitals.tell(answered(MINUTE), answered(MINUTE, 500, 2))
    measured.pass_minutes(SETTLED_MINUTES)
    assert measured.counts("api.request", "outcome") == {}
    measured.pass_minutes(1)
    assert measured.counts("api.request", "outcome") == {"ok": 10, "error": 2}
    assert measured.bundle.get("/api/metrics/ingest/rejections").items == []


def test_what_is_collected_again_is_counted_once(measured: Measured) -> None:
    measured.vitals.tell(answered(MINUTE), *checks("schedules-minute", MINUTE, well=3, failed=1))
    measured.bundle.clock.set(NOON + timedelta(minutes=4))
    for _ in range(3):
        measured.run(COLLECTION)
    assert measured.vitals.put == 1, "a process puts nothing twice"
    measured.forget()
    measured.run(COLLECTION)
    assert measured.vitals.put == 2, "one that begins anew does"
    measured.bundle.drain()
    assert measured.counts("api.request", "outcome") == {"ok": 10}
    assert measured.counts("health.check", "outcome") == {"failed": 1, "ok": 3}


def test_a_figure_that_comes_late_is_told_when_it_comes(measured: Measured) -> None:
    measured.vitals.tell(answered(MINUTE))
    measured.vitals.tell(answered(MINUTE, 500, 2), after_minutes=READ_AGAIN_MINUTES)
    measured.pass_minutes(5)
    assert measured.counts("api.request", "outcome") == {"ok": 10}
    measured.pass_minutes(READ_AGAIN_MINUTES)
    assert measured.once_the_hours_are_over("api.request", "outcome") == {"ok": 10, "error": 2}


@pytest.mark.parametrize("gap", [1, 50, 200])
def test_minutes_of_which_every_run_was_lost_are_told_by_a_later_one(
    measured: Measured, gap: int
) -> None:
    measured.pass_minutes(3)
    start = minute_of(measured.bundle.now)
    measured.vitals.tell(*(answered(start + at) for at in range(gap)))
    measured.bundle.clock.set(measured.bundle.now + timedelta(minutes=gap))
    measured.vitals.asked.clear()
    measured.pass_minutes(SETTLED_MINUTES + 1)
    _, newest = measured.vitals.asked[0]
    assert newest >= start + gap - SETTLED_MINUTES - 1, "what is newest comes first"
    assert measured.once_the_hours_are_over("api.request", "outcome") == {"ok": gap * 10}
    measured.vitals.asked.clear()
    measured.pass_minutes(1)
    (again,) = measured.vitals.asked
    assert again[1] - again[0] == READ_AGAIN_MINUTES, "and then only what may have come late"


def test_what_is_older_than_the_stream_takes_is_given_up_and_told(
    measured: Measured, caplog: pytest.LogCaptureFixture
) -> None:
    measured.pass_minutes(3)
    measured.bundle.clock.set(measured.bundle.now + timedelta(minutes=MOST_MINUTES + 60))
    measured.vitals.asked.clear()
    measured.run(COLLECTION)
    assert "is given up" in caplog.text
    first = min(first for first, _ in measured.vitals.asked)
    assert first == minute_of(measured.bundle.now) - SETTLED_MINUTES - MOST_MINUTES
    caplog.clear()
    measured.run(COLLECTION)
    assert "is given up" not in caplog.text


def test_while_nothing_can_be_read_nothing_is_lost_and_the_log_tells(
    measured: Measured, caplog: pytest.LogCaptureFixture
) -> None:
    measured.pass_minutes(3)
    measured.vitals.tell(*(answered(MINUTE + at) for at in range(40)))
    measured.vitals.down = True
    with caplog.at_level(logging.WARNING, "wedsync"):
        measured.pass_minutes(40)
    assert "vitals from 2026-06-20T" in caplog.text
    assert measured.counts("api.request", "outcome") == {}
    measured.vitals.down = False
    measured.pass_minutes(SETTLED_MINUTES + 1)
    assert measured.once_the_hours_are_over("api.request", "outcome") == {"ok": 400}


def test_while_the_stream_takes_nothing_nothing_is_lost(measured: Measured) -> None:
    measured.vitals.tell(answered(MINUTE))
    measured.vitals.dead = True
    measured.pass_minutes(6)
    measured.vitals.dead = False
    measured.pass_minutes(1)
    assert measured.counts("api.request", "outcome") == {"ok": 10}


def test_what_is_missing_holds_up_nothing_else_and_is_looked_for_until_it_is_there(
    measured: Measured, caplog: pytest.LogCaptureFixture
) -> None:
    measured.pass_minutes(3)
    frontier = measured.bundle.services.frontiers.get(Frontier.VITALS)
    measured.vitals.missing = ("health of the stream metrics",)
    measured.vitals.tell(answered(MINUTE + 1))
    measured.pass_minutes(3)
    (told,) = {tuple(vars(each)["missing"]) for each in caplog.records if "missing" in vars(each)}
    assert told == measured.vitals.missing
    assert measured.counts("api.request", "outcome") == {"ok": 10}
    assert measured.bundle.services.frontiers.get(Frontier.VITALS) == frontier
    measured.vitals.missing = ()
    measured.pass_minutes(1)
    assert (
        measured.bundle.services.frontiers.get(Frontier.VITALS)
        == minute_of(measured.bundle.now) - SETTLED_MINUTES
    )


def test_usage_is_told_by_part_every_five_minutes(measured: Measured) -> None:
    for minute in range(MINUTE, MINUTE + 5):
        measured.usage.tell(
            runs("alerts-read", failed=False, minute=minute, times=[(20.0, 3)]),
            runs("alerts-list", failed=True, minute=minute, times=[(20.0, 1)]),
            counter("table.units", minute, 7.5, table="alerts", operation="read"),
        )
    measured.pass_minutes(12)
    assert len(measured.usage.asked) == 3
    assert measured.counts("function.run", "function") == {"alerts-read": 15, "alerts-list": 5}
    assert measured.counts("table.units", "table") == {"alerts": 5}


def test_readings_are_the_operators_and_nobody_elses(measured: Measured) -> None:
    measured.vitals.tell(answered(MINUTE), *checks("schedules-minute", MINUTE, well=0, failed=5))
    measured.pass_minutes(5)
    other = measured.bundle.key(Role.ADMIN, tenant=Tenant("somebody-else"))
    asked = {"name": "api.request", "timeRange": "2h", "window": "1m", "stat": "count"}
    answer = measured.bundle.get("/api/metrics/series", key=other, **asked)
    assert answer["series"] == []
    assert measured.bundle.alerts(key=other) == []
    assert [each["type"] for each in measured.bundle.alerts()] == ["system_failure"]


def test_failing_runs_raise_an_alert_about_the_function_and_good_ones_end_it(
    measured: Measured,
) -> None:
    for minute in range(MINUTE, MINUTE + 20):
        failed = 4 if minute < MINUTE + 3 else 0
        measured.vitals.tell(*checks("schedules-minute", minute, well=5, failed=failed))
    # The run of a minute may be up to a minute late.
    measured.bundle.clock.set(NOON + timedelta(seconds=55))
    measured.pass_minutes(SETTLED_MINUTES)
    assert measured.bundle.alerts() == []
    measured.pass_minutes(1)
    (alert,) = measured.bundle.alerts()
    assert (alert["type"], alert["severity"], alert["state"]) == (
        "system_failure",
        "high",
        "firing",
    )
    assert "schedules-minute" in cast("str", alert["message"])
    measured.pass_minutes(15)
    (alert,) = measured.bundle.alerts()
    assert alert["state"] == "resolved"


@pytest.mark.parametrize(("apart", "raised"), [(1, 1), (2, 0)])
def test_one_failed_run_raises_none_unless_that_of_the_next_minute_fails_too(
    measured: Measured, apart: int, raised: int
) -> None:
    for minute in range(MINUTE, MINUTE + 10):
        failed = int(minute in {MINUTE + 3, MINUTE + 3 + apart})
        measured.vitals.tell(*checks("schedules-minute", minute, well=5, failed=failed))
    measured.pass_minutes(14)
    assert len(measured.bundle.alerts()) == raised


def test_requests_that_fail_raise_an_alert_about_the_service(measured: Measured) -> None:
    for minute in range(MINUTE, MINUTE + 6):
        measured.vitals.tell(answered(minute, 200, 800), answered(minute, 500, 200))
    measured.pass_minutes(8)
    found = {(each["type"], each["service"]) for each in measured.bundle.alerts()}
    assert ("performance_degradation", SERVICE) in found


def test_requests_that_are_only_told_late_have_not_stopped_and_those_that_stop_have(
    measured: Measured,
) -> None:
    for minute in range(MINUTE, MINUTE + 75):
        measured.vitals.tell(answered(minute, many=120), after_minutes=SETTLED_MINUTES + 2)
    measured.pass_minutes(75)
    assert measured.bundle.alerts() == []
    measured.pass_minutes(12)
    (alert,) = measured.bundle.alerts()
    assert (alert["service"], alert["severity"]) == (SERVICE, "critical")


def test_while_nothing_can_be_collected_requests_have_not_stopped(measured: Measured) -> None:
    for minute in range(MINUTE, MINUTE + 110):
        measured.vitals.tell(answered(minute, many=120))
    measured.pass_minutes(75)
    measured.vitals.down = True
    measured.pass_minutes(30)
    assert measured.bundle.alerts() == []
