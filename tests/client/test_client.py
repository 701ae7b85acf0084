import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.client.fakes import Told, failing_at_first, never
from wedsync.client import Accepted, Client, Refused, SendingEnded, Spool, SpoolFull

POINT = {"name": "guests.seated", "kind": "counter", "value": 1}


def points(told: Told) -> list[dict[str, object]]:
    return [json.loads(line) for batch in told.batches for line in batch.lines.splitlines()]


def test_what_is_sent_arrives_with_a_time_and_leaves_the_disk(tmp_path: Path) -> None:
    told = Told()
    with Client(told, Spool(tmp_path), clock=lambda: 1_781_964_300.5) as client:
        client.send(POINT, {**POINT, "ts": 1_781_964_200_007})
        client.send({**POINT, "ts": datetime(2026, 6, 20, 14, 5, tzinfo=UTC)})
        assert client.flush()
    times = [1_781_964_300_500, 1_781_964_200_007, 1_781_964_300_000]
    assert [point["ts"] for point in points(told)] == times
    assert list(tmp_path.glob("*.batch")) == []


def test_points_that_come_together_share_a_batch(tmp_path: Path) -> None:
    told = Told()
    with Client(told, Spool(tmp_path), linger_seconds=0.3) as client:
        for _ in range(20):
            client.send(POINT)
    assert len(told.batches) == 1


def test_only_what_failed_comes_again_and_under_its_id(tmp_path: Path) -> None:
    failing = failing_at_first(2)
    spared: set[str] = set()

    def half(batch: object) -> object:
        place = json.loads(batch.lines.partition(b"\n")[0])["value"]  # type: ignore[attr-defined] # a batch
        if place % 2:
            return failing(batch)  # type: ignore[arg-type] # a batch
        spared.add(batch.batch_id)  # type: ignore[attr-defined] # a batch
        return Accepted()

    spool = Spool(tmp_path)
    for value in range(6):
        spool.append([json.dumps({**POINT, "value": value}).encode()])
        spool.seal()
    told = Told(half)  # type: ignore[arg-type] # answers outcomes
    with Client(told, spool) as client:
        assert client.flush()
    times = [sum(each.batch_id == one for each in told.batches) for one in spared]
    assert times == [1, 1, 1]
    assert sorted(len(call) for call in told.calls) == [3, 3, 6]
    assert len({batch.lines for batch in told.batches}) == 6


def test_a_platform_that_is_away_costs_nothing_but_time(tmp_path: Path) -> None:
    with Client(Told(never), Spool(tmp_path), linger_seconds=0) as client:
        client.send(POINT)
        assert not client.flush(timeout_seconds=0.3)
        assert not client.close(timeout_seconds=0.1)
        with pytest.raises(SendingEnded):
            client.send(POINT)
    told = Told()
    with Client(told, Spool(tmp_path)) as client:
        assert client.flush()
    assert len(points(told)) == 1


def test_tries_come_at_growing_random_distances(tmp_path: Path) -> None:
    told = Told(never)
    client = Client(told, Spool(tmp_path), linger_seconds=0)
    client.send(POINT)
    time.sleep(1.5)
    client.close(timeout_seconds=0)
    assert 3 <= len(told.calls) <= 40


def test_what_is_refused_for_good_is_set_aside_and_holds_up_nothing(tmp_path: Path) -> None:
    told = Told(lambda _: Refused("400"))
    with Client(told, Spool(tmp_path)) as client:
        client.send(POINT)
        assert client.flush()
        told.answer = lambda _: Accepted()
        client.send(POINT)
    assert len(told.batches) == 2
    assert len(list(tmp_path.glob("*.refused"))) == 1


def test_a_full_spool_is_told_to_who_sends(tmp_path: Path) -> None:
    client = Client(Told(never), Spool(tmp_path, most_bytes=150), linger_seconds=9)
    client.send(POINT)
    with pytest.raises(SpoolFull):
        client.send(POINT, POINT)
    client.close(timeout_seconds=0)


@pytest.mark.parametrize("value", [float("nan"), "x" * 300_000, b"bytes", object()])
def test_what_cannot_be_sent_is_refused_before_anything_is_kept(
    tmp_path: Path, value: object
) -> None:
    told = Told()
    with Client(told, Spool(tmp_path)) as client:
        with pytest.raises((ValueError, TypeError)):
            client.send(POINT, {**POINT, "value": value})
        client.send(POINT)
    assert len(points(told)) == 1


def test_a_process_that_forgets_to_close_ends_nevertheless(tmp_path: Path) -> None:
    code = f"""
from tests.client.fakes import Told, never
from wedsync.client import Client, Spool
Client(Told(never), Spool({str(tmp_path)!r})).send({POINT!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)  # noqa: S603 - our own code
    assert len(list(tmp_path.glob("*.batch"))) == 1


def test_the_client_brings_nothing_with_it() -> None:
    code = """
import sys
import wedsync.client
http = {name.partition(".")[0] for name in sys.modules}
import wedsync.client.kinesis
stream = {name.partition(".")[0] for name in sys.modules}
print(sorted(http - set(sys.stdlib_module_names) - before))
print(sorted(stream & {"numpy", "pydantic", "zstandard", "brotli", "jwt"}))
"""
    code = "import sys\nbefore = {name.partition('.')[0] for name in sys.modules}" + code
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == ["['wedsync']", "[]"]
