"""A server process of its own, as ``wedsync serve`` starts it, and clients that keep their line."""

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, TypeAlias, cast
from urllib.parse import urlsplit

import boto3
import psutil
from botocore.config import Config

from wedsync.aws.clock import RealClock

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from mypy_boto3_kinesis import KinesisClient

ROOT = Path(__file__).parents[1]
_SERVE = "from infra.local.cli import main; main()"
_GRACE_SECONDS = 20.0
UNROUTED = "/api/no-such-route"

clock = RealClock()


@dataclass(frozen=True, slots=True)
class Reached:
    """How one request went."""

    ms: float
    status: int
    cache: str | None
    body: bytes


class Client:
    """One caller on one connection."""

    def __init__(self, url: str, token: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=60
        )
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()

    def ask(self, method: str, target: str, body: object = None) -> Reached:
        """One request and its whole answer."""
        sent = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self._connection.request(method, target, sent, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        ms = (time.perf_counter() - began) * 1000
        return Reached(ms, response.status, response.headers.get("x-cache"), content)

    def document(self, method: str, target: str, body: object = None) -> dict[str, object]:
        """The JSON of a request that has to succeed."""
        reached = self.ask(method, target, body)
        if not 200 <= reached.status < 300:
            raise RuntimeError(f"{method} {target}: {reached.status} {reached.body[:500]!r}")
        return cast("dict[str, object]", json.loads(reached.body))

    def open_wedding(self, number: int) -> str:
        """Register a wedding that goes on at this moment; its id."""
        now = clock.now()
        wedding = self.document(
            "POST",
            "/api/weddings",
            {
                "coupleName": f"Couple {number}",
                "date": now.date().isoformat(),
                "venue": {"timeZone": "UTC"},
                "guestCount": 120,
                "timeline": [
                    {
                        "id": "ceremony",
                        "kind": "ceremony",
                        "title": "Ceremony",
                        "startsAt": _text(now - timedelta(minutes=30)),
                        "endsAt": _text(now + timedelta(hours=3)),
                    }
                ],
            },
        )
        return str(wedding["weddingId"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server."""

    url: str
    stream: str
    token: str
    process: psutil.Process

    def client(self) -> Client:
        """A new connection, as admin."""
        return Client(self.url, self.token)

    def kinesis(self) -> "KinesisClient":
        """An ordinary producer."""
        return boto3.client(
            "kinesis",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",  # noqa: S106 - the local server verifies no signatures
            config=Config(read_timeout=60),
        )

    def cpu_seconds(self) -> float:
        """What the server has used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def memory_mib(self) -> float:
        """What it holds now."""
        return float(self.process.memory_info().rss) / 2**20


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """A server on a free port, with data that goes away with it."""
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", _SERVE, "serve", "--port", "0", "--data", data],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        try:
            line = cast("IO[bytes]", process.stdout).readline()
            if not line:
                raise RuntimeError("the server ended before it was ready")
            told = json.loads(line)
            yield Served(
                url=told["url"],
                stream=told["stream"],
                token=told["tokens"]["admin"],
                process=psutil.Process(process.pid),
            )
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@dataclass(frozen=True, slots=True)
class Poll:
    """One request of a polling client. ``began`` is on the machine's monotonic clock.

    A status of 0 is no answer at all.
    """

    began: float
    ms: float
    status: int
    cache: str | None


Polled: TypeAlias = dict[str, list[Poll]]
"""By target, in the order of the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A client that asks for each of its targets, waits, and asks again."""

    targets: tuple[str, ...]
    pause_seconds: float


class Pollers:
    """Visitors in a process of their own, which ask again and again until they are stopped."""

    def __init__(self, server: Served, visitors: Sequence[Visitor]) -> None:
        context = get_context("spawn")
        self._stop = context.Event()
        self._found: Queue[Polled] = context.Queue()
        self._process = context.Process(
            target=_poll,
            args=(server.url, server.token, tuple(visitors), self._stop, self._found),
        )
        self._process.start()

    def stop(self) -> Polled:
        """End them; what they saw."""
        self._stop.set()
        found = self._found.get(timeout=90)
        self._process.join()
        return found


def _poll(
    url: str, token: str, visitors: tuple[Visitor, ...], stop: Event, found: "Queue[Polled]"
) -> None:
    polled: Polled = {target: [] for visitor in visitors for target in visitor.targets}
    threads = [
        threading.Thread(target=_visit, args=(url, token, visitor, stop, polled))
        for visitor in visitors
    ]
    for thread, visitor in zip(threads, visitors, strict=True):
        thread.start()
        # Not all at the same instant.
        time.sleep(visitor.pause_seconds / len(threads))
    for thread in threads:
        thread.join()
    found.put(polled)


def _visit(url: str, token: str, visitor: Visitor, stop: Event, into: Polled) -> None:
    with Client(url, token) as client:
        while not stop.is_set():
            for target in visitor.targets:
                into[target].append(_poll_once(client, target))
            stop.wait(visitor.pause_seconds)


def _poll_once(client: Client, target: str) -> Poll:
    began = time.monotonic()
    try:
        reached = client.ask("GET", target)
    except (OSError, http.client.HTTPException):
        client.close()  # the next request opens another line
        return Poll(began, (time.monotonic() - began) * 1000, 0, None)
    return Poll(began, reached.ms, reached.status, reached.cache)


def counted(client: Client, metric: str) -> int:
    """How many points of a metric the series route tells of."""
    answer = client.document("GET", f"/api/metrics/series?name={metric}&stat=count&window=1m")
    series = cast("list[Mapping[str, list[tuple[int, float]]]]", answer["series"])
    return round(sum(value for line in series for _, value in line["points"]))


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
