"""A small world of one seed: tenants, weddings, devices, and what these will send."""

import gzip
import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import zstandard

from infra.local.first_start import MadeKey, make_key
from tests.domain.metrics.test_kpl import aggregate
from tests.harness import Bundle, Point
from tests.simulation.faults import Fault
from tests.simulation.forms import in_other_form, own_frame_id
from tests.simulation.reference import Entry, Meaning
from wedsync.metrics.signature import sign
from wedsync.tenancy import Role, Tenant

STARTS = (
    "2026-06-20T13:52",  # a Saturday in the season
    "2026-06-19T22:10",  # Friday by UTC, Saturday in the far east
    "2026-06-21T04:20",  # Sunday by UTC, Saturday on the American west coast
    "2026-03-28T23:55",  # the night in which Europe's clocks go forward
    "2026-11-01T05:54",  # the night in which America's go back
    "2028-02-29T11:30",  # a leap day
    "2026-10-03T15:56",  # the hour in which Sydney's clocks go forward
    "2026-12-31T23:54",  # a year ends
)
ZONES = (
    "Europe/Madrid",
    "America/New_York",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "UTC",
)
SKEWS_SECONDS = (*[0] * 8, 40, -90, 600, -600)
BEATS_SECONDS = (0.001, 5.0, 10.0)
"""What producers' sendings fall on: on the same instant they make batches of many records."""


def canary(tenant: Tenant) -> str:
    """A word that stands in what a tenant sends and registers, and must meet nobody else."""
    return f"canary-{tenant.id.rpartition('-')[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWedding:
    """A wedding that some tenant will register; ``slot`` is its name in the plan."""

    slot: int
    tenant: Tenant
    request: dict[str, object]
    registered_after: float


