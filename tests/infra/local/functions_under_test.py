"""Small declared functions, and scripted ones, for a machine under test."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias, cast

from infra.local.clock import ManualClock, SeededIds
from infra.local.engine import LocalCloud
from infra.local.machine import Machine
from wedsync.cloud import Cloud, Record
from wedsync.resources import Resource
from wedsync.runtime.declarations import (
    Declaration,
    Function,
    LambdaContext,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
    Trigger,
)
from wedsync.settings import Settings

SATURDAY = datetime(2026, 6, 20, 14, 0, 30, tzinfo=UTC)

Event: TypeAlias = Mapping[str, object]
Script: TypeAlias = Callable[[Event, Cloud], object]


class Scripted:
    """A function that does what a test says, and remembers what it was given."""

    def __init__(self, name: str, trigger: Trigger, script: Script = lambda *_: None) -> None:
        self.declaration = Declaration(
            module=f"functions.{name}", summary=name, trigger=trigger, uses=()
        )
        self.script = script
        self.events: list[Event] = []

    def __call__(self, event: object, context: LambdaContext) -> object:
        raise NotImplementedError

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        del context, settings
        given = cast("Event", event)
        self.events.append(given)
        return self.script(given, cloud)


def a_consumer(script: Script = lambda *_: None, **rules: int) -> Scripted:
    trigger = StreamTrigger(stream=Resource.METRICS_STREAM, **rules)  # type: ignore[arg-type] # whole numbers only
    return Scripted("streams.ingest", trigger, script)


def a_job(
    script: Script = lambda *_: None, *, every: int = 1, name: str = "schedules.tick"
) -> Scripted:
    return Scripted(name, ScheduleTrigger(every_minutes=every), script)


def a_waker(script: Script = lambda *_: None) -> Scripted:
    return Scripted("streams.wake", QueueTrigger(queue=Resource.WAKE), script)


def a_cloud(
    path: Path | None = None, *, at: datetime = SATURDAY, shards: int = 1
) -> tuple[LocalCloud, ManualClock]:
    clock = ManualClock(at)
    return LocalCloud(path, clock=clock, ids=SeededIds(7), shards=shards), clock


def a_machine(cloud: LocalCloud, *functions: Function) -> Machine:
    return Machine(cloud, functions, Settings())


def put(cloud: Cloud, *texts: str, key: str = "w1") -> None:
    cloud.stream(Resource.METRICS_STREAM).put([Record(key, text.encode()) for text in texts])


def records_of(event: Event) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", event["Records"])


def data_of(event: Event) -> list[str]:
    """The payloads of a Kinesis event."""
    from base64 import b64decode

    kinesis = [cast("Mapping[str, str]", record["kinesis"]) for record in records_of(event)]
    return [b64decode(record["data"]).decode() for record in kinesis]


def sequences_of(event: Event) -> list[str]:
    kinesis = [cast("Mapping[str, str]", record["kinesis"]) for record in records_of(event)]
    return [record["sequenceNumber"] for record in kinesis]


def failing(*names: str | None) -> Mapping[str, object]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


def kept_failures(cloud: LocalCloud) -> list[dict[str, object]]:
    bucket = cloud.bucket(Resource.QUARANTINE)
    return [json.loads(bucket.get(name) or b"{}") for name in bucket.names()]
