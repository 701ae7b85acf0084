"""What one running invocation knows, without passing it through every signature."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from wedsync.errors import TooLarge, Unauthenticated
from wedsync.metrics.body import open_body
from wedsync.stores.services import Services
from wedsync.tenancy import Caller

METHODS_OF_PATH = "x-methods-of-path"
"""The header in which the gateway tells, of a known path, which methods it takes.

It writes over whatever a caller sent under this name.
"""

RAW_BODY_BYTES = 1024 * 1024
"""The most that a route takes which reads its body itself, before inflating."""


@dataclass(frozen=True, slots=True)
class RouteMiss:
    """How a request missed every route: ``allowed`` are the methods that its path takes.

    None for a path that nobody knows.
    """

    allowed: tuple[str, ...] | None


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One request, from its arrival to its answer."""

    services: Services
    caller: Caller | None
    request_id: str
    path: str
    route_key: str
    arrived_at: datetime
    headers: Mapping[str, str]
    body: bytes
    idempotency_key: str | None = None
    answer_headers: dict[str, str] = field(default_factory=dict)


_current: ContextVar[Invocation] = ContextVar("invocation")


def enter(invocation: Invocation) -> None:
    """Make this the invocation that injected parameters are taken from."""
    _current.set(invocation)


def current() -> Invocation:
    """The running invocation."""
    return _current.get()


def services() -> Services:
    """The stores of the running invocation."""
    return _current.get().services


def caller() -> Caller:
    """The proved caller of the running request."""
    proved = _current.get().caller
    if proved is None:
        raise Unauthenticated
    return proved


def arrived_at() -> datetime:
    """When the gateway took the request."""
    return _current.get().arrived_at


def raw_body() -> bytes:
    """The request's body, out of base64 and compression. Raises Invalid, TooLarge."""
    running = _current.get()
    if len(running.body) > RAW_BODY_BYTES:
        raise TooLarge("at most 1 MiB in one request")
    return open_body(running.body, encoding=running.headers.get("content-encoding"))


def route_miss() -> RouteMiss:
    """How the gateway came to its last resort: ``ANY /path`` for a known path, or ``$default``."""
    running = _current.get()
    if not running.route_key.startswith("ANY "):
        return RouteMiss(None)
    methods = running.headers.get(METHODS_OF_PATH, "").split(",")
    return RouteMiss(tuple(filter(None, map(str.strip, methods))))
