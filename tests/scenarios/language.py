"""A language for days: what happens at which time of day, and who is to hear of it.

saturday = Day("2026-06-20", weddings={"w1": a_wedding_request()})
saturday.at("14:05").push(photo_failures("w1", rate=2.0))
saturday.expects(between("14:05", "14:06"), page(tier=0, to="on_call_engineer"))

Times are the day's wall time at its zone; a full date leads to other days. Time only moves on:
``at`` moves it, and an expectation plays the day up to the end of its stretch.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self, cast

from tests.builders import at_venue
from tests.harness import Answer, Bundle, Json, Notification, Point, quiet_registry
from wedsync.cloud import Cloud
from wedsync.resources import Resource
from wedsync.runtime.declarations import AuthorizerTrigger, Function, HttpTrigger, LambdaContext
from wedsync.settings import Settings

MADRID = "Europe/Madrid"


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one time to another, both included."""

    first: str
    last: str


def between(first: str, last: str) -> Stretch:
    """From ``first`` to ``last``, both included."""
    return Stretch(first, last)


def at(time: str) -> Stretch:
    """This very instant."""
    return Stretch(time, time)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Expected:
    """What somebody is to hear. What is left open fits everything."""

    kind: str
    to: str
    tier: int | None = None
    severity: str | None = None
    about: str | None = None


def page(*, tier: int, to: str, about: str | None = None) -> Expected:
    """Somebody is called, by the ladder."""
    return Expected(kind="page", to=to, tier=tier, about=about)


def reminder(*, to: str) -> Expected:
    """Nothing was heard since the acknowledgement."""
    return Expected(kind="reminder", to=to)


def resolved(*, to: str, about: str | None = None, tier: int | None = None) -> Expected:
    """It is over."""
    return Expected(kind="resolved", to=to, about=about, tier=tier)


def notice(*, severity: str, to: str = "on_call_engineer", about: str | None = None) -> Expected:
    """Said once, without a ladder."""
    return Expected(kind="notice", to=to, severity=severity, about=about)


def pages(tier: int, *roles: str) -> tuple[Expected, ...]:
    """One page to each of these."""
    return tuple(page(tier=tier, to=role) for role in roles)


WIDE = (
    ("on_call_engineer", "platform_lead"),
    ("cto", "emergency_contacts"),
    ("all_hands",),
)
"""The wedding day's tiers."""
NARROW = (("on_call_engineer",), ("team_lead",), ("platform_lead",))
"""The tiers of any other day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a device tells. ``times``: of how many equal observations it tells."""

    name: str
    kind: str
    value: float = 1.0
    wedding: str | None = None
    dims: Mapping[str, str] = field(default_factory=dict)
    vendor: str | None = None
    times: int = 1
    ago: timedelta = timedelta()


Told = tuple[Said, ...]


def photos(wedding: str, *, completed: int = 0, failed: int = 0, started: int = 0) -> Told:
    """Uploads that ended, or began."""
    outcomes = {"completed": completed, "failed": failed, "started": started}
    return tuple(
        Said(
            name="photo.upload",
            kind="timer",
            value=900.0,
            wedding=wedding,
            dims={"outcome": outcome},
            times=times,
        )
        for outcome, times in outcomes.items()
        if times
    )


def photo_failures(wedding: str, *, rate: float, of: int = 200) -> Told:
    """Uploads of which ``rate`` % fail."""
    failed = round(rate * of / 100)
    assert abs(failed * 100 / of - rate) < 1e-9, f"{rate} % of {of} uploads is no whole number"
    return photos(wedding, completed=of - failed, failed=failed)


def supplied_failure_rate(wedding: str, percent: float) -> Told:
    """A failure rate that the device worked out itself."""
    return (Said(name="photo.upload.failure_rate", kind="gauge", value=percent, wedding=wedding),)


def requests(
    *,
    wedding: str | None = None,
    ms: float = 120.0,
    number: int = 1,
    status: int = 200,
    service: str = "gallery",
    vendor: str | None = None,
) -> Told:
    """Requests that were answered."""
    dims = {"service": service, "route": "/photos", "status": str(status)}
    return (
        Said(
            name="api.request",
            kind="timer",
            value=ms,
            wedding=wedding,
            dims=dims,
            times=number,
            vendor=vendor,
        ),
    )


def response_time(wedding: str, ms: float) -> Told:
    """The response time, as a wedding tells it that sends no requests."""
    dims = {"service": "gallery"}
    return (Said(name="system.response_time", kind="gauge", value=ms, wedding=wedding, dims=dims),)


def health_check(
    component: str, outcome: str, *, wedding: str | None = None, times: int = 1
) -> Told:
    """Looks at one component."""
    dims = {"component": component, "outcome": outcome}
    return (Said(name="health.check", kind="event", wedding=wedding, dims=dims, times=times),)


