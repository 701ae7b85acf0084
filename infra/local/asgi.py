"""The front door: an ASGI application that hands requests to the gateway, Kinesis or the machine.

Handlers run in a few threads, so that the loop goes on reading while they work.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, cast

from infra.local.http_events import Reply, Request, gateway_event, reply_of
from infra.local.kinesis_api import KinesisApi
from infra.local.local_routes import PREFIX, LocalRoutes
from infra.local.machine import Machine
from infra.local.own_metrics import OwnMetrics
from wedsync.errors import TooLarge, WedSyncError
from wedsync.runtime import problem

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_BYTES = 10 * 1024 * 1024
_DRAINED_BYTES = 64 * 1024 * 1024
_log = logging.getLogger("wedsync.local")


class Disconnected(Exception):
    """The client left before its request was complete."""


class FrontDoor:
    """One port for everything that this machine serves."""

    def __init__(
        self,
        machine: Machine,
        kinesis: KinesisApi,
        routes: LocalRoutes,
        pool: ThreadPoolExecutor,
        *,
        own: OwnMetrics | None = None,
    ) -> None:
        self._machine = machine
        self._kinesis = kinesis
        self._routes = routes
        self._pool = pool
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            body = await _body(receive)
        except Disconnected:
            return
        request = Request(
            method=scope["method"],
            target=scope.get("raw_path") or scope["path"].encode(),
            query=scope["query_string"],
            headers=tuple(scope["headers"]),
            body=body or b"",
            source_ip=(scope.get("client") or ("",))[0],
            protocol=f"HTTP/{scope['http_version']}",
        )
        if body is None:
            reply = self._problem(TooLarge(f"a body has at most {BODY_BYTES} bytes"), request)
        else:
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._pool, self.answer, request)
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [
                    (name.encode("latin-1"), value.encode("latin-1"))
                    for name, value in reply.headers
                ],
            }
        )
        await send({"type": "http.response.body", "body": reply.body})

    def answer(self, request: Request) -> Reply:
        """Answer a complete request, whatever happens."""
        request_id = self._machine.cloud.ids.new_id("req")
        try:
            return self._answer(request, request_id)
        except WedSyncError as error:
            return self._problem(error, request, request_id)
        except Exception:  # noqa: BLE001 - the last boundary: even a fault is told as a problem
            _log.exception("request %s failed", request_id)
            return self._problem(WedSyncError(), request, request_id)

    def _answer(self, request: Request, request_id: str) -> Reply:
        if self._kinesis.speaks(request):
            return self._kinesis.answer(request, request_id=request_id)
        accepted = request.header("accept-encoding")
        if request.path.startswith(PREFIX):
            answer = self._routes.answer(request, request_id=request_id)
            return reply_of(answer, accept_encoding=accepted)
        now = self._machine.cloud.clock.now()
        event = gateway_event(request, request_id=request_id, now=now)
        begun = time.perf_counter()
        answer = self._machine.http(event)
        if self._own is not None:
            took_ms = (time.perf_counter() - begun) * 1000
            route = self._machine.route_of(request.method, request.path)
            status = cast("int", answer["statusCode"])
            self._own.note(route=route, status=status, took_ms=took_ms)
        return reply_of(answer, accept_encoding=accepted)

    def _problem(
        self, error: WedSyncError, request: Request, request_id: str | None = None
    ) -> Reply:
        request_id = request_id or self._machine.cloud.ids.new_id("req")
        return reply_of(problem.answer(error, path=request.path, request_id=request_id))


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too large, which is read on so that the client listens."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size <= BODY_BYTES:
            parts.append(part)
        else:
            parts.clear()
        if not message.get("more_body") or size > _DRAINED_BYTES:
            break
    return b"".join(parts) if size <= BODY_BYTES else None
