"""The whole bundle on one machine under a clock that tests move, and hands to play with it.

bundle = Bundle(at=utc("2026-06-20T14:00"))
wedding_id = bundle.register(a_wedding_request())
bundle.put(a_point("photo.upload", bundle.now, weddingId=wedding_id, dims={"outcome": "failed"}))
bundle.advance(60)
bundle.notifications()
"""

import base64
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import TracebackType
from typing import Self, TypeAlias, cast
from urllib.parse import urlencode

from infra.local.clock import ManualClock, SeededIds
from infra.local.deliveries import Post
from infra.local.engine import LocalCloud
from infra.local.first_start import MadeKey, make_key
from infra.local.invocations import CloudOf
from infra.local.machine import Machine
from infra.registry import registry
from wedsync.cloud import Clock, Record, Web
from wedsync.metrics.signature import sign
from wedsync.rates import Rate
from wedsync.resources import Resource
from wedsync.runtime.declarations import Function
from wedsync.settings import CLIENT_RATE, DEVICE_RATE, TENANT_POINTS, History, Settings
from wedsync.stores.services import Services
from wedsync.tenancy import Role, Tenant
from wedsync.weddings.phase import Stage

TENANT = Tenant("demo")

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Point: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with; ``body`` is parsed JSON or plain text, if any."""

    status: int
    body: Json
    headers: Mapping[str, str]

    def __getitem__(self, name: str) -> Json:
        """One member of a body that is an object."""
        return self.members[name]

    @property
    def members(self) -> dict[str, Json]:
        """The body, which is an object."""
        assert isinstance(self.body, dict), self
        return self.body

    @property
    def own(self) -> dict[str, Json]:
        """The members of the thing itself, without those that every read has beside them."""
        beside = {"asOf", "cacheHit", "executionTime", "dataQuality"}
        return {name: value for name, value in self.members.items() if name not in beside}

    @property
    def items(self) -> list[dict[str, Json]]:
        """The body as a list, bare or under ``items``."""
        found = self.body if isinstance(self.body, list) else self.members["items"]
        return cast("list[dict[str, Json]]", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message that a topic took."""

    seq: int
    at: datetime
    topic: Resource
    kind: str
    tier: int
    role: str
    severity: str
    dedup_key: str
    incident_id: str | None
    alert_id: str | None
    wedding_id: str | None
    subject: str
    message: str


@cache
def quiet_registry() -> tuple[Function, ...]:
    """All functions but those that tell of the bundle itself: here nothing of it is measured."""
    return tuple(each for each in registry() if not _READINGS & _used(each))


def _used(function: Function) -> frozenset[Resource]:
    return frozenset(grant.resource for grant in function.declaration.uses)


_READINGS = frozenset({Resource.VITALS, Resource.USAGE})


