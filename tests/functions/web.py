"""The whole bundle on one machine in memory, asked over HTTP as the gateway hands it on."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from infra.local.engine import LocalCloud
from infra.local.http_events import Request, gateway_event
from infra.local.invocations import CloudOf
from tests.functions.stage import NOW, TENANT
from tests.harness import Bundle
from wedsync.tenancy import Role, Tenant

OTHER_TENANT = Tenant("rival")
VENDOR = "photo-1"
INTERNALS = (
    "Traceback",
    "arn:aws",
    ".py",
    "test-",
    "sqlite",
    "dynamodb",
    "boto",
    "pydantic",
    "wedsync.",
    "SELECT",
    "pk",
)
"""What no answer may tell of."""
PROBLEM_MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "requestId",
    "error",
    "errors",
}
BESIDE_A_READ = {"asOf", "cacheHit", "executionTime", "dataQuality"}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, object]:
        return cast("dict[str, object]", json.loads(self.text))

    @property
    def own(self) -> dict[str, object]:
        """The members of the thing itself, without those that every read has beside them."""
        return {name: value for name, value in self.json.items() if name not in BESIDE_A_READ}

    @property
    def items(self) -> list[dict[str, object]]:
        return cast("list[dict[str, object]]", self.json["items"])

    @property
    def errors(self) -> list[dict[str, str]]:
        return cast("list[dict[str, str]]", self.json["errors"])

    def is_a_problem(self, status: int | None = None) -> bool:
        """An error as it has to be: in its own form, with an id, telling nothing internal."""
        assert self.headers["content-type"] == "application/problem+json"
        document = self.json
        assert set(document) == PROBLEM_MEMBERS
        assert document["status"] == self.status
        assert document["requestId"] == self.headers["x-request-id"]
        told = json.dumps({**document, "instance": ""})
        assert not [each for each in INTERNALS if each in told], told
        for error in self.errors:
            assert set(error) == {"pointer", "code", "detail"}
        assert status is None or self.status == status, (self.status, self.text)
        return True


class Web:
    """A bundle with two tenants, and a token for every role of each."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.services = bundle.services
        self._asked = 0

    def token(self, role: Role, tenant: Tenant = TENANT) -> str:
        """The token of a role."""
        vendor = VENDOR if role is Role.VENDOR else None
        return self.bundle.key(role, tenant=tenant, vendor_id=vendor).token

    def ask(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        role: Role | None = Role.OPERATOR,
        tenant: Tenant = TENANT,
        query: Mapping[str, str] | str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """Ask; ``target`` is not yet percent-encoded, and ``body`` is bytes or becomes JSON."""
        self._asked += 1
        sent = {"host": "localhost", "content-type": "application/json", **(headers or {})}
        if role is not None:
            sent["authorization"] = f"Bearer {self.token(role, tenant)}"
        if not isinstance(query, str):
            query = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        data = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        request = Request(
            method=method,
            target=quote(target, safe="/$:@", errors="surrogatepass").encode(),
            query=query.encode(),
            headers=[(n.encode(), v.encode("latin-1")) for n, v in sent.items()],
            body=data,
            source_ip="203.0.113.7",
        )
        event = gateway_event(request, request_id=f"request-{self._asked}", now=self.bundle.now)
        return self.tell(event)

    def tell(self, event: Mapping[str, object]) -> Told:
        """Hand over an event as it is."""
        answer = self.bundle.machine.http(event)
        return Told(
            cast("int", answer["statusCode"]),
            cast("Mapping[str, str]", answer["headers"]),
            cast("str", answer["body"]),
        )

    def a_wedding(self, **members: object) -> str:
        """Register a wedding, and answer its id."""
        told = self.ask("POST", "/api/weddings", wedding(**members))
        assert told.status == 201, told.text
        return str(told.json["weddingId"])


@contextmanager
def opened(*, cloud_of: Callable[[LocalCloud], CloudOf] | None = None) -> Iterator[Web]:
    """A bundle in memory whose clock stands still."""
    with Bundle(at=NOW, seed=7, cloud_of=cloud_of) as bundle:
        yield Web(bundle)


def wedding(**members: object) -> dict[str, object]:
    """The body of a wedding, all of its members filled in."""
    return {
        "coupleName": "Ana & Ben",
        "date": "2026-06-20",
        "venue": {
            "timeZone": "Europe/Madrid",
            "lat": 40.4,
            "lon": -3.7,
            "type": "garden",
            "name": "Finca",
        },
        "guestCount": 180,
        "style": "rustic",
        "complexity": "medium",
        "vendors": [{"vendorId": VENDOR, "name": "Luz", "category": "photographer"}],
        "timeline": [
            {
                "id": "ceremony",
                "kind": "ceremony",
                "title": "Ceremony",
                "startsAt": "2026-06-20T16:00:00",
                "endsAt": "2026-06-20T23:00:00+02:00",
            }
        ],
        "events": [
            {
                "name": "Rehearsal",
                "startsAt": "2026-06-19T19:00:00",
                "endsAt": "2026-06-19T21:00:00",
            }
        ],
        **members,
    }


def incident(**members: object) -> dict[str, object]:
    """The body of an incident, all but its wedding filled in."""
    return {
        "title": "Guests cannot upload photos",
        "description": "Reported by the planner",
        "severity": "high",
        "wedding_impact": "low",
        "affected_services": ["gallery"],
        "user_impact_estimate": 180,
        "system_state": {"queueDepth": 1200},
        **members,
    }


def rule(**members: object) -> dict[str, object]:
    """The body of an alert rule, all of its members filled in."""
    return {
        "name": "Photos are lost",
        "description": "Uploads fail, and guests complain",
        "condition": {
            "all": [
                {
                    "metric": "photo.upload",
                    "stat": "share",
                    "op": ">",
                    "threshold": 2,
                    "window": "5m",
                    "filters": {"outcome": ["failed"]},
                    "groupBy": ["device"],
                },
                {
                    "any": [
                        {
                            "metric": "api.request",
                            "stat": "p95",
                            "op": ">=",
                            "threshold": 800.5,
                            "window": "10m",
                            "for": "2m",
                            "keepFiringFor": "10m",
                            "noData": "alert",
                        },
                        {
                            "metric": "cache.hit_rate",
                            "stat": "last",
                            "op": "<",
                            "threshold": 60,
                            "window": "1h",
                            "predictWithin": "30m",
                        },
                    ]
                },
            ]
        },
        "severity": "high",
        "weddingSpecific": True,
        "notifications": [{"role": "photo_crew"}],
        "autoResolve": False,
        **members,
    }


def silence(**members: object) -> dict[str, object]:
    """The body of a silence, all of its members filled in."""
    return {
        "matchers": {
            "ruleId": "platform.photo_upload_failures",
            "weddingId": ["wed_sample"],
            "service": ["gallery"],
            "severity": ["low", "critical"],
        },
        "startsAt": "2026-06-20T14:00:00Z",
        "endsAt": "2026-06-20T20:00:00Z",
        "comment": "The venue tests its network",
        "force": True,
        "reason": "The couple was told",
        **members,
    }


def settings(**members: object) -> dict[str, object]:
    """The body of a tenant's settings."""
    return {
        "packs": 4,
        "seasonMonths": {"north": [5, 6], "south": [11, 12], "tropics": []},
        **members,
    }


def emergency(**members: object) -> dict[str, object]:
    """The body of emergency mode."""
    return {"reason": "Uploads back up", "until": "2026-06-20T16:00:00Z", **members}


def contact(**members: object) -> dict[str, object]:
    """The body of a contact."""
    return {
        "name": "Mia",
        "roles": ["on_call_engineer"],
        "channels": [
            {
                "kind": "webhook",
                "url": "https://hooks.example.com/wedsync",
                "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
            },
            {"kind": "email", "address": "mia@example.com"},
        ],
        **members,
    }


def policy(**members: object) -> dict[str, object]:
    """The body of an escalation policy."""
    return {
        "tiers": [
            {"afterSeconds": 0, "roles": ["on_call_engineer"], "channels": ["sms", "email"]},
            {"afterSeconds": 180, "roles": ["cto"]},
        ],
        "reminderAfterSeconds": 300,
        **members,
    }


def runbook(**members: object) -> dict[str, object]:
    """The body of a runbook with every action."""
    actions: list[dict[str, object]] = [
        {"kind": "notify", "roles": ["platform_lead"], "text": "Uploads fail"},
        {"kind": "scale", "dimension": "cacheMb", "target": "metrics-wedding", "to": 512},
        {"kind": "emergency_mode", "minutes": 60},
        {"kind": "warm_cache"},
        {"kind": "ticket", "contactId": "con_sample", "text": "Look at the uploads"},
        {"kind": "wait", "metric": "p95_ms", "threshold": 2000, "withinSeconds": 600},
    ]
    return {
        "title": "Uploads fail",
        "description": "More room",
        "match": {
            "rules": ["platform.photo_upload_failures"],
            "types": ["photo_upload_failures"],
            "severities": ["critical"],
            "services": ["gallery"],
            "weddingDay": True,
        },
        "steps": [
            {
                "stepId": f"step-{number}",
                "title": "A step",
                "action": action,
                "needsApproval": True,
                "notDuringCeremony": True,
                "measure": "error_percent",
            }
            for number, action in enumerate(actions)
        ],
        "onWeddingDay": "armed",
        "offDay": "off",
        "cooldownSeconds": 600,
        "maxWeddings": 2,
        **members,
    }


def pipeline(**members: object) -> dict[str, object]:
    """The body of a pipeline of every transform."""
    is_slow = {"field": "value", "above": 0.5}
    return {
        "source": {"names": ["api.request"]},
        "transforms": [
            {"type": "filter", "where": {"not": {"field": "dims.service", "equals": "rsvp"}}},
            {"type": "calculate", "value": {"op": "divide", "of": [{"field": "value"}, 1000]}},
            {"type": "normalize", "from": [0, 1], "to": [0, 100], "clamp": True},
            {"type": "join", "on": "weddingId", "weddingFields": ["style"], "otherwise": "drop"},
            {
                "type": "aggregate",
                "rule": {
                    "timeWindow": "5m",
                    "groupByFields": ["dims.style"],
                    "aggregationFunctions": ["count", "p95"],
                    "filterConditions": [is_slow],
                    "outputFields": ["answers", "slowness"],
                },
            },
        ],
        "outputSchema": {"value": {"minimum": 0, "maximum": 100}, "dims": {"required": ["style"]}},
        **members,
    }


def roster(**members: object) -> dict[str, object]:
    """The body of a roster with one member."""
    return {
        "timeZone": "Europe/Madrid",
        "rotations": [
            {
                "role": "on_call_engineer",
                "members": ["con_sample"],
                "startsOn": "2026-06-01",
                "handOver": "08:00",
                "shiftDays": 7,
                "days": ["friday", "saturday"],
                "until": "2026-12-31",
            }
        ],
        "overrides": [
            {
                "role": "on_call_engineer",
                "contactId": "con_sample",
                "startsAt": "2026-06-27T10:00:00Z",
                "endsAt": "2026-06-27T14:00:00Z",
            }
        ],
        **members,
    }


def point(**members: object) -> dict[str, object]:
    """One point, of now."""
    return {
        "eventId": "e-1",
        "name": "photo.upload",
        "kind": "timer",
        "ts": int(NOW.timestamp() * 1000),
        "value": 850,
        "vendorId": VENDOR,
        "dims": {"outcome": "completed"},
        **members,
    }


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
