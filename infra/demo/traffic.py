"""What a wedding's devices send in a day, second by second: the same seed, the same bytes.

Guests take pictures by the day's rhythm, vendors' devices report that they are there, the
services that carry it all tell of their requests. Far from its day a wedding is quiet: its
couple and its planner look at lists.
"""

import heapq
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from infra.demo.imagined import ImaginedWedding
from wedsync.metrics.point import Kind, Point

FAILING_SHARE = 0.4
_USUAL_FAILING_SHARE = 0.0005
_SERVER_ERROR_SHARE = 0.0005
_HEARTBEAT_SECONDS = 60
_CHECK_SECONDS = 20
_BACKUP_SECONDS = 600
_COMPONENTS = ("database", "gallery", "messaging")
_ROUTES = (
    ("gallery", "GET /photos", 80.0),
    ("guests", "GET /guest-list", 60.0),
    ("timeline", "GET /timeline", 45.0),
    ("rsvp", "POST /rsvp", 110.0),
)
_GUEST_ACTIONS = ("photo_view", "message", "check_in", "rsvp", "seating")
_DAY_OUT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How much happens, per guest and minute (``photos``, ``looks``)."""

    photos: float
    looks: float


_QUIET = Rhythm(0.0, 0.002)
_RHYTHMS = (
    # from so many minutes before or after the ceremony begins
    (-720, Rhythm(0.003, 0.02)),  # getting ready
    (-60, Rhythm(0.03, 0.08)),  # guests arrive
    (0, Rhythm(0.25, 0.05)),  # ceremony
    (45, Rhythm(0.18, 0.10)),  # drinks and pictures
    (120, Rhythm(0.08, 0.06)),  # dinner
    (270, Rhythm(0.14, 0.08)),  # party
    (510, Rhythm(0.02, 0.02)),  # the last to leave
    (630, _QUIET),
)


def rhythm(wedding: ImaginedWedding, at: datetime) -> Rhythm:
    """How much happens at this wedding at this instant."""
    minutes = (at - wedding.ceremony_at).total_seconds() / 60
    found = _QUIET
    for begins, each in _RHYTHMS:
        if minutes >= begins:
            found = each
    return found


@dataclass(slots=True)
class Traffic:
    """One wedding's points in the order of their times, from ``start`` on.

    However the time is cut into calls of ``until``, the points are the same. With
    ``failing_from``, uploads that end from then on fail ``FAILING_SHARE`` of the time, and
    nothing else changes.
    """

    wedding: ImaginedWedding
    wedding_id: str
    seed: int
    start: datetime
    failing_from: datetime | None = None
    _random: Random = field(init=False)
    _second: int = field(init=False)
    _begun: int = field(init=False)
    _sent: int = field(init=False, default=0)
    _pending: list[tuple[int, int, Point]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/{self.wedding.couple_name}")  # noqa: S311 - repeatable
        self._begun = self._second = int(self.start.timestamp())

    def until(self, end: datetime) -> list[Point]:
        """What is sent before ``end``, in whole seconds, and was not asked for before."""
        last = int(end.timestamp())
        while self._second < last:
            self._play(self._second)
            self._second += 1
        due = []
        while self._pending and self._pending[0][0] < last * 1000:
            due.append(heapq.heappop(self._pending)[2])
        return due

    def _play(self, second: int) -> None:
        at = datetime.fromtimestamp(second, UTC)
        now = rhythm(self.wedding, at)
        guests = self.wedding.guest_count
        for _ in range(_poisson(self._random, now.photos * guests / 60)):
            self._upload(self._ms_in(second))
        for _ in range(_poisson(self._random, now.looks * guests / 60)):
            self._look(self._ms_in(second))
        for _ in range(_poisson(self._random, now.looks * guests / 20)):
            self._request(self._ms_in(second))
        self._vendors(second, busy=abs(at - self.wedding.ceremony_at) < _DAY_OUT)
        self._platform(second)

    def _upload(self, ms: int) -> None:
        took_ms = self._lognormal(900, 0.45)
        photographer = self.wedding.vendors[0].vendor_id
        failing = self.failing_from is not None and ms + took_ms >= _ms(self.failing_from)
        share = FAILING_SHARE if failing else _USUAL_FAILING_SHARE
        outcome = "failed" if self._random.random() < share else "completed"
        self._send(ms, "photo.upload", Kind.TIMER, 0.0, outcome="started", vendor=photographer)
        self._send(
            ms + round(took_ms),
            "photo.upload",
            Kind.TIMER,
            took_ms,
            outcome=outcome,
            vendor=photographer,
        )

    def _look(self, ms: int) -> None:
        guest = f"guest-{self._random.randrange(self.wedding.guest_count):03}"
        action = self._random.choice(_GUEST_ACTIONS)
        self._send(ms, "guest.activity", Kind.EVENT, 1.0, guest=guest, action=action)
        if action == "seating":
            self._send(
                ms, "guest_list.load", Kind.TIMER, self._lognormal(180, 0.4), outcome="completed"
            )

    def _request(self, ms: int) -> None:
        service, route, usual_ms = self._random.choice(_ROUTES)
        status = "500" if self._random.random() < _SERVER_ERROR_SHARE else "200"
        self._send(
            ms,
            "api.request",
            Kind.TIMER,
            self._lognormal(usual_ms, 0.5),
            service=service,
            route=route,
            status=status,
        )

    def _vendors(self, second: int, *, busy: bool) -> None:
        for place, each in enumerate(self.wedding.vendors):
            if not busy:
                continue
            if (second + 7 * place) % _HEARTBEAT_SECONDS == 0 or second == self._begun:
                ms = self._ms_in(second)
                self._send(ms, "vendor.heartbeat", Kind.EVENT, 1.0, vendor=each.vendor_id)
            if self._random.random() < 1 / 240:
                ms = self._ms_in(second)
                self._send(ms, "vendor.activity", Kind.EVENT, 1.0, vendor=each.vendor_id)
                self._send(
                    ms,
                    "notification.delivery",
                    Kind.TIMER,
                    self._lognormal(250, 0.4),
                    outcome="delivered",
                )
        if busy and self._random.random() < 1 / 15:
            ms = self._ms_in(second)
            took_ms = self._lognormal(35, 0.35)
            self._send(ms, "timeline.sync", Kind.TIMER, took_ms, outcome="completed")

    def _platform(self, second: int) -> None:
        for place, component in enumerate(_COMPONENTS):
            if (second + 5 * place) % _CHECK_SECONDS == 0:
                self._send(
                    second * 1000,
                    "health.check",
                    Kind.EVENT,
                    1.0,
                    component=component,
                    outcome="ok",
                )
        if second % _BACKUP_SECONDS == 0 or second == self._begun:
            self._send(second * 1000, "backup.run", Kind.EVENT, 1.0, outcome="success")

    def _send(
        self,
        ms: int,
        name: str,
        kind: Kind,
        value: float,
        *,
        vendor: str | None = None,
        guest: str | None = None,
        **dims: str,
    ) -> None:
        self._sent += 1
        point = Point(
            name=name,
            kind=kind,
            ts_ms=ms,
            values=(round(value, 1),),
            wedding_id=self.wedding_id,
            vendor_id=vendor,
            guest_id=guest,
            dims=tuple(sorted(dims.items())),
            event_id=f"{self.seed}-{self.wedding_id}-{self._sent}",
        )
        heapq.heappush(self._pending, (ms, self._sent, point))

    def _ms_in(self, second: int) -> int:
        return second * 1000 + self._random.randrange(1000)

    def _lognormal(self, median: float, spread: float) -> float:
        return self._random.lognormvariate(math.log(median), spread)


def members(point: Point) -> Mapping[str, object]:
    """The point in the envelope, as a device would write it: without what goes without saying."""
    said: dict[str, object] = {
        "eventId": point.event_id,
        "name": point.name,
        "kind": point.kind.value,
        "ts": point.ts_ms,
        "value": point.values[0],
        "weddingId": point.wedding_id,
        "vendorId": point.vendor_id,
        "guestId": point.guest_id,
        "dims": dict(point.dims) or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def lines(traffic: Traffic, *, minutes: int) -> Iterator[bytes]:
    """So many minutes of it as JSON, one point a line."""
    for point in traffic.until(traffic.start + timedelta(minutes=minutes)):
        yield json.dumps(members(point), separators=(",", ":")).encode() + b"\n"


def _poisson(random: Random, expected: float) -> int:
    """How often something happens that happens so often on average (Knuth's product method)."""
    bound, product, count = math.exp(-expected), random.random(), 0
    while product > bound:
        product *= random.random()
        count += 1
    return count


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
