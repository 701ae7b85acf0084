"""A server process with a few functions of its own: ``python -m tests.infra.local.served``."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from infra.local.server import ServeOptions, serve
from wedsync.cloud import Arrived, Delayed, Message, Record
from wedsync.resources import Resource
from wedsync.runtime.declarations import Function
from wedsync.runtime.events import authorizer, queue_consumer, schedule
from wedsync.runtime.http import FromCaller, Injected, RawBody, endpoint
from wedsync.runtime.stream_consumers import stream_consumer
from wedsync.stores.services import Services

_Handler = TypeVar("_Handler", bound=Callable[..., object])


def called(name: str) -> Callable[[_Handler], _Handler]:
    """Give a function the module that it would stand in."""

    def rename(handler: _Handler) -> _Handler:
        handler.__module__ = f"functions.{name}"
        return handler

    return rename


@authorizer(summary="Everybody is the demo's admin", uses=())
@called("account.authorizer")
def authorize(headers: Mapping[str, str], services: Services) -> Mapping[str, str]:
    del services
    if "authorization" not in headers:
        return {}
    return {"tenant": "demo", "subject": "s", "role": "admin", "vendorId": ""}


@endpoint(
    "POST /api/records",
    summary="Put",
    uses=(Resource.METRICS_STREAM.send(),),
    status=202,
    takes_raw_body=True,
)
@called("metrics.ingest")
def ingest(caller: FromCaller, services: Injected, body: RawBody) -> dict[str, int]:
    del caller
    services.metrics_stream.put([Record("w1", line.encode()) for line in body.decode().split()])
    return {"accepted": len(body.split())}


@endpoint("GET /api/seen/{name}", summary="Look", uses=(Resource.QUARANTINE.read(),), roles=())
@called("metrics.seen")
def seen(name: str, services: Injected) -> dict[str, object]:
    return {"seen": services.quarantine.get(f"seen/{name}") is not None, "padding": "x" * 2000}


@stream_consumer(
    Resource.METRICS_STREAM,
    summary="Remember every record",
    uses=(Resource.QUARANTINE.write(), Resource.TIER_0.send(), Resource.WAKE.send()),
)
@called("streams.consumer")
def consume(records: Sequence[Arrived], services: Services) -> None:
    for record in records:
        text = record.data.decode()
        services.quarantine.put(f"seen/{text}", record.sequence.encode())
        if text.startswith("page"):
            page = Message(subject="a page", body=text, attributes={"tier": 0})
            services.topic_of_tier(0).publish(page)
            services.wake.send(Delayed(text, 300))


@schedule(every_minutes=1, summary="Tick", uses=(Resource.QUARANTINE.write(),))
@called("schedules.tick")
def tick(due: datetime, services: Services) -> None:
    services.quarantine.put(f"seen/tick-{due:%H:%M}", b"")


@queue_consumer(Resource.WAKE, summary="Wake", uses=(Resource.QUARANTINE.write(),))
@called("streams.wake")
def wake(body: str, services: Services) -> None:
    services.quarantine.put(f"seen/woken-{body}", b"")


FUNCTIONS: tuple[Function, ...] = (authorize, ingest, seen, consume, tick, wake)

if __name__ == "__main__":
    data, clock = sys.argv[1:]
    serve(
        ServeOptions(
            port=0,
            data=Path(data),
            manual_clock=clock == "manual",
            start=datetime(2026, 6, 20, 14, 0, 30, tzinfo=UTC) if clock == "manual" else None,
        ),
        lambda: FUNCTIONS,
    )