def cpu(host: str, percent: float) -> Told:
    """How busy a host is."""
    return (Said(name="host.cpu", kind="gauge", value=percent, dims={"host": host}),)


def connections(service: str, number: float) -> Told:
    """How many connections a service holds."""
    return (Said(name="api.connections", kind="gauge", value=number, dims={"service": service}),)


def heartbeat(wedding: str, vendor: str) -> Told:
    """A vendor's device is there."""
    return (Said(name="vendor.heartbeat", kind="event", wedding=wedding, vendor=vendor),)


def guest_acts(wedding: str, *guests: str) -> Told:
    """Guests do something."""
    return tuple(
        Said(
            name="guest.activity",
            kind="event",
            wedding=wedding,
            dims={"guestId": guest, "action": "rsvp"},
        )
        for guest in guests
    )


def backup(wedding: str, outcome: str) -> Told:
    """A backup was tried."""
    return (Said(name="backup.run", kind="event", wedding=wedding, dims={"outcome": outcome}),)


def ago(told: Told, **since: float) -> Told:
    """The same, told late: ``ago(photos("w1", completed=1), minutes=10)``."""
    return tuple(replace(each, ago=timedelta(**since)) for each in told)


class Twice:
    """A function to which every event is delivered twice."""

    def __init__(self, function: Function) -> None:
        self.declaration = function.declaration
        self._function = function

    def __call__(self, event: object, context: LambdaContext) -> object:
        self._function(event, context)
        return self._function(event, context)

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        self._function.run(event, context, cloud, settings)
        return self._function.run(event, context, cloud, settings)


def every_trigger_twice() -> tuple[Function, ...]:
    """All functions; every batch, message and tick is delivered twice."""
    return tuple(
        function
        if isinstance(function.declaration.trigger, HttpTrigger | AuthorizerTrigger)
        else Twice(function)
        for function in quiet_registry()
    )


