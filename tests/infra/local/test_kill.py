"""Whatever was acknowledged survives kill -9, and is consumed after the restart."""

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.clock import RandomIds, RealClock
from infra.local.engine import LocalCloud
from tests.infra.local.processes import Server, eventually, served
from wedsync.resources import Resource

LIFETIMES = 3


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    rng = random.Random(20260620)
    acknowledged: list[str] = []
    for life in range(LIFETIMES):
        with served(tmp_path) as server:
            clients = [
                threading.Thread(target=_put_until_it_dies, args=(put, f"{life}-{n}", acknowledged))
                for n, put in enumerate((_by_kinesis(server), _by_http(server)))
            ]
            for client in clients:
                client.start()
            time.sleep(rng.uniform(0.1, 0.6))
            server.kill()
            for client in clients:
                client.join()
    assert len(acknowledged) > 40 * LIFETIMES
    with served(tmp_path) as server:
        server.ask("POST", "/api/records", b"the-last", {"authorization": "Bearer t"})
        eventually(lambda: server.has_seen("the-last"))
        eventually(lambda: all(server.has_seen(name) for name in acknowledged[-2:]))
        server.end()
    clock = RealClock()
    with LocalCloud(tmp_path / "wedsync.sqlite", clock=clock, ids=RandomIds(clock)) as cloud:
        seen = {name.removeprefix("seen/") for name in cloud.bucket(Resource.QUARANTINE).names()}
    assert set(acknowledged) <= seen


def _put_until_it_dies(put: Callable[[list[str]], None], prefix: str, done: list[str]) -> None:
    number = 0
    with contextlib.suppress(BotoCoreError, ClientError, OSError, http.client.HTTPException):
        while True:
            names = [f"{prefix}-{number + n}" for n in range(5)]
            put(names)
            done.extend(names)
            number += len(names)


def _by_kinesis(server: Server) -> Callable[[list[str]], None]:
    kinesis = server.kinesis()

    def put(names: list[str]) -> None:
        kinesis.put_records(
            StreamName="wedsync-metrics",
            Records=[{"Data": name.encode(), "PartitionKey": name} for name in names],
        )

    return put


def _by_http(server: Server) -> Callable[[list[str]], None]:
    def put(names: list[str]) -> None:
        body = " ".join(names).encode()
        status, _, _ = server.ask("POST", "/api/records", body, {"authorization": "Bearer t"})
        if status != 202:
            raise OSError(status)

    return put
