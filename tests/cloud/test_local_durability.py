"""Killing the process loses nothing that was acknowledged."""

import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from tests.cloud.conftest import SATURDAY
from wedsync.resources import Resource

ROOT = Path(__file__).parents[2]


def killed_writer(path: Path, life: str, *, after_lines: int) -> list[str]:
    """What a writer acknowledged before it was killed with SIGKILL."""
    command = [sys.executable, "-m", "tests.cloud.durable_writer", str(path), life]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:  # noqa: S603 - our own module
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(after_lines)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    return [line.strip() for line in lines if line.endswith("\n")]


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "wedsync.db"
    acknowledged: list[str] = []
    for life in range(3):
        after_lines = random.Random(life).randint(1, 300)
        acknowledged += killed_writer(path, f"life{life}", after_lines=after_lines)
    assert len(acknowledged) >= 3
    clock = ManualClock(SATURDAY + timedelta(days=365 * 50))
    with LocalCloud(path, clock=clock, ids=SeededIds(1)) as machine:
        stream = machine.stream(Resource.METRICS_STREAM)
        put = {
            item.key.sk
            for life in range(3)
            for item in machine.table(Resource.ALERTS).query(f"life{life}").items
        }
        streamed = {
            record.data.decode()
            for shard in stream.shards()
            for record in stream.records(shard.shard_id, limit=10**6)
        }
        queued = machine.queue(Resource.WAKE).receive(limit=10**6, lease=timedelta(seconds=1))
        published = machine.outbox.published(limit=10**6)
    for kept in (
        put,
        streamed,
        {message.body for message in queued},
        {message.body for message in published},
    ):
        assert set(acknowledged) <= kept