class Day:
    """One tenant's day, on a clock that only its story moves."""

    def __init__(
        self,
        date: str,
        *,
        starts: str = "14:00",
        zone: str = MADRID,
        weddings: Mapping[str, Mapping[str, object]] | None = None,
        twice: bool = False,
        accept_unsigned: bool = True,
        shards: int = 2,
    ) -> None:
        self._date = date
        self._zone = zone
        self.bundle = Bundle(
            at=self.instant(starts),
            accept_unsigned=accept_unsigned,
            shards=shards,
            functions=every_trigger_twice() if twice else None,
        )
        self._ids: dict[str, str] = {}
        self._events = itertools.count(1)
        for name, request in (weddings or {}).items():
            self.register(name, request)

    def instant(self, time: str) -> datetime:
        """A time of the day, ``14:05`` or ``14:05:30``; with a date, of another day."""
        text = time if "T" in time else f"{self._date}T{time}"
        return at_venue(self._zone, text).astimezone(UTC)

    def register(self, name: str, request: Mapping[str, object]) -> None:
        """Register a wedding, which the story calls ``name``."""
        self._ids[name] = self.bundle.register(request)

    def call(self, name: str, wedding_id: str) -> None:
        """Call a wedding ``name`` whose id was made elsewhere."""
        self._ids[name] = wedding_id

    def wedding_id(self, name: str) -> str:
        """The id of the wedding that the story calls ``name``."""
        return self._ids[name]

    def at(self, time: str) -> Self:
        """Play the day up to this time."""
        instant = self.instant(time)
        assert instant >= self.bundle.now, f"{time} is over"
        self.bundle.advance_to(instant)
        return self

    def doze(self, until: str) -> Self:
        """Go to that time by the hour: what runs more often runs once an hour."""
        end = self.instant(until)
        while self.bundle.now < end:
            self.bundle.clock.set(min(end, self.bundle.now + timedelta(hours=1)))
            self.bundle.machine.run_due()
        return self

    def every(self, *, seconds: float, until: str) -> Iterator[int]:
        """Be there every so many seconds from now until then, counting the times."""
        end = self.instant(until)
        for count in itertools.count():
            yield count
            if self.bundle.now + timedelta(seconds=seconds) > end:
                return
            self.bundle.advance(seconds)

    def points(self, *told: Told) -> list[Point]:
        """What is told, as it goes over the wire now."""
        return [self._point(said) for each in told for said in each]

    def push(self, *told: Told) -> Self:
        """Put it all on the stream as one record, and let everybody do what is due now."""
        return self.deliver(self.points(*told))

    def deliver(self, points: Sequence[Point], *, partition_key: str | None = None) -> Self:
        """Put these points on the stream as one record; the same points again are copies."""
        self.bundle.put(*points, partition_key=partition_key)
        self.bundle.drain()
        return self

    def _point(self, said: Said) -> Point:
        point: Point = {
            "name": said.name,
            "kind": said.kind,
            "ts": round((self.bundle.now - said.ago).timestamp() * 1000),
            "value": said.value,
            "eventId": f"event-{next(self._events)}",
            "dims": dict(said.dims),
            "count": said.times,
        }
        if said.wedding is not None:
            point["weddingId"] = self._ids[said.wedding]
        if said.vendor is not None:
            point["vendorId"] = said.vendor
        return point

    def expects(self, stretch: Stretch, *expected: Expected) -> Self:
        """Each of these is heard exactly once in the stretch."""
        heard = self.heard(stretch)
        for each in expected:
            fitting = [one for one in heard if self._fits(one, each)]
            assert len(fitting) == 1, (each, [(one.at, one.dedup_key) for one in heard])
        return self

    def expects_only(self, stretch: Stretch, *expected: Expected) -> Self:
        """Each of these is heard exactly once in the stretch, and nothing else."""
        self.expects(stretch, *expected)
        heard = [(str(one.at), one.dedup_key) for one in self.heard(stretch)]
        assert len(heard) == len(expected), heard
        return self

    def expects_silence(self, stretch: Stretch) -> Self:
        """Nobody hears anything in the stretch."""
        return self.expects_only(stretch)

    def heard(self, stretch: Stretch) -> tuple[Notification, ...]:
        """What roles are told in the stretch; no message is ever repeated."""
        first, last = self.instant(stretch.first), self.instant(stretch.last)
        if self.bundle.now < last:
            self.bundle.advance_to(last)
        every = self.bundle.notifications()
        keys = [one.dedup_key for one in every]
        assert len(keys) == len(set(keys)), f"somebody heard the same twice: {sorted(keys)}"
        called = (one for one in every if one.topic is not Resource.DIRECT)
        return tuple(one for one in called if first <= one.at <= last)

    def _fits(self, heard: Notification, expected: Expected) -> bool:
        wedding_id = None if expected.about is None else self._ids[expected.about]
        return (
            heard.kind == expected.kind
            and heard.role == expected.to
            and expected.tier in (None, heard.tier)
            and expected.severity in (None, heard.severity)
            and wedding_id in (None, heard.wedding_id)
        )

    @property
    def alerts(self) -> list[dict[str, Json]]:
        """Every alert, newest first."""
        return self.bundle.alerts()

    @property
    def alert(self) -> dict[str, Json]:
        """The only alert there is."""
        (found,) = self.alerts
        return found

    @property
    def incident(self) -> dict[str, Json]:
        """The only incident that is active."""
        (found,) = self.bundle.active_incidents()
        return found

    def acknowledge_alert(self) -> Answer:
        """Somebody takes the only alert."""
        return self.bundle.post(f"/api/metrics/alerts/{self.alert['alertId']}/acknowledge")

    def report(self, severity: str = "critical", **members: object) -> str:
        """Somebody reports an incident; its id."""
        answer = self.bundle.post(
            "/api/monitoring/incidents",
            {"title": "Check-in is down", "severity": severity, **members},
        )
        assert answer.status == 200, answer
        assert answer.members.keys() == {"incidentId", "severity", "escalationTriggered"}
        self.bundle.drain()
        return str(answer["incidentId"])

    def tell(self, incident_id: str, what: str) -> Answer:
        """``acknowledge``, ``escalate`` or ``resolve`` an incident."""
        return self.bundle.post(f"/api/monitoring/incidents/{incident_id}/{what}")

    def page_of(self, wedding: str) -> Answer:
        """A wedding's live page."""
        answer = self.bundle.get(f"/api/metrics/wedding/{self._ids[wedding]}")
        assert answer.status == 200, answer
        return answer

    @property
    def snapshot(self) -> Answer:
        """The tenant's live snapshot."""
        answer = self.bundle.get("/api/metrics/real-time")
        assert answer.status == 200, answer
        return answer

    def buckets(
        self,
        name: str,
        *,
        window: str,
        stat: str = "count",
        wedding: str | None = None,
        time_range: str = "2h",
    ) -> dict[str, float]:
        """One metric over time, by the wall time at which each bucket begins."""
        query = {"name": name, "stat": stat, "window": window, "timeRange": time_range}
        if wedding is not None:
            query["weddingId"] = self._ids[wedding]
        answer = self.bundle.request("GET", "/api/metrics/series", query=query)
        assert answer.status == 200, answer
        zero = self.instant("00:00").astimezone(UTC)
        found: dict[str, float] = {}
        for line in cast("list[Mapping[str, list[tuple[int, float]]]]", answer["series"]):
            for ms, value in line["points"]:
                since = datetime.fromtimestamp(ms / 1000, UTC) - zero
                found[clock(since)] = value
        return found


def clock(since_midnight: timedelta) -> str:
    """``14:05``, or ``14:05:30`` where there are seconds."""
    minutes, seconds = divmod(round(since_midnight.total_seconds()), 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text
