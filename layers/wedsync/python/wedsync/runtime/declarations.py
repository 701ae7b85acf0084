"""What a function says of itself, above its handler.

The CDK app, IAM grants, environment variables, the OpenAPI document, the local machine and the
tests all read this one declaration; there is no central list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from wedsync.cloud import Cloud
from wedsync.errors import WedSyncError
from wedsync.resources import Grant, Resource
from wedsync.settings import Settings
from wedsync.tenancy import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTrigger:
    """One route of the HTTP API. ``roles`` empty: no caller is needed.

    ``exact``: the body has exactly the members that are asked of it, and nothing beside them.
    """

    method: str
    path: str
    summary: str
    roles: frozenset[Role]
    raises: tuple[type[WedSyncError], ...] = ()
    status: int = 200
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTrigger:
    """Batches of a stream, with the rules of a Kinesis event source mapping.

    Retries are finite and a failing batch is bisected: the service's own defaults would let one
    poison record block its shard until its data expires.
    """

    stream: Resource
    batch_size: int = 500
    retries: int = 10
    max_age_seconds: int = 6 * 3600
    failures_to: Resource = Resource.QUARANTINE


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTrigger:
    """Runs every so many minutes since 1970, each time so many minutes after the multiple."""

    every_minutes: int
    after_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTrigger:
    """Messages of a delay queue, one batch at a time.

    ``topics`` publish into the queue too, each message in the envelope of SNS; ``only`` names the
    values of attributes that are wanted (a filter policy), None everything.
    """

    queue: Resource
    batch_size: int = 10
    topics: tuple[Resource, ...] = ()
    only: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerTrigger:
    """Asked by the HTTP API who is calling."""


Trigger: TypeAlias = (
    HttpTrigger | StreamTrigger | ScheduleTrigger | QueueTrigger | AuthorizerTrigger
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """Everything that the world outside the handler needs to know of a function.

    ``layers`` names the shared layers beside ``core``.
    """

    module: str
    summary: str
    trigger: Trigger
    uses: tuple[Grant, ...]
    memory_mb: int = 512
    timeout_seconds: int = 10
    layers: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The function's short name: its place in the tree, in dashes."""
        return self.module.removeprefix("functions.").replace(".", "-").replace("_", "-")

    @property
    def handler(self) -> str:
        """What Lambda calls."""
        return f"{self.module}.handler"

    @property
    def group(self) -> str:
        """The folder that it stands in; the functions of a group share a code asset."""
        return self.module.split(".")[1]


class LambdaContext(Protocol):
    """What is used of Lambda's context object."""

    @property
    def aws_request_id(self) -> str:
        """Id of this invocation."""


class Function(Protocol):
    """A declared function: callable by Lambda, and runnable on any cloud."""

    declaration: Declaration

    def __call__(self, event: object, context: LambdaContext) -> object:
        """Run on AWS, with the settings of the environment."""

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        """Run on this cloud."""


Body: TypeAlias = Callable[..., object]
