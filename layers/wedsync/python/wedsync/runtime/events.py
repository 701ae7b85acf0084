"""Functions that no caller waits for: streams, schedules, queues, and the authorizer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias, cast

from wedsync.cloud.memory import memory_of
from wedsync.isolation import failure_of
from wedsync.runtime.access import DeclaredCloud
from wedsync.runtime.aws import on_aws
from wedsync.runtime.declarations import (
    AuthorizerTrigger,
    Declaration,
    QueueTrigger,
    ScheduleTrigger,
    Trigger,
)
from wedsync.runtime.log import logger
from wedsync.stores.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wedsync.cloud import Cloud
    from wedsync.resources import Grant, Resource
    from wedsync.runtime.declarations import LambdaContext
    from wedsync.settings import Settings

    Event: TypeAlias = Mapping[str, object]


_USED = 0.75
"""The share of a function's time after which it begins nothing long any more."""


class EventFunction:
    """A declared function that is started by an event."""

    def __init__(
        self,
        declaration: Declaration,
        body: Callable[[Event, Services], object],
        doc: str | None,
    ) -> None:
        """``body`` takes the raw event and the declared stores."""
        self.declaration = declaration
        self.__doc__ = doc
        self._body = body

    def __call__(self, event: object, context: LambdaContext) -> object:
        """Run on AWS."""
        cloud, settings = on_aws()
        return self.run(event, context, cloud, settings)

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        """Run on this cloud; what is raised makes the trigger try again."""
        del context
        logger()  # what is logged below goes through it too
        services = Services(
            DeclaredCloud(cloud, self.declaration.uses),
            settings,
            memory=memory_of(cloud),
            seconds=self.declaration.timeout_seconds * _USED,
        )
        return self._body(cast("Event", event), services)


def schedule(
    *,
    every_minutes: int,
    after_minutes: int = 0,
    summary: str,
    uses: tuple[Grant, ...],
    layers: tuple[str, ...] = (),
    memory_mb: int = 512,
    timeout_seconds: int = 60,
) -> Callable[[Callable[[datetime, Services], None]], EventFunction]:
    """Declare a job that runs every so many minutes. It is given the time it was due.

    ``after_minutes`` moves its runs behind the full hour, or whatever its period begins with. A job
    that holds whole hours of a pack asks for ``memory_mb`` to hold the largest of anybody's.
    """

    def declare(handler: Callable[[datetime, Services], None]) -> EventFunction:
        def tick(event: Event, services: Services) -> object:
            due = datetime.fromisoformat(str(event["time"])).astimezone(UTC)
            handler(due, services)
            return None

        trigger = ScheduleTrigger(every_minutes=every_minutes, after_minutes=after_minutes)
        return declared_function(
            handler, tick, trigger, summary, uses, layers, memory_mb, timeout_seconds
        )

    return declare


def queue_consumer(
    queue: Resource,
    *,
    summary: str,
    uses: tuple[Grant, ...],
    layers: tuple[str, ...] = (),
    timeout_seconds: int = 60,
    topics: tuple[Resource, ...] = (),
    only: Mapping[str, tuple[str, ...]] | None = None,
    batch_size: int = 10,
) -> Callable[[Callable[[str, Services], None]], EventFunction]:
    """Declare the consumer of a delay queue; it is given one message's body at a time.

    What ``topics`` publish lies on the queue in the envelope of SNS.
    """

    def declare(handler: Callable[[str, Services], None]) -> EventFunction:
        def receive(event: Event, services: Services) -> object:
            failures = []
            for message in cast("list[dict[str, str]]", event["Records"]):
                name = message["messageId"]
                if failure_of(f"message {name}", handler, message["body"], services):
                    failures.append({"itemIdentifier": name})
            return {"batchItemFailures": failures}

        trigger = QueueTrigger(queue=queue, batch_size=batch_size, topics=topics, only=only)
        return declared_function(
            handler, receive, trigger, summary, uses, layers, 512, timeout_seconds
        )

    return declare


def authorizer(
    *, summary: str, uses: tuple[Grant, ...], layers: tuple[str, ...] = ()
) -> Callable[[Callable[[Mapping[str, str], Services], Mapping[str, str]]], EventFunction]:
    """Declare the function that tells the HTTP API who is calling.

    It never denies: an unproved caller gets an empty context, and the endpoint answers 401 as
    problem+json, which the gateway itself could not.
    """

    def declare(
        handler: Callable[[Mapping[str, str], Services], Mapping[str, str]],
    ) -> EventFunction:
        def decide(event: Event, services: Services) -> object:
            headers = cast("Mapping[str, str]", event.get("headers") or {})
            lowered = {name.lower(): value for name, value in headers.items()}
            return {"isAuthorized": True, "context": dict(handler(lowered, services))}

        return declared_function(
            handler, decide, AuthorizerTrigger(), summary, uses, layers, 512, 5
        )

    return declare


def declared_function(
    handler: Callable[..., object],
    body: Callable[[Event, Services], object],
    trigger: Trigger,
    summary: str,
    uses: tuple[Grant, ...],
    layers: tuple[str, ...],
    memory_mb: int,
    timeout_seconds: int,
) -> EventFunction:
    """The function of this handler, whose ``body`` takes the raw event."""
    return EventFunction(
        Declaration(
            module=handler.__module__,
            summary=summary,
            trigger=trigger,
            uses=uses,
            layers=layers,
            memory_mb=memory_mb,
            timeout_seconds=timeout_seconds,
        ),
        body,
        handler.__doc__,
    )
