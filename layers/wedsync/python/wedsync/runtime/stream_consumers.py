"""Consumers of streams, apart from other functions: they alone need a fast reader of base64."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast

import msgspec

from wedsync.cloud import Arrived
from wedsync.errors import Unavailable
from wedsync.runtime.declarations import StreamTrigger
from wedsync.runtime.events import EventFunction, declared_function
from wedsync.runtime.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wedsync.resources import Grant, Resource
    from wedsync.runtime.events import Event
    from wedsync.stores.services import Services


def stream_consumer(
    stream: Resource,
    *,
    summary: str,
    uses: tuple[Grant, ...],
    layers: tuple[str, ...] = (),
    memory_mb: int = 1769,
    timeout_seconds: int = 60,
) -> Callable[[Callable[[Sequence[Arrived], Services], None]], EventFunction]:
    """Declare the consumer of a stream. It parks what is poison and raises nothing for it.

    When the cloud fails (``Unavailable``) the whole batch is reported from its first record on:
    writes are idempotent, so that what was done is met again and changes nothing.
    """

    def declare(handler: Callable[[Sequence[Arrived], Services], None]) -> EventFunction:
        def consume(event: Event, services: Services) -> object:
            records = tuple(_arrived(event))
            try:
                handler(records, services)
            except Unavailable as error:
                logger().warning("batch will be tried again", extra={"code": error.code})
                first = records[0].sequence
                return {"batchItemFailures": [{"itemIdentifier": first}]}
            return {"batchItemFailures": []}

        trigger = StreamTrigger(stream=stream)
        return declared_function(
            handler, consume, trigger, summary, uses, layers, memory_mb, timeout_seconds
        )

    return declare


def from_base64(text: str) -> bytes:
    """What this text stands for; raises ValueError where it is no base64.

    The library's reader takes a quarter of the time that Python's own takes. What it refuses,
    such as a text with line breaks, is left to the other.
    """
    try:
        return msgspec.convert(text, bytes)
    except msgspec.ValidationError:
        return base64.b64decode(text)


def _arrived(event: Event) -> Iterator[Arrived]:
    for record in cast("list[dict[str, object]]", event["Records"]):
        kinesis = cast("dict[str, object]", record["kinesis"])
        shard, _, _ = str(record["eventID"]).partition(":")
        yield Arrived(
            stream=str(record["eventSourceARN"]).rpartition("/")[2],
            shard=shard,
            sequence=str(kinesis["sequenceNumber"]),
            data=from_base64(str(kinesis["data"])),
            arrived_at_ms=round(
                float(cast("float", kinesis["approximateArrivalTimestamp"])) * 1000
            ),
        )
