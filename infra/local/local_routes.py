"""The machine's own routes: its clock, its notifications and its subscribers.

They answer this machine only: another address, another host's name (DNS rebinding) or a page of
another origin is refused.
"""

import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from infra.local.clock import ManualClock
from infra.local.http_events import Request
from infra.local.invocations import Event
from infra.local.machine import Machine
from infra.local.store.messages import Subscription
from wedsync.cloud.endpoints import is_loopback_name
from wedsync.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    WedSyncError,
    member_pointer,
)
from wedsync.resources import Resource, ResourceKind
from wedsync.runtime import problem
from wedsync.spelling import did_you_mean

PREFIX = "/_local/"
CLOCK_SETTING = "clock"
_STEP = "advanceSeconds"
_LONGEST_STEP_SECONDS = 400 * 86_400
_MOST_NOTIFICATIONS = 1000
_Handler: TypeAlias = Callable[[Request], "tuple[int, object]"]


class LocalRoutes:
    """``/_local/…`` of one machine."""

    def __init__(self, machine: Machine, *, after_subscribe: Callable[[], None]) -> None:
        self._machine = machine
        self._after_subscribe = after_subscribe
        self._one_at_a_time = Lock()
        self._handlers: Mapping[str, Mapping[str, _Handler]] = {
            "/_local/clock": {"GET": self._clock, "POST": self._advance},
            "/_local/notifications": {"GET": self._notifications},
            "/_local/subscriptions": {"GET": self._subscriptions, "POST": self._subscribe},
        }

    def answer(self, request: Request, *, request_id: str) -> Event:
        """Answer, in the gateway's form."""
        try:
            check_is_local(request)
            handlers = self._handlers.get(request.path)
            if handlers is None:
                raise NotFound
            handler = handlers.get(request.method)
            if handler is None:
                detail = f"this path takes {' and '.join(handlers)}"
                raise MethodNotAllowed(detail, allowed=tuple(handlers))
            status, body = handler(request)
        except WedSyncError as error:
            return problem.answer(error, path=request.path, request_id=request_id)
        headers = {"content-type": "application/json", "x-request-id": request_id}
        return {"statusCode": status, "headers": headers, "body": json.dumps(body)}

    def _clock(self, _: Request) -> tuple[int, object]:
        return 200, self._clock_state(self._machine.ran)

    def _clock_state(self, ran: Mapping[str, int]) -> object:
        clock = self._machine.cloud.clock
        return {
            "now": clock.now().isoformat().replace("+00:00", "Z"),
            "mode": "manual" if isinstance(clock, ManualClock) else "real",
            "ran": dict(ran),
        }

    def _advance(self, request: Request) -> tuple[int, object]:
        cloud = self._machine.cloud
        if not isinstance(cloud.clock, ManualClock):
            detail = "the clock is real: start the server with --clock manual"
            at_fault = FieldError(pointer=f"/{_STEP}", code="clock-is-real", detail=detail)
            raise Conflict(detail, errors=(at_fault,))
        seconds = _seconds(_document(request, needed=_STEP))
        with self._one_at_a_time:
            ran = self._machine.advance(seconds)
            cloud.settings.set(CLOCK_SETTING, cloud.clock.now().isoformat())
            return 200, self._clock_state(ran)

    def _notifications(self, request: Request) -> tuple[int, object]:
        since = _whole_number(request, "since", default=0)
        limit = _whole_number(request, "limit", default=_MOST_NOTIFICATIONS)
        page = self._machine.cloud.outbox.published(
            since=since, limit=max(1, min(limit, _MOST_NOTIFICATIONS))
        )
        items = [
            {
                "seq": one.seq,
                "at": one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "topic": one.topic.slug,
                "attributes": dict(one.attributes),
                "subject": one.subject,
                "message": one.body,
            }
            for one in page
        ]
        return 200, {"items": items, "next": page[-1].seq if page else since}

    def _subscriptions(self, _: Request) -> tuple[int, object]:
        return 200, {"items": [_shown(one) for one in self._machine.deliveries.subscriptions()]}

    def _subscribe(self, request: Request) -> tuple[int, object]:
        asked = _document(request)
        url = asked.get("url")
        if not isinstance(url, str):
            raise Invalid.field("/url", "missing", "url is a text")
        topic = _topic(asked.get("topic"))
        try:
            subscription = self._machine.deliveries.subscribe(topic, url, asked.get("filterPolicy"))
        except ValueError as error:
            pointer = "/url" if "URL" in str(error) else "/filterPolicy"
            raise Invalid.field(pointer, "invalid", str(error)) from error
        self._after_subscribe()
        return 201, _shown(subscription)


def check_is_local(request: Request) -> None:
    """Raise Forbidden for whoever is not on this machine, or was sent by a page from elsewhere."""
    if not is_loopback_name(request.source_ip):
        raise Forbidden("this route answers its own machine only")
    host = _host_of(f"//{request.header('host') or ''}")
    origin = request.header("origin")
    if not is_loopback_name(host) or (
        origin is not None and not is_loopback_name(_host_of(origin))
    ):
        raise Forbidden("this route answers under a name of its own machine only")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _document(request: Request, *, needed: str = "") -> Mapping[str, object]:
    if not request.body.strip():
        pointer = f"/{needed}" if needed else ""
        raise Invalid.field(pointer, "missing", "the body is a JSON object, and there is none")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Invalid.field("", "json", "the body is not JSON") from error
    if not isinstance(document, dict):
        raise Invalid.field("", "type", "the body is not a JSON object")
    return document


def _seconds(document: Mapping[str, object]) -> float:
    for name in sorted(set(document) - {_STEP}):
        detail = f"no such member{did_you_mean(name, [_STEP])}"
        raise Invalid.field(member_pointer(name), "extra-forbidden", detail)
    value = document.get(_STEP)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid.field(f"/{_STEP}", "type", f"{_STEP} is a number of seconds")
    if not 0 <= value <= _LONGEST_STEP_SECONDS:  # NaN fails every comparison
        detail = f"{_STEP} lies between 0 and {_LONGEST_STEP_SECONDS}"
        raise Invalid.field(f"/{_STEP}", "range", detail)
    return value


def _whole_number(request: Request, name: str, *, default: int) -> int:
    values = parse_qs(request.query.decode("latin-1")).get(name)
    if not values:
        return default
    if not (values[-1].isascii() and values[-1].isdigit() and len(values[-1]) <= 18):
        raise Invalid.field(name, "invalid", f"{name} is a whole number from 0")
    return int(values[-1])


def _topic(name: object) -> Resource:
    topics = [resource for resource in Resource if resource.kind is ResourceKind.TOPIC]
    wanted = str(name).rpartition(":")[2].removeprefix("wedsync-")
    for topic in topics:
        if wanted in {topic.slug, topic.name}:
            return topic
    known = ", ".join(topic.slug for topic in topics)
    raise Invalid.field("/topic", "unknown", f"topic is one of {known}")


def _shown(subscription: Subscription) -> dict[str, object]:
    policy = subscription.filter_policy
    return {
        "subscriptionId": subscription.subscription_id,
        "topic": subscription.topic.slug,
        "url": subscription.url,
        "filterPolicy": None if policy is None else json.loads(policy),
    }
