"""Messages that a function sends to its own future through the delay queue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from wedsync.cloud import Delayed
from wedsync.stores.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderWake:
    """Look whether something of this incident is due."""

    tenant_id: str
    incident_id: str
    kind: Literal["ladder"] = "ladder"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookWake:
    """Look whether something of this run of a runbook is due."""

    tenant_id: str
    execution_id: str
    kind: Literal["runbook"] = "runbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchWake:
    """Look at every wedding that has a run at this tick, and at every open alert."""

    due: datetime
    kind: Literal["watch"] = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsWake:
    """Look at every stream of requests: a minute is over, and its records have come."""

    kind: Literal["streams"] = "streams"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalWake:
    """Look whether this wedding's removal has begun and was not ended."""

    tenant_id: str
    wedding_id: str
    kind: Literal["removal"] = "removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyWake:
    """Look whether the tenant's emergency mode is over, and whether people know how it is."""

    tenant_id: str
    kind: Literal["emergency"] = "emergency"


Wake: TypeAlias = LadderWake | RunbookWake | WatchWake | StreamsWake | RemovalWake | EmergencyWake
_wakes: TypeAdapter[Wake] = TypeAdapter(Annotated[Wake, Field(discriminator="kind")])


def wake_later(services: Services, wake: Wake, *, after_seconds: int) -> None:
    """Put the message on the delay queue."""
    services.wake.send(Delayed(body=message_of(wake), delay_seconds=after_seconds))


def message_of(wake: Wake) -> str:
    """What is sent for it."""
    return _wakes.dump_json(wake).decode()


def read_wake(body: str) -> Wake:
    """The message that was sent. Raises ValueError for anything else."""
    return _wakes.validate_json(body)
