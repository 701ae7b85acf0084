"""The whole app, from a deployment's settings and the declared functions."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from aws_cdk import Environment, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.cdk.addresses import Addresses
from infra.cdk.constructs.route import known_paths
from infra.cdk.stacks.api import ApiStack
from infra.cdk.stacks.data import DataStack
from infra.cdk.stacks.group import GroupStack
from infra.cdk.stacks.messaging import MessagingStack
from wedsync.runtime.declarations import AuthorizerTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aws_cdk import App

    from infra.cdk.deployment import Deployment
    from wedsync.runtime.declarations import Function


def add_stacks(
    app: App, *, deployment: Deployment, functions: Sequence[Function], source: Path
) -> None:
    """Add every stack; ``source`` is the folder that the groups of functions lie in.

    Synthesis fails on any finding of the security check that is not acknowledged.
    """
    env = Environment(account=deployment.account, region=deployment.region)
    declarations = [function.declaration for function in functions]
    paths = known_paths(declarations)
    data = DataStack(app, deployment=deployment, env=env)
    messaging = MessagingStack(
        app, deployment=deployment, env=env, key=data.key, declarations=declarations
    )
    addresses = Addresses(
        deployment=deployment,
        key_arn=data.key.key_arn,
        missed_arn=messaging.missed_arn,
        secret_arns=data.secret_arns,
        history_url=data.history_url,
    )
    api = ApiStack(app, env=env, addresses=addresses, declarations=declarations, source=source)
    api.add_stack_dependency(data)
    api.add_stack_dependency(messaging)
    addresses = replace(addresses, api_id=api.api.api_id)
    grouped = sorted(
        (each for each in declarations if not isinstance(each.trigger, AuthorizerTrigger)),
        key=lambda each: (each.group, each.name),
    )
    for group, members in groupby(grouped, key=lambda each: each.group):
        stack = GroupStack(
            app,
            group=group,
            env=env,
            addresses=addresses,
            api=api.api,
            declarations=list(members),
            paths=paths,
            source=source,
        )
        stack.add_stack_dependency(api)
    Tags.of(app).add("wedsync:stage", deployment.stage.value)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
