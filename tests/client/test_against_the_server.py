"""The client against a real server: what it took is counted, each point once, whatever fails."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from tests.client.points import point
from tests.harness import a_wedding_request
from tests.infra.local.processes import Server, eventually
from wedsync.client import (
    Accepted,
    Again,
    Batch,
    Client,
    HttpOutlet,
    Outcome,
    Outlet,
    Refused,
    Spool,
)
from wedsync.client.kinesis import KinesisOutlet

COMMAND = ("-c", "from infra.local.cli import main; main()")
POINTS = 400
NOBODY = "wsk_nobody"


@dataclass(frozen=True, slots=True)
class Platform:
    """A server, and a wedding that it knows."""

    server: Server
    wedding_id: str

    @property
    def url(self) -> str:
        return str(self.server.line["url"])

    def token(self, role: str = "admin") -> str:
        return cast("dict[str, str]", self.server.line["tokens"])[role]

    def now_ms(self) -> int:
        now = str(self.server.document("GET", "/_local/clock")["now"])
        return round(datetime.fromisoformat(now).timestamp() * 1000)

    def point(self, name: str, number: int) -> dict[str, object]:
        return point(self.wedding_id, name, number)

    def counted(self, name: str) -> dict[str, float]:
        """The sum of a metric by number."""
        query = f"name={name}&weddingId={self.wedding_id}&stat=sum&window=1m&timeRange=1h&groupBy=n"
        headers = {"authorization": f"Bearer {self.token()}"}
        status, _, body = self.server.ask("GET", f"/api/metrics/series?{query}", headers=headers)
        assert status == 200, body
        return {
            str(line["dims"]["n"]): sum(value for _, value in line["points"])
            for line in json.loads(body)["series"]
        }


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    data = tmp_path_factory.mktemp("data")
    server = Server(*COMMAND, "serve", "--port", "0", "--data", str(data))
    token = cast("dict[str, str]", server.line["tokens"])["admin"]
    headers = {"authorization": f"Bearer {token}"}
    status, _, body = server.ask("POST", "/api/weddings", a_wedding_request(), headers)
    assert status == 201, body
    yield Platform(server, json.loads(body)["weddingId"])
    server.end()


def test_a_producer_that_is_killed_in_mid_send_loses_and_doubles_nothing(
    platform: Platform, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.client.producer", json.dumps(platform.server.line)]
    command += [platform.wedding_id, str(tmp_path)]
    rng = random.Random(20260620)
    kept: list[int] = []
    unknown: set[int] = set()
    first = 0
    while first < POINTS:
        with subprocess.Popen(  # noqa: S603 - our own command
            [*command, str(first), str(POINTS)], stdout=subprocess.PIPE, text=True
        ) as producer:
            output = producer.stdout
            assert output is not None
            for _ in range(rng.randrange(60, 140)):
                if not (line := output.readline()):
                    break
                kept.append(int(line))
            else:
                time.sleep(rng.uniform(0, 0.05))
                os.kill(producer.pid, signal.SIGKILL)
            kept += [int(line) for line in output.read().split()]
        # What was being sent when the process died may have been kept, or not.
        unknown.add(kept[-1] + 1)
        first = kept[-1] + 2
    subprocess.run([*command, str(POINTS), str(POINTS)], check=True)  # noqa: S603 - our own command
    assert list(tmp_path.glob("*.batch")) == [], "the last one sends what the others left"
    eventually(lambda: set(map(str, kept)) <= platform.counted("numbered").keys())
    found = platform.counted("numbered")
    assert {number: found.get(str(number)) for number in kept} == dict.fromkeys(kept, 1.0)
    assert {int(number) for number in found} - set(kept) <= unknown
    assert set(found.values()) == {1.0}
    assert unknown, "it was killed at least once"


class Forgetful(HttpOutlet):
    """Sends each batch, and hears of it only at the third time."""

    def __init__(self, url: str, *, token: str) -> None:
        super().__init__(url, token=token)
        self.tries: dict[str, int] = {}

    def put(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        outcomes = list(super().put(batches))
        for batch in batches:
            self.tries[batch.batch_id] = self.tries.get(batch.batch_id, 0) + 1
        return [
            outcome if self.tries[batch.batch_id] > 2 else Again("the answer was lost")
            for batch, outcome in zip(batches, outcomes, strict=True)
        ]


def test_over_http_a_lost_answer_doubles_nothing(platform: Platform, tmp_path: Path) -> None:
    outlet = Forgetful(platform.url, token=platform.token("device"))
    points = [platform.point("by_http", number) for number in range(50)]
    points[::2] = [{**each, "eventId": str(at)} for at, each in enumerate(points[::2])]
    with Client(outlet, Spool(tmp_path), linger_seconds=0.05) as client:
        client.send(*points)
        assert client.flush()
    assert list(outlet.tries.values()) == [3, 3], "lines and a frame"
    expected = {str(number): 1.0 for number in range(50)}
    eventually(lambda: platform.counted("by_http") == expected)


@pytest.mark.parametrize("framed", [False, True])
def test_unsigned_records_double_nothing_either(platform: Platform, *, framed: bool) -> None:
    outlet = KinesisOutlet(platform.server.kinesis(), "wedsync-metrics")
    name = f"bare_{framed}"
    points = [{**platform.point(name, number), "ts": platform.now_ms()} for number in range(5)]
    batch = Batch("000000000001-00000000000000aa", lines_of(points), framed=framed)
    for _ in range(3):
        assert outlet.put([batch]) == [Accepted()]
    eventually(lambda: platform.counted(name) == {str(n): 1.0 for n in range(5)})


def lines_of(points: Sequence[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in points)


def signed(platform: Platform) -> KinesisOutlet:
    device = cast("dict[str, str]", platform.server.line["device"])
    return KinesisOutlet(
        platform.server.kinesis(),
        "wedsync-metrics",
        key_id=device["keyId"],
        secret=device["signingSecret"],
    )


def over_http(platform: Platform) -> HttpOutlet:
    return HttpOutlet(platform.url, token=platform.token("device"))


@pytest.mark.parametrize("outlet_of", [signed, over_http])
def test_batches_that_a_former_version_left_are_sent_as_it_sent_them(
    platform: Platform, tmp_path: Path, outlet_of: Callable[[Platform], Outlet]
) -> None:
    """It put lines alone on disk and may have sent them; only as the same lines are they known."""
    name = f"left_{outlet_of.__name__}"
    points = [{**platform.point(name, number), "ts": platform.now_ms()} for number in range(5)]
    batch_id = "000000000007-00000000000000ad"
    (tmp_path / f"{batch_id}.batch").write_bytes(lines_of(points) + b'{"torn')
    outlet = outlet_of(platform)
    assert outlet.put([Batch(batch_id, lines_of(points))]) == [Accepted()]
    with Client(outlet, Spool(tmp_path), linger_seconds=0) as client:
        client.send(platform.point(name, 5))
        assert client.flush()
    assert list(tmp_path.glob("*.batch")) == []
    eventually(lambda: platform.counted(name) == {str(n): 1.0 for n in range(6)})


def unsigned(platform: Platform) -> KinesisOutlet:
    return KinesisOutlet(platform.server.kinesis(), "wedsync-metrics")


@pytest.mark.parametrize("outlet_of", [signed, unsigned, over_http])
def test_lines_that_the_disk_has_damaged_cost_themselves_alone(
    platform: Platform, tmp_path: Path, outlet_of: Callable[[Platform], Outlet]
) -> None:
    name = f"damaged_{outlet_of.__name__}"
    points = [{**platform.point(name, number), "ts": platform.now_ms()} for number in range(2)]
    lines = b"\x00{half\n" + lines_of(points)
    (tmp_path / "000000000007-00000000000000ae.frame.batch").write_bytes(lines)
    with Client(outlet_of(platform), Spool(tmp_path), linger_seconds=0) as client:
        client.send(platform.point(name, 2))
        assert client.flush()
    eventually(lambda: platform.counted(name) == {str(n): 1.0 for n in range(3)})


def test_of_what_does_not_fit_one_call_each_call_tells_for_itself(platform: Platform) -> None:
    outlet = signed(platform)
    rng = random.Random(20260620)
    batches = [
        Batch(
            f"000000000001-{at:016x}",
            lines_of(
                [
                    {
                        **platform.point("large", at),
                        "dims": {"n": str(at), "x": rng.randbytes(128).hex()},
                    }
                    for _ in range(2_000)
                ]
            ),
        )
        for at in range(20)
    ]
    assert sum(len(batch.body) for batch in batches) > 5 * 1024 * 1024
    assert outlet.put(batches) == [Accepted()] * len(batches)


def test_what_the_platform_refuses_is_known_from_what_it_cannot_take_now(
    platform: Platform,
) -> None:
    url = platform.url
    batch = Batch("000000000001-00000000000000ab", b'{"name":"no kind"}\n')
    known = HttpOutlet(url, token=platform.token())
    (refused,) = known.put([batch])
    known.close()
    assert isinstance(refused, Refused)
    good = Batch("000000000001-00000000000000ac", b'{"name":"a","kind":"event","ts":1}\n')
    for outlet in (
        HttpOutlet(url, token=NOBODY),
        HttpOutlet("http://127.0.0.1:1", token=NOBODY),
        KinesisOutlet(platform.server.kinesis(), "no-such-stream"),
    ):
        (again,) = outlet.put([good])
        outlet.close()
        assert isinstance(again, Again), again


@pytest.mark.parametrize("url", ["ftp://a", "a", "http://"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        HttpOutlet(url, token=NOBODY)
