"""One folder of functions, with whatever starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from aws_cdk import Stack

from infra.cdk.constructs.event_source import poll_queue, poll_stream
from infra.cdk.constructs.function import DeclaredFunction, Workshop
from infra.cdk.constructs.route import DEFAULT, Routes
from infra.cdk.constructs.schedule import DeclaredSchedule
from wedsync.runtime.declarations import (
    AuthorizerTrigger,
    HttpTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aws_cdk import Environment
    from constructs import Construct

    from infra.cdk.addresses import Addresses
    from infra.cdk.stacks.api import HttpApiRef
    from wedsync.runtime.declarations import Declaration


class GroupStack(Stack):
    """The functions of a group; several stacks, because one holds 500 resources at most."""

    def __init__(
        self,
        scope: Construct,
        *,
        group: str,
        env: Environment,
        addresses: Addresses,
        api: HttpApiRef,
        declarations: Sequence[Declaration],
        paths: Mapping[str, Sequence[str]],
        source: Path,
    ) -> None:
        """``paths``: all known paths of every group and their methods, for the default route."""
        super().__init__(
            scope,
            f"{addresses.deployment.prefix}-functions-{group.replace('_', '-')}",
            env=env,
            description=f"WedSync monitoring: functions of {group}",
        )
        workshop = Workshop(self, source)
        for declaration in declarations:
            function = DeclaredFunction(
                self, declaration=declaration, addresses=addresses, workshop=workshop
            )
            match declaration.trigger:
                case HttpTrigger() as trigger:
                    routes = Routes(function, declaration, trigger, api)
                    if trigger.path == DEFAULT:
                        routes.answer_other_methods(paths)
                case StreamTrigger() as trigger:
                    poll_stream(
                        function,
                        trigger,
                        addresses,
                        batching_seconds=addresses.deployment.batching_seconds,
                    )
                case QueueTrigger() as trigger:
                    poll_queue(function, trigger, addresses)
                case ScheduleTrigger() as trigger:
                    DeclaredSchedule(
                        function, trigger=trigger, function=function, addresses=addresses
                    )
                case AuthorizerTrigger():
                    raise ValueError("the authorizer stands in the stack of the API")
                case _:
                    assert_never(declaration.trigger)
