"""Writes to a local machine for ever, and says each thing that was acknowledged: to be killed."""

import sys
from itertools import count
from pathlib import Path

from infra.local.clock import RandomIds, RealClock
from infra.local.engine import LocalCloud
from wedsync.cloud import Absent, Delayed, Item, Key, Message, Record
from wedsync.resources import Resource


def write_for_ever(path: Path, life: str) -> None:
    """Print one line for each acknowledged round of writes."""
    clock = RealClock()
    with LocalCloud(path, clock=clock, ids=RandomIds(clock)) as machine:
        table = machine.table(Resource.ALERTS)
        stream = machine.stream(Resource.METRICS_STREAM)
        for number in count():
            name = f"{life}-{number}"
            table.put(Item(Key(life, name), {"raw": bytes(200)}), when=Absent())
            stream.put([Record(name, name.encode())])
            machine.queue(Resource.WAKE).send(Delayed(name, 900))
            machine.topic(Resource.TIER_0).publish(Message(subject="s", body=name))
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), sys.argv[2])
