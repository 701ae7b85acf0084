"""Server processes for tests: started, asked, killed."""

import contextlib
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

ROOT = Path(__file__).parents[3]
_READY_SECONDS = 20.0


def in_scratch(folder: Path | None) -> tuple[str, ...]:
    """What runs a command where passing files lie in this folder: no other server is seen there."""
    return () if folder is None else ("/usr/bin/env", f"TMPDIR={folder}")


class Server:
    """A running server process and its ready line."""

    def __init__(self, *command: str, scratch: Path | None = None) -> None:
        began = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [*in_scratch(scratch), sys.executable, *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output = cast("IO[bytes]", self.process.stdout)
        readable, _, _ = select.select([output], [], [], _READY_SECONDS)
        line = output.readline() if readable else b""
        self.ready_after_seconds = time.monotonic() - began
        if not line:
            self.process.kill()
            raise AssertionError(f"never ready: {self.process.communicate()[1].decode()}")
        self.line: dict[str, object] = json.loads(line)
        address = urlsplit(str(self.line["url"]))
        self.host, self.port = address.hostname or "", address.port or 0

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | object = b"",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request on a connection of its own."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, target, sent, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def document(self, method: str, target: str, body: object = b"") -> dict[str, object]:
        """The JSON answer of a request that succeeds."""
        status, _, answer = self.ask(method, target, body)
        assert 200 <= status < 300, (status, answer)
        return cast("dict[str, object]", json.loads(answer))

    def kinesis(self) -> "KinesisClient":
        """An ordinary client."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "kinesis",
            endpoint_url=str(self.line["kinesisEndpoint"]),
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",  # noqa: S106 - signatures are not verified
            config=Config(retries={"total_max_attempts": 1}, read_timeout=10),
        )

    def has_seen(self, name: str) -> bool:
        return bool(self.document("GET", f"/api/seen/{name}")["seen"])

    def kill(self) -> None:
        """As a power cut would."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def end(self) -> tuple[int, bytes]:
        """Ask it to end; its exit code and whatever else it wrote to stdout."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=20)
        return self.process.returncode, rest


@contextlib.contextmanager
def served(data: Path, clock: str = "real") -> Iterator[Server]:
    """The server with the functions of ``served.py``."""
    server = Server("-m", "tests.infra.local.served", str(data), clock)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def eventually(holds: Callable[[], bool], *, within_seconds: float = 10.0) -> float:
    """Wait until it holds; how long that took."""
    began = time.perf_counter()
    while not holds():
        if time.perf_counter() - began > within_seconds:
            raise AssertionError("it never held")
        time.sleep(0.002)
    return time.perf_counter() - began
