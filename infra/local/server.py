"""The server: one process, one port of this machine, one ready line."""

import contextlib
import ctypes
import errno
import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.local.asgi import FrontDoor
from infra.local.clock import CountedIds, ManualClock, RandomIds, RealClock
from infra.local.data_directory import DataDirectory, opened
from infra.local.engine import LocalCloud
from infra.local.first_start import LOCAL_TENANT, identity_of
from infra.local.kinesis_api import KinesisApi
from infra.local.local_routes import CLOCK_SETTING, LocalRoutes
from infra.local.logs import log_instead_of_stdout
from infra.local.machine import Machine
from infra.local.own_metrics import OwnMetrics
from infra.local.running_clock import FastClock
from infra.local.workers import Bells, RingingCloud, Workers
from wedsync.cloud import Clock
from wedsync.errors import Invalid
from wedsync.runtime import problem
from wedsync.runtime.declarations import Function, ScheduleTrigger
from wedsync.settings import CLIENT_RATE, DEVICE_RATE, TENANT_POINTS, Settings
from wedsync.web import GuardedWeb

HOST = "127.0.0.1"
_THREADS = 8
# One process gains nothing from more: each shard would make batches, and writes, of its own.
_SHARDS = 1
_SWITCH_SECONDS = 0.0005
"""What a request waits, at each step that lets others go on, for a thread that counts points."""
_ARENA_MAX = -8
"""As glibc's malloc.h numbers it."""
_GRACE_SECONDS = 5
_RUNS_SETTING = "runs"


class PortTaken(Exception):
    """Another process listens on the port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What a server is started with."""

    port: int = 8080
    data: Path | None = None
    manual_clock: bool = False
    start: datetime | None = None
    speed: float = 1.0
    accepts_unsigned: bool = True
    limits: bool = False
    loopback: bool = True
    own_metrics: bool = False


def serve(options: ServeOptions, functions: Callable[[], Sequence[Function]]) -> None:
    """Serve until a signal ends it, and print one ready line to stdout.

    Raises PortTaken, DirectoryInUse or Unusable before anything starts.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    _share_one_heap()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(_listen(options.port)))
        directory = stack.enter_context(opened(options.data))
        stack.enter_context(directory.held())
        directory.require_usable()
        stack.enter_context(directory.announced(_url(listener)))
        ready_line = stack.enter_context(log_instead_of_stdout(directory.log))
        clock = _clock(options)
        counted = CountedIds(clock)
        ids = counted if options.manual_clock else RandomIds(RealClock())
        cloud = LocalCloud(
            directory.database,
            clock=clock,
            ids=ids,
            shards=_SHARDS,
            wall_clock=RealClock(),
            web=GuardedWeb(loopback=options.loopback),
        )
        stack.callback(cloud.close)
        counted.begin(_run_of(cloud))
        declared = functions()
        _resume(cloud, declared)
        _serve(options, cloud, declared, directory, listener, ready_line)


def _serve(
    options: ServeOptions,
    cloud: LocalCloud,
    functions: Sequence[Function],
    directory: DataDirectory,
    listener: socket.socket,
    ready_line: TextIO,
) -> None:
    settings = Settings(
        operator_tenant=LOCAL_TENANT,
        unsigned_tenant=LOCAL_TENANT if options.accepts_unsigned else None,
        client_rate=CLIENT_RATE if options.limits else None,
        device_rate=DEVICE_RATE if options.limits else None,
        tenant_points=TENANT_POINTS if options.limits else None,
        sheds_load=options.limits,
        loopback_endpoints=options.loopback,
    )
    bells = Bells()
    ringing = RingingCloud(cloud, bells)
    machine = Machine(cloud, functions, settings, cloud_of=lambda _: ringing)
    url = _url(listener)
    line = {
        "url": url,
        "kinesisEndpoint": url,
        "stream": settings.stream_name,
        **identity_of(cloud, directory),
    }
    own = None
    if options.own_metrics and not options.manual_clock:
        cloud.own_runs.wanted = True
        own = OwnMetrics(ringing, settings, after_put=bells.streams.set)
    workers = Workers(machine, bells, speed=options.speed, own=own)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="request") as pool:
        door = FrontDoor(
            machine,
            KinesisApi(cloud, settings, after_put=bells.streams.set),
            LocalRoutes(machine, after_subscribe=bells.deliveries.set),
            pool,
            own=own,
        )
        if not options.manual_clock:
            workers.start()
        try:
            _Server(door, ready=lambda: _print_line(ready_line, line)).run(sockets=[listener])
        finally:
            if not options.manual_clock:
                workers.stop(_GRACE_SECONDS)


class _Server(uvicorn.Server):
    """uvicorn, which ends on a signal as if it had been asked to, and says when it is ready."""

    def __init__(self, door: FrontDoor, *, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                door,
                http=_ProblemProtocol,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets=sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, without raising them again at the end."""
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _ProblemProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which tells of malformed requests as problem+json."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request, and hang up."""
        error = Invalid.field("", "malformed-http", msg)
        answer = problem.answer(error, path="", request_id="unread")
        body = str(answer["body"]).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {problem.CONTENT_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def _share_one_heap() -> None:
    """Have all threads take memory from one heap.

    glibc gives each thread one of its own, and what one has freed no other uses: a server that
    counts a million points a minute grew without end by 3 MB a second.
    """
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):  # glibc's
        allocator.mallopt(_ARENA_MAX, 1)


def _listen(port: int) -> socket.socket:
    # Only to a socket that names its protocol does asyncio give TCP_NODELAY: 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise PortTaken(str(port)) from error
        raise
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _run_of(cloud: LocalCloud) -> int:
    """How often this data has been served before."""
    run = int(cloud.settings.get(_RUNS_SETTING) or 0)
    cloud.settings.set(_RUNS_SETTING, str(run + 1))
    return run


def _clock(options: ServeOptions) -> Clock:
    start = options.start or RealClock().now()
    if options.manual_clock:
        return ManualClock(start)
    if options.speed != 1.0 or options.start is not None:
        return FastClock(start, speed=options.speed)
    return RealClock()


def _resume(cloud: LocalCloud, functions: Sequence[Function]) -> None:
    """A replaced clock goes on where the data's last server stopped, and never goes back."""
    clock = cloud.clock
    if not isinstance(clock, ManualClock | FastClock):
        return
    runs = (
        cloud.schedule_runs.last_run(function.declaration.name)
        for function in functions
        if isinstance(function.declaration.trigger, ScheduleTrigger)
    )
    reached = max(filter(None, runs), default=clock.now())
    if isinstance(clock, FastClock):
        clock.catch_up(reached)
        return
    kept = cloud.settings.get(CLOCK_SETTING)
    called = clock.now() if kept is None else datetime.fromisoformat(kept)
    clock.set(max(reached, called, clock.now()))
    cloud.settings.set(CLOCK_SETTING, clock.now().isoformat())


def _print_line(output: TextIO, line: Mapping[str, object]) -> None:
    output.write(json.dumps(line) + "\n")
    output.flush()