class Bundle:
    """Every declared function on an in-memory cloud, the clock standing still until told.

    ``cloud_of`` may put something between a function and the cloud; it is given the cloud.
    ``post`` stands in for HTTP where subscribers are told, ``web`` for contacts' endpoints.
    """

    def __init__(
        self,
        *,
        at: datetime,
        seed: int = 1,
        tenant: Tenant = TENANT,
        accept_unsigned: bool = True,
        shards: int = 2,
        packs: int = 4,
        stage: Stage = Stage.PROD,
        limits: bool = False,
        tenant_points: Rate | None = None,
        sheds_load: bool = False,
        wall_clock: Clock | None = None,
        history: History = History.DYNAMODB,
        functions: Sequence[Function] | None = None,
        cloud_of: Callable[[LocalCloud], CloudOf] | None = None,
        post: Post | None = None,
        web: Web | None = None,
    ) -> None:
        self.tenant = tenant
        self.clock = ManualClock(at)
        self.cloud = LocalCloud(
            None,
            clock=self.clock,
            ids=SeededIds(seed),
            shards=shards,
            wall_clock=wall_clock,
            web=web,
        )
        self.settings = Settings(
            stage=stage,
            operator_tenant=tenant,
            unsigned_tenant=tenant if accept_unsigned else None,
            packs=packs,
            client_rate=CLIENT_RATE if limits else None,
            device_rate=DEVICE_RATE if limits else None,
            tenant_points=(tenant_points or TENANT_POINTS) if limits else None,
            sheds_load=sheds_load or limits,
            history=history,
            loopback_endpoints=True,
        )
        self._functions = quiet_registry() if functions is None else functions
        self._cloud_of = None if cloud_of is None else cloud_of(self.cloud)
        self._post = post
        self.machine = self._started()
        self._keys: dict[tuple[Tenant, Role, str | None], MadeKey] = {}
        self._requests = itertools.count(1)
        self._batches = itertools.count(1)

    def _started(self) -> Machine:
        return Machine(
            self.cloud,
            self._functions,
            self.settings,
            cloud_of=self._cloud_of,
            post=self._post,
        )

    def restart(self) -> None:
        """Lose what the process remembered; what is stored stays."""
        self.machine = self._started()

    def close(self) -> None:
        """Let go of the cloud."""
        self.cloud.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def now(self) -> datetime:
        """The clock."""
        return self.clock.now()

    @property
    def services(self) -> Services:
        """Every store, without grants: to arrange and to look."""
        return Services(self.cloud, self.settings)

    def key(
        self,
        role: Role = Role.ADMIN,
        *,
        tenant: Tenant | None = None,
        vendor_id: str | None = None,
    ) -> MadeKey:
        """The key of this role, made at its first use."""
        wanted = (tenant or self.tenant, role, vendor_id)
        if wanted not in self._keys:
            self._keys[wanted] = make_key(
                self.cloud, tenant=wanted[0], role=role, vendor_id=vendor_id
            )
        return self._keys[wanted]

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: MadeKey | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        arrived_ms: int | None = None,
    ) -> Answer:
        """Send a request as admin of the bundle's tenant, or with another key.

        ``body`` is sent as JSON, or as it is where it is text or bytes. ``arrived_ms`` is when the
        gateway took it (now, unless said).
        """
        token = (key or self.key()).token
        text = body if isinstance(body, str) or body is None else None
        if isinstance(body, bytes):
            text = base64.b64encode(body).decode()
        elif text is None and body is not None:
            text = json.dumps(body)
        answer = self.machine.http(
            {
                "version": "2.0",
                "rawPath": path,
                "rawQueryString": urlencode(query or {}),
                "queryStringParameters": dict(query or {}),
                "headers": {"authorization": f"Bearer {token}", **(headers or {})},
                "requestContext": {
                    "http": {"method": method, "path": path},
                    "requestId": f"request-{next(self._requests)}",
                    "stage": "$default",
                    **({} if arrived_ms is None else {"timeEpoch": arrived_ms}),
                },
                "body": text,
                "isBase64Encoded": isinstance(body, bytes),
            }
        )
        content = "" if answer.get("isBase64Encoded") else cast("str", answer.get("body") or "")
        told = cast("Mapping[str, str]", answer.get("headers") or {})
        is_text = told.get("content-type", "").startswith("text/")
        return Answer(
            status=cast("int", answer["statusCode"]),
            body=content if is_text else json.loads(content) if content else None,
            headers=told,
        )

    def get(self, path: str, *, key: MadeKey | None = None, **query: str) -> Answer:
        """GET, the query given as keywords."""
        return self.request("GET", path, key=key, query=query)

    def post(
        self,
        path: str,
        body: object = None,
        *,
        key: MadeKey | None = None,
        headers: Mapping[str, str] | None = None,
        arrived_ms: int | None = None,
    ) -> Answer:
        """POST a JSON body."""
        return self.request("POST", path, body, key=key, headers=headers, arrived_ms=arrived_ms)

    def patch(self, path: str, body: object, *, key: MadeKey | None = None) -> Answer:
        """PATCH with a JSON merge patch."""
        return self.request("PATCH", path, body, key=key)

    def put_document(self, path: str, body: object, *, if_match: str | None = None) -> Answer:
        """PUT a JSON body."""
        headers = {} if if_match is None else {"if-match": if_match}
        return self.request("PUT", path, body, headers=headers)

    def tells(self, key: MadeKey | None = None, **query: str) -> list[dict[str, Json]]:
        """What contacts were told, in the order in which it was planned."""
        found = self.get("/api/monitoring/notifications", key=key, limit="200", **query).items
        return found[::-1]

    def delete(
        self, path: str, *, key: MadeKey | None = None, if_match: str | None = None
    ) -> Answer:
        """DELETE."""
        headers = {} if if_match is None else {"if-match": if_match}
        return self.request("DELETE", path, key=key, headers=headers)

    def register(self, request: Mapping[str, object], *, key: MadeKey | None = None) -> str:
        """Register a wedding over HTTP, and answer its id."""
        answer = self.post("/api/weddings", request, key=key)
        assert answer.status == 201, answer
        return cast("str", answer["weddingId"])

    def put(self, *points: Point | bytes, partition_key: str | None = None) -> None:
        """Put unsigned points as one record (bytes: as they are) on the metrics stream."""
        for data in (each for each in points if isinstance(each, bytes)):
            self.put_record(data, partition_key=partition_key or "raw")
        plain = [each for each in points if not isinstance(each, bytes)]
        if plain:
            key = partition_key or str(plain[0].get("weddingId") or "none")
            self.put_record(json.dumps(plain).encode(), partition_key=key)

    def put_signed(
        self,
        *points: Point,
        device: MadeKey,
        batch_id: str | None = None,
        partition_key: str | None = None,
    ) -> None:
        """Put points as one record that a device signed."""
        key = partition_key or str(points[0].get("weddingId") or "none")
        data = self.signed(json.dumps(points).encode(), device=device, batch_id=batch_id)
        self.put_record(data, partition_key=key)

    def signed(self, body: bytes, *, device: MadeKey, batch_id: str | None = None) -> bytes:
        """A body under the device's signature."""
        assert device.signing_secret is not None
        return sign(
            body,
            secret=device.signing_secret.encode(),
            key_id=device.key_id,
            at_unix=int(self.now.timestamp()),
            batch_id=batch_id or f"batch-{next(self._batches)}",
        )

    def put_record(self, data: bytes, *, partition_key: str) -> None:
        """Put one record on the metrics stream."""
        failures = self.cloud.stream(Resource.METRICS_STREAM).put([Record(partition_key, data)])
        assert not failures, failures

    def advance(self, seconds: float) -> Mapping[str, int]:
        """Play every instant up to ``seconds`` from now; how often each function ran."""
        return self.machine.advance(seconds)

    def advance_to(self, instant: datetime) -> Mapping[str, int]:
        """Play every instant up to this one."""
        return self.advance((instant - self.now).total_seconds())

    def drain(self) -> Mapping[str, int]:
        """Play what is due now, the clock standing still."""
        return self.advance(0)

    def notifications(self, *, since: int = 0) -> tuple[Notification, ...]:
        """What the topics took, in order; ``since`` is a former one's ``seq``."""
        found: list[Notification] = []
        while page := self.cloud.outbox.published(since=found[-1].seq if found else since):
            for each in page:
                said = {name: str(value) for name, value in each.attributes.items()}
                found.append(
                    Notification(
                        seq=each.seq,
                        at=each.at,
                        topic=each.topic,
                        kind=said["kind"],
                        tier=int(said["tier"]),
                        role=said["role"],
                        severity=said["severity"],
                        dedup_key=said["dedup_key"],
                        incident_id=said.get("incident_id"),
                        alert_id=said.get("alert_id"),
                        wedding_id=said.get("wedding_id"),
                        subject=each.subject,
                        message=each.body,
                    )
                )
        return tuple(found)

    def alerts(self, *, key: MadeKey | None = None) -> list[dict[str, Json]]:
        """The tenant's alerts over HTTP, newest first."""
        return self.get("/api/metrics/alerts", key=key, limit="200").items

    def active_incidents(self, *, key: MadeKey | None = None) -> list[dict[str, Json]]:
        """The tenant's active incidents over HTTP, the worst first."""
        return self.get("/api/monitoring/incidents/active", key=key).items