@dataclass(slots=True, kw_only=True)
class Device:
    """What sends: signed, unsigned or over HTTP; its clock may be wrong."""

    number: int
    tenant: Tenant
    key: MadeKey | None
    over_http: bool
    skew: timedelta
    batches: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record on its way to the stream. ``burst``: the wedding whose uploads fail in it."""

    partition_key: str
    data: bytes
    meaning: Meaning
    burst: str | None = None
    batch_id: str | None = None

    @property
    def keeps_its_identity(self) -> bool:
        """Whether all of it is the same wherever it lies."""
        entries = self.meaning.entries
        whole = self.meaning.flaw is None and bool(entries)
        return whole and all(each.identity and each.flaw is None for each in entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpBatch:
    """Points on their way over HTTP."""

    device: Device
    body: str
    entries: tuple[Entry, ...]
    burst: str | None = None


@dataclass(slots=True)
class World:
    """Everything that the seed decides about who there is."""

    rng: random.Random
    start: datetime
    tenants: tuple[Tenant, ...]
    weddings: list[PlannedWedding]
    accept_unsigned: bool
    minutes: int
    beat_seconds: float = 0.001
    injected: Counter[str] = field(default_factory=Counter)
    """What was wrong about the points themselves."""
    devices: list[Device] = field(default_factory=list)
    known: dict[int, str] = field(default_factory=dict)
    """Wedding ids by slot, as they are registered."""

    @classmethod
    def drawn(cls, rng: random.Random) -> "World":
        """Draw one."""
        start = datetime.fromisoformat(rng.choice(STARTS)).replace(tzinfo=UTC)
        start += timedelta(seconds=rng.randrange(60))
        tenants = tuple(Tenant(name) for name in ("ten-a", "ten-b", "ten-c")[: rng.choice((2, 3))])
        minutes = rng.choice((1, 1, 2, 2, 3, 4))
        weddings = [
            PlannedWedding(
                slot=slot,
                request=_request(rng, start, slot, owner := rng.choice(tenants)),
                tenant=owner,
                registered_after=0 if rng.random() < 0.85 else rng.uniform(30, minutes * 50),
            )
            for slot in range(rng.choice((1, 1, 2, 3)))
        ]
        return cls(
            rng, start, tenants, weddings, rng.random() < 0.5, minutes, rng.choice(BEATS_SECONDS)
        )

    def equip(self, bundle: Bundle) -> None:
        """Make the devices and their keys."""
        for number in range(self.rng.choice((2, 2, 3, 4))):
            tenant = self.rng.choice(self.tenants)
            style = self.rng.choice(("signed", "signed", "http", "unsigned"))
            if style == "unsigned":
                tenant = bundle.tenant
            self.devices.append(
                Device(
                    number=number,
                    tenant=tenant,
                    key=None
                    if style == "unsigned"
                    else make_key(bundle.cloud, tenant=tenant, role=Role.DEVICE, vendor_id=None),
                    over_http=style == "http",
                    skew=timedelta(seconds=self.rng.choice(SKEWS_SECONDS)),
                )
            )

    def of(self, tenant: Tenant) -> list[PlannedWedding]:
        """The weddings of a tenant."""
        return [each for each in self.weddings if each.tenant == tenant]

    def batch(self, device: Device, now: datetime) -> Record | HttpBatch:
        """What a device sends now: mostly good points, some late, some wrong."""
        device.batches += 1
        rng = self.rng
        weddings = [self.known[each.slot] for each in self.of(device.tenant) if self.ready(each)]
        wedding_id = rng.choice(weddings) if weddings and rng.random() < 0.9 else None
        if wedding_id is None and rng.random() < 0.3:
            wedding_id = "wed_nobody_registered_this"
        clock = now + device.skew
        if abs(device.skew) >= timedelta(minutes=10):
            ahead = device.skew > timedelta(0)
            self.injected[Fault.CLOCK_AHEAD if ahead else Fault.CLOCK_BEHIND] += 1
        fails = wedding_id is not None and rng.random() < 0.4
        points: list[tuple[Point, str | None]] = []
        with_ids = device.over_http or rng.random() < 0.7
        points += [
            self._point(device, clock, wedding_id, place, with_ids=with_ids)
            for place in range(rng.choice((1, 2, 5, 12)))
        ]
        if fails:
            points += [
                (self._upload(device, clock, wedding_id, 100 + place, with_ids=with_ids), None)
                for place in range(12)
            ]
        burst = wedding_id if fails and device.skew == timedelta(0) else None
        return self._packed(device, points, burst, now)

    def ready(self, wedding: PlannedWedding) -> bool:
        """Whether its id is known."""
        return wedding.slot in self.known

    def poison(self, device: Device, now: datetime) -> Record:
        """A record that nobody can read, in one of the ways."""
        rng = self.rng
        tenant = self.tenants[0].id
        secret = (device.key.signing_secret if device.key else None) or "00"
        key_id = device.key.key_id if device.key else "key_nobody"
        body = json.dumps(_plain("health.check", now)).encode()
        at_unix = int(now.timestamp())
        device.batches += 1
        batch_id = f"poison-{device.number}-{device.batches}"

        def signed(body: bytes, with_secret: str = secret) -> bytes:
            return sign(
                body,
                secret=with_secret.encode(),
                key_id=key_id,
                at_unix=at_unix,
                batch_id=batch_id,
            )

        kinds: dict[str, tuple[bytes, str]] = {
            "wrong signature": (signed(body, "another secret"), "wrong-signature"),
            "malformed line": (b"WSYNC1 half a line\n" + body, "malformed-signature"),
            "endless line": (b"WSYNC1 " + b"x" * 4000, "malformed-signature"),
        }
        own: dict[str, tuple[bytes, str]] = {}
        if device.key is not None:
            own = {
                "broken gzip": (signed(gzip.compress(body, mtime=0)[:-9]), "broken-compression"),
                "gzip bomb": (signed(_BOMB), "inflation-ratio"),
                "large": (signed(_LARGE), "too-large"),
            }
        if not self.accept_unsigned:
            kinds["unsigned"] = (body, "unsigned")
        else:
            kinds["plain bomb"] = (_BOMB, "inflation-ratio")
        kind = rng.choice(sorted({**kinds, **own}))
        data, flaw = {**kinds, **own}[kind]
        tenant = device.tenant.id if kind in own else tenant
        self.injected[Fault.RECORD_POISONED] += 1
        self.injected[f"{Fault.RECORD_POISONED}: {kind}"] += 1
        return Record(
            partition_key=rng.choice("abcdef"), data=data, meaning=Meaning(tenant=tenant, flaw=flaw)
        )

    def bad_body(self, device: Device) -> Record | None:
        """A record of a proved sender whose body as a whole is no points."""
        if device.key is None or device.over_http:
            return None
        assert device.key.signing_secret is not None
        device.batches += 1
        kind = self.rng.choice(sorted(_BAD_BODIES))
        body = _BAD_BODIES[kind]
        self.injected[Fault.RECORD_POISONED] += 1
        self.injected[f"{Fault.RECORD_POISONED}: {kind}"] += 1
        data = sign(
            body,
            secret=device.key.signing_secret.encode(),
            key_id=device.key.key_id,
            at_unix=1,
            batch_id=f"bad-{device.number}-{device.batches}",
        )
        return Record(
            partition_key=self.rng.choice("abcdef"),
            data=data,
            meaning=Meaning(tenant=device.tenant.id, flaw=""),
        )

    def _point(
        self, device: Device, clock: datetime, wedding_id: str | None, place: int, *, with_ids: bool
    ) -> tuple[Point, str | None]:
        """A point, and the reason for which it will be refused, if it is known by its content."""
        rng = self.rng
        name, kind, dims = rng.choice(_METRICS)
        at = clock - timedelta(seconds=rng.choice((0, 0, 0, 1, 7, 45)))
        odd = rng.random()
        flaw = None
        if odd < 0.02:
            at = clock - timedelta(minutes=10)
        elif odd < 0.04:
            at = clock - timedelta(minutes=30)
        elif odd < 0.06:
            at = clock - timedelta(hours=25)
            self.injected[Fault.POINT_TOO_LATE] += 1
        elif odd < 0.08:
            at = clock + timedelta(minutes=rng.choice((16, 30)))
            self.injected[Fault.POINT_AHEAD] += 1
        point: Point = {
            "name": name,
            "kind": kind,
            "ts": round(at.timestamp() * 1000),
            "dims": {
                key: rng.choice(values) + (f" {canary(device.tenant)}" if key in _OWN_DIMS else "")
                for key, values in dims.items()
            },
        }
        if rng.random() < 0.1:
            point["values"] = [rng.randrange(1, 4000) / 4 for _ in range(3)]
            point["count"] = rng.choice((1, 5))
        else:
            most = 4 if kind == "event" else 370 if kind == "gauge" else 4000
            point["value"] = rng.randrange(1, most) / 4
        if wedding_id is not None:
            point["weddingId"] = wedding_id
        if with_ids:
            point["eventId"] = f"{device.number}.{device.batches}.{place}"
        if 0.08 <= odd < 0.11:
            flaw = self._spoil(device, point)
        return point, flaw

    def _spoil(self, device: Device, point: Point) -> str:
        how = self.rng.choice(
            ("tenant", "kind", "value", "ts", "name", "not a number", "key twice")
        )
        self.injected[Fault.POINT_POISONED] += 1
        self.injected[f"{Fault.POINT_POISONED}: {how}"] += 1
        if how == "tenant":
            others = [each for each in self.tenants if each != device.tenant]
            point["tenantId"] = self.rng.choice(others).id
            return "other-tenant"
        if how == "kind":
            point["kind"] = "thermometer"
        elif how == "value":
            point.pop("values", None)
            point["value"] = self.rng.choice(("much", [1], {}, True, 1e300))
        elif how == "not a number":
            point.pop("values", None)
            point["value"] = float(self.rng.choice(("nan", "inf")))
        elif how == "key twice":
            point[_TWICE] = point["name"]
        elif how == "ts":
            point["ts"] = self.rng.choice(("yesterday", None, -5, 1e40))
        else:
            point["name"] = self.rng.choice(("", "a b", 7))
        return ""

    def _upload(
        self, device: Device, clock: datetime, wedding_id: str | None, place: int, *, with_ids: bool
    ) -> Point:
        point = _plain("photo.upload", clock, kind="timer", outcome="failed")
        point["weddingId"] = wedding_id
        if with_ids:
            point["eventId"] = f"{device.number}.{device.batches}.{place}"
        return point

    def _packed(
        self,
        device: Device,
        points: list[tuple[Point, str | None]],
        burst: str | None,
        now: datetime,
    ) -> Record | HttpBatch:
        rng = self.rng
        batch_id = f"b{device.number}.{device.batches}"
        entries = tuple(
            _entry(index, point, flaw, device, batch_id)
            for index, (point, flaw) in enumerate(points)
        )
        bare = [point for point, _ in points]
        if device.over_http:
            return HttpBatch(device=device, body=_text(bare), entries=entries, burst=burst)
        body = _text(bare).encode()
        if rng.random() < 0.15:
            body = "\n".join(map(_text, bare)).encode() if len(bare) > 1 else body
        if all(flaw is None for _, flaw in points):
            # Frames name points within one record by their first value, as rows do by their place.
            body = in_other_form(bare, random.Random(f"form of {batch_id}")) or body
            frame_id = own_frame_id(body)
            if frame_id is not None:  # by it the frame is found wherever it is put again
                entries = tuple(
                    replace(each, identity=each.identity or ("", "f", frame_id, str(each.index)))
                    for each in entries
                )
        if rng.random() < 0.2:
            body = rng.choice((gzip.compress(body, mtime=0), zstandard.compress(body)))
        meaning = Meaning(tenant=device.tenant.id, entries=entries)
        if device.key is not None:
            assert device.key.signing_secret is not None
            body = sign(
                body,
                secret=device.key.signing_secret.encode(),
                key_id=device.key.key_id,
                at_unix=int(now.timestamp()),
                batch_id=batch_id,
            )
        elif not self.accept_unsigned:
            meaning = Meaning(tenant=self.tenants[0].id, flaw="unsigned")
            burst = None
        if rng.random() < 0.15:
            body = aggregate(body)
        # Any key may be used: one device's records need not follow each other on one shard.
        key = rng.choice((str(device.number), rng.choice("abcdefgh")))
        return Record(
            partition_key=key,
            data=body,
            meaning=meaning,
            burst=burst,
            batch_id=batch_id if device.key is not None else None,
        )


_METRICS: tuple[tuple[str, str, dict[str, tuple[str, ...]]], ...] = (
    ("photo.upload", "timer", {"outcome": ("started", "completed", "completed", "completed")}),
    (
        "api.request",
        "timer",
        {"service": ("gallery", "rsvp"), "status": ("200", "200", "200", "200", "503")},
    ),
    ("guest.activity", "event", {"guestId": ("g1", "g2", "g3"), "action": ("rsvp",)}),
    (
        "health.check",
        "event",
        {"component": ("database",), "outcome": ("ok", "ok", "ok", "ok", "ok", "failed")},
    ),
    ("host.cpu", "gauge", {"host": ("h1", "h2")}),
    ("guests.seated", "counter", {}),
    ("vendor.heartbeat", "event", {}),
)
_OWN_DIMS = frozenset({"service", "guestId", "component", "host"})
_TWICE = "_twice"
"""A member that is written down under the name of another one."""
_BAD_BODIES: dict[str, bytes] = {
    "half an object": b"{",
    "depth bomb": b"[" * 5000 + b"]" * 5000,
    "UTF-16": b"\xff\xfe{}",
    "a text": b'"text"',
    "a number": b"42",
    "nothing": b"[]",
    "bad base64": b"eyJuYW1lIjoiYS5iIn0=!!",
    "bytes": bytes(range(128, 256)),
}
_BOMB = gzip.compress(b" " * 3_000_000, mtime=0)
_LARGE = gzip.compress(bytes(random.Random(1).choices(b"00000001", k=84_000)) * 100, 6, mtime=0)
"""Below the ratio of a bomb, and more than a body may hold."""


def _text(value: object) -> str:
    """As JSON, with the faults that a dictionary cannot hold."""
    return json.dumps(value, ensure_ascii=False).replace(f'"{_TWICE}"', '"name"')


def _plain(name: str, at: datetime, *, kind: str = "event", outcome: str = "ok") -> Point:
    return {
        "name": name,
        "kind": kind,
        "ts": round(at.timestamp() * 1000),
        "value": 250,
        "dims": {"outcome": outcome},
    }


def _entry(index: int, point: Point, flaw: str | None, device: Device, batch_id: str) -> Entry:
    sender = device.key.key_id if device.key is not None else ""
    ts = point["ts"]
    ts_ms = ts if isinstance(ts, int) else 0
    identity: tuple[str, ...] | None = None
    if "eventId" in point:
        identity = (sender, "e", str(point["eventId"]), str(ts_ms))
    elif sender:
        identity = (sender, "b", batch_id, str(index))
    values = point.get("values", [point.get("value")])
    count = point.get("count", 1)
    wedding_id = point.get("weddingId")
    return Entry(
        index=index,
        name=str(point["name"]),
        ts_ms=ts_ms,
        values=() if flaw is not None else tuple(map(float, values)),  # type: ignore[call-overload] # numbers, unless spoiled
        count=count if isinstance(count, int) else 1,
        wedding_id=wedding_id if isinstance(wedding_id, str) else None,
        identity=identity,
        flaw=flaw,
    )


def _request(rng: random.Random, start: datetime, slot: int, tenant: Tenant) -> dict[str, object]:
    zone = rng.choice(ZONES)
    local = start.astimezone(ZoneInfo(zone))
    day = local.date() + timedelta(days=rng.choice((0, 0, 0, 0, 0, 0, 1, 40, -1)))
    request: dict[str, object] = {
        "coupleName": f"Couple {slot} {canary(tenant)}",
        "date": day.isoformat(),
        "venue": {"timeZone": zone},
        "guestCount": rng.choice((20, 120, 480)),
        "vendors": [{"vendorId": "vendor-1"}],
    }
    if rng.random() < 0.6:
        begins = min(max(local.hour + rng.choice((-2, 0, 1)), 0), 22)
        request["timeline"] = [
            {
                "id": "c",
                "kind": "ceremony",
                "title": "Ceremony",
                "startsAt": f"{day}T{begins:02}:00:00",
                "endsAt": f"{day}T23:30:00",
            }
        ]
    return request
