"""One declared function: its log, its role, its code."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy, Stack
from aws_cdk.aws_lambda import CfnFunction, CfnLayerVersion
from aws_cdk.aws_logs import CfnLogGroup
from constructs import Construct

from infra.cdk.acknowledgements import acknowledge
from infra.cdk.bundling import PYTHON, functions_asset, library_asset, third_party_asset
from infra.cdk.constructs.history import in_the_network_of_history
from infra.cdk.constructs.policy import FunctionRole
from infra.cdk.requirements import CORE, third_party
from infra.grants import as_deployed
from wedsync.resources import Resource

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk.aws_s3_assets import Asset

    from infra.cdk.addresses import Addresses
    from infra.cdk.deployment import Deployment
    from wedsync.runtime.declarations import Declaration

_ARCHITECTURE = "arm64"
_RUNTIME = f"python{PYTHON}"
_NAME_LENGTH = 64


def function_name(deployment: Deployment, declaration: Declaration) -> str:
    """Name the function; a name that is too long for Lambda ends in a digest of itself."""
    name = f"{deployment.prefix}-{declaration.name}"
    if len(name) <= _NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _NAME_LENGTH - 9]}-{digest}"


class Workshop:
    """The code and layers of one stack, each made when first asked for.

    Layers stand in each stack anew (from the same asset, uploaded once): a layer's ARN changes
    with its content, and an ARN that another stack imports could not change.
    """

    def __init__(self, stack: Stack, source: Path) -> None:
        """``source`` is the folder of all groups of functions."""
        self._stack = stack
        self._source = source
        self._layers: dict[str, CfnLayerVersion] = {}
        self._code: dict[str, Asset] = {}

    def code(self, group: str) -> CfnFunction.CodeProperty:
        """Where the code of a group lies."""
        if group not in self._code:
            self._code[group] = functions_asset(self._stack, self._source / group)
        asset = self._code[group]
        return CfnFunction.CodeProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key)

    def layers(self, declaration: Declaration) -> list[str]:
        """Give the ARNs of the function's layers. Raises ValueError for one that nobody builds."""
        unknown = set(declaration.layers) - set(third_party())
        if unknown:
            raise ValueError(f"{declaration.name}: no such layer: {', '.join(sorted(unknown))}")
        names = ("wedsync", CORE, *sorted(set(declaration.layers) - {CORE}))
        return [self._layer(name).ref for name in names]

    def _layer(self, name: str) -> CfnLayerVersion:
        if name not in self._layers:
            own = name == "wedsync"
            asset = library_asset(self._stack) if own else third_party_asset(self._stack, name)
            self._layers[name] = CfnLayerVersion(
                self._stack,
                f"LayerVersion-{name}",
                content=CfnLayerVersion.ContentProperty(
                    s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key
                ),
                compatible_architectures=[_ARCHITECTURE],
                compatible_runtimes=[_RUNTIME],
                description=f"wedsync: {name}",
            )
        return self._layers[name]


class DeclaredFunction(Construct):
    """A function as its declaration wants it, and nothing that it does not say."""

    def __init__(
        self,
        scope: Construct,
        *,
        declaration: Declaration,
        addresses: Addresses,
        workshop: Workshop,
    ) -> None:
        """Create it; its trigger is created beside it."""
        super().__init__(scope, declaration.name)
        deployment = addresses.deployment
        name = function_name(deployment, declaration)
        log = CfnLogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            kms_key_id=addresses.key_arn,
            retention_in_days=deployment.log_retention_days,
        )
        log.apply_removal_policy(
            RemovalPolicy.RETAIN if deployment.keeps_data else RemovalPolicy.DESTROY
        )
        role = FunctionRole(
            self, declaration=declaration, addresses=addresses, log_group_arn=log.attr_arn
        )
        self.function = CfnFunction(
            self,
            "Function",
            function_name=name,
            description=declaration.summary,
            handler=declaration.handler,
            code=workshop.code(declaration.group),
            layers=workshop.layers(declaration),
            role=role.attr_arn,
            runtime=_RUNTIME,
            architectures=[_ARCHITECTURE],
            memory_size=declaration.memory_mb,
            timeout=declaration.timeout_seconds,
            environment=CfnFunction.EnvironmentProperty(
                variables=_environment(declaration, addresses)
            ),
            tracing_config=CfnFunction.TracingConfigProperty(mode="Active"),
            vpc_config=_network(declaration, deployment),
            logging_config=CfnFunction.LoggingConfigProperty(log_group=log.ref),
        )
        acknowledge(
            self.function,
            "AwsSolutions-L1",
            reason="The newest Python that the whole test suite runs on, and numpy is locked for.",
        )

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return self.function.attr_arn


def _network(
    declaration: Declaration, deployment: Deployment
) -> CfnFunction.VpcConfigProperty | None:
    network = in_the_network_of_history(declaration, deployment)
    if network is None:
        return None
    return CfnFunction.VpcConfigProperty(
        subnet_ids=list(network.subnets), security_group_ids=list(network.security_groups)
    )


def _environment(declaration: Declaration, addresses: Addresses) -> dict[str, str]:
    deployment = addresses.deployment
    used = {grant.resource for grant in as_deployed(declaration.uses, deployment.history)}
    if Resource.HISTORY_TOKEN in used:
        used.add(Resource.HISTORY)  # where it is, beside what opens it
    return {
        "WEDSYNC_STAGE": deployment.stage.value,
        "WEDSYNC_OPERATOR_TENANT": deployment.operator_tenant,
        "WEDSYNC_PACKS": str(deployment.packs),
        "WEDSYNC_HISTORY_STORE": deployment.history.value,
        "WEDSYNC_STREAM_NAME": addresses.name(Resource.METRICS_STREAM),
        "WEDSYNC_REQUESTS_PER_MINUTE": str(deployment.requests_per_minute),
        "WEDSYNC_DEVICE_REQUESTS_PER_MINUTE": str(deployment.device_requests_per_minute),
        "WEDSYNC_TENANT_POINTS_PER_MINUTE": str(deployment.tenant_points_per_minute),
        **{each.variable: addresses.value(each) for each in Resource if each in used},
    }
