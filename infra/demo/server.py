"""The real server as a child process, and an ordinary HTTP client of it that times each answer."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException
from threading import Lock
from urllib.parse import urlencode, urlsplit

JsonObject = Mapping[str, object]

_COMMAND = "from infra.local.cli import main; main()"
_GRACE_SECONDS = 10


class ServerDidNotStart(Exception):
    """The server ended before it was ready, and has said why."""


class ServerGone(Exception):
    """The server does not answer any more."""


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The server's ready line."""

    url: str
    kinesis_endpoint: str
    stream: str
    token: str
    key_id: str
    signing_secret: str

    @classmethod
    def of(cls, line: bytes) -> "Ready":
        """Read the line."""
        said = json.loads(line)
        return cls(
            url=said["url"],
            kinesis_endpoint=said["kinesisEndpoint"],
            stream=said["stream"],
            token=said["tokens"]["admin"],
            key_id=said["device"]["keyId"],
            signing_secret=said["device"]["signingSecret"],
        )


@contextlib.contextmanager
def running_server(*, port: int, speed: float) -> Iterator[Ready]:
    """Run a server whose data goes when it goes. Raises ServerDidNotStart."""
    command = [sys.executable, "-c", _COMMAND, "serve", "--port", str(port), "--speed", str(speed)]
    # A session of its own: Ctrl-C is for the demo, which then ends its server.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own command
    try:
        output = process.stdout
        line = output.readline() if output is not None else b""
        if not line:
            raise ServerDidNotStart
        yield Ready.of(line)
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as its client saw it."""

    at: datetime
    route: str
    status: int
    took_ms: float


class Client:
    """One connection. What it measures of its own requests is kept for whoever sends it on."""

    def __init__(self, ready: Ready, *, speed: float = 1.0) -> None:
        parts = urlsplit(ready.url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._token = ready.token
        self._speed = speed
        self._lock = Lock()
        self._calls: list[Call] = []
        began = time.perf_counter()
        answer = self._request("GET", "/_local/clock", None)[1]
        self._began = (began + time.perf_counter()) / 2
        self._start = datetime.fromisoformat(str(answer["now"]))

    def now(self) -> datetime:
        """The server's clock, which may run faster than this machine's."""
        return self._start + timedelta(seconds=(time.perf_counter() - self._began) * self._speed)

    def get(self, path: str, *, route: str = "", **query: str) -> JsonObject:
        """Read a resource; ``route`` names the path without its ids. Raises Refused."""
        target = f"{path}?{urlencode(query)}" if query else path
        return self.call("GET", target, route=route or path)

    def post(self, path: str, document: object = None) -> JsonObject:
        """Create, or act. Raises Refused."""
        return self.call("POST", path, document, route=path)

    def call(self, method: str, target: str, document: object = None, *, route: str) -> JsonObject:
        """Make one request and keep how long it took."""
        with self._lock:
            began = time.perf_counter()
            status, answer = self._request(method, target, document)
            took_ms = (time.perf_counter() - began) * 1000
            at = self.now()
            self._calls.append(
                Call(at=at, route=f"{method} {route}", status=status, took_ms=took_ms)
            )
        if status >= 400:
            raise Refused(status, str(answer.get("detail")))
        return answer

    def taken_calls(self) -> list[Call]:
        """The calls since this was asked last."""
        with self._lock:
            calls, self._calls = self._calls, []
        return calls

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _request(self, method: str, target: str, document: object) -> tuple[int, JsonObject]:
        body = None if document is None else json.dumps(document)
        headers = {"authorization": f"Bearer {self._token}"}
        try:
            self._connection.request(method, target, body=body, headers=headers)
            response = self._connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        except (HTTPException, OSError) as error:
            self._connection.close()
            raise ServerGone from error
        return response.status, answer if isinstance(answer, dict) else {"items": answer}