def a_wedding_request(
    *,
    on: str = "2026-06-20",
    zone: str = "Europe/Madrid",
    couple: str = "Ann & Bo",
    guests: int | None = 120,
    ceremony: str | None = "16:00",
    until: str = "23:00",
    vendors: Sequence[str] = (),
) -> dict[str, object]:
    """A wedding as a planner registers it; ``ceremony=None`` plans nothing."""
    request: dict[str, object] = {
        "coupleName": couple,
        "date": on,
        "venue": {"timeZone": zone},
        "vendors": [{"vendorId": each} for each in vendors],
    }
    if guests is not None:
        request["guestCount"] = guests
    if ceremony is not None:
        request["timeline"] = [
            {
                "id": "ceremony",
                "kind": "ceremony",
                "title": "Ceremony",
                "startsAt": f"{on}T{ceremony}:00",
                "endsAt": f"{on}T{until}:00",
            }
        ]
    return request


_events = itertools.count(1)


def a_point(
    name: str, at: datetime, *, kind: str = "timer", value: float = 1.0, **members: object
) -> Point:
    """A point as a device sends it; members go by their names on the wire."""
    return {
        "name": name,
        "kind": kind,
        "ts": round(at.timestamp() * 1000),
        "value": value,
        "eventId": f"event-{next(_events)}",
        **members,
    }
