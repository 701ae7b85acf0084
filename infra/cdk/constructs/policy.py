"""A role that may do exactly what was declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from aws_cdk import Aws
from aws_cdk.aws_iam import CfnRole

from infra.cdk.acknowledgements import acknowledge
from infra.cdk.constructs.history import in_the_network_of_history
from infra.grants import (
    CONSUMING,
    PARKING,
    SENDING_FAILURES,
    Meaning,
    as_deployed,
    meanings,
    service,
)
from wedsync.resources import Access, Grant, Resource, ResourceKind
from wedsync.runtime.declarations import QueueTrigger, ScheduleTrigger, StreamTrigger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import Construct

    from infra.cdk.addresses import Addresses
    from wedsync.runtime.declarations import Declaration

Statement: TypeAlias = "dict[str, object]"
Allowed: TypeAlias = "tuple[tuple[str, ...], tuple[str, ...]]"
"""Actions, and the ARNs that they are allowed on."""

_TRACING: Final[Statement] = {
    "Effect": "Allow",
    "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    "Resource": "*",
}
_STANDING_IN_A_NETWORK: Final[Statement] = {
    "Effect": "Allow",
    "Action": [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    "Resource": "*",
}


def declared_statements(declaration: Declaration, addresses: Addresses) -> list[Statement]:
    """Allow what the declaration grants, and what its trigger needs to run it."""
    history = addresses.deployment.history
    needs = [
        (grant.resource, meaning)
        for grant in merged(as_deployed(declaration.uses, history))
        for meaning in meanings(grant)
    ]
    match declaration.trigger:
        case StreamTrigger() as trigger:
            needs.append((trigger.stream, CONSUMING[trigger.stream.kind]))
            needs.append((trigger.failures_to, PARKING))
        case QueueTrigger() as trigger:
            needs.append((trigger.queue, CONSUMING[trigger.queue.kind]))
        case _:
            pass
    allowed = [
        each for resource, meaning in needs for each in _on_resource(resource, meaning, addresses)
    ]
    key_needs = [(resource.kind, meaning) for resource, meaning in needs]
    if isinstance(declaration.trigger, ScheduleTrigger):
        allowed.extend(_missed(addresses))
        key_needs.append((ResourceKind.QUEUE, SENDING_FAILURES))
    return [*_statements(allowed), *key_statements(key_needs, addresses)]


def missed_statements(addresses: Addresses) -> list[Statement]:
    """Allow to put what was given up where an operator finds it."""
    return _statements(_missed(addresses))


def _missed(addresses: Addresses) -> list[Allowed]:
    return [
        (permission.actions, (addresses.missed_arn,)) for permission in SENDING_FAILURES.permissions
    ]


def key_statements(
    needs: Iterable[tuple[ResourceKind, Meaning]], addresses: Addresses
) -> list[Statement]:
    """Allow to use the bundle's key, only through the services whose resources are used."""
    actions: dict[str, set[str]] = {}
    for kind, meaning in needs:
        if meaning.key_actions:
            actions.setdefault(service(kind), set()).update(meaning.key_actions)
    return [
        {
            **_allow(sorted(actions[name]), (addresses.key_arn,)),
            "Condition": {"StringEquals": {"kms:ViaService": f"{name}.{Aws.REGION}.amazonaws.com"}},
        }
        for name in sorted(actions)
    ]


def merged(uses: Iterable[Grant]) -> tuple[Grant, ...]:
    """One grant a resource, in a stable order."""
    access: dict[Resource, frozenset[Access]] = {}
    for grant in uses:
        access[grant.resource] = access.get(grant.resource, frozenset()) | grant.access
    return tuple(Grant(resource, access[resource]) for resource in Resource if resource in access)


class FunctionRole(CfnRole):
    """The role of one function, of no other."""

    def __init__(
        self,
        scope: Construct,
        *,
        declaration: Declaration,
        addresses: Addresses,
        log_group_arn: str,
    ) -> None:
        """Allow the declared grants, the function's own log and its traces."""
        logging = _allow(("logs:CreateLogStream", "logs:PutLogEvents"), (log_group_arn,))
        declared = declared_statements(declaration, addresses)
        runtime = [logging, _TRACING]
        if in_the_network_of_history(declaration, addresses.deployment) is not None:
            runtime.append(_STANDING_IN_A_NETWORK)
        super().__init__(
            scope,
            "Role",
            assume_role_policy_document=assumed_by("lambda.amazonaws.com"),
            description=f"What {declaration.name} declares",
            policies=[_policy("declared", declared), _policy("runtime", runtime)]
            if declared
            else [_policy("runtime", runtime)],
        )
        acknowledge(
            self,
            "AwsSolutions-IAM5[Resource::*]",
            reason=(
                "Traces, Timestream's endpoints, network interfaces and CloudWatch's figures "
                "belong to no resource: IAM knows no narrower one for these actions."
            ),
        )
        for grant in merged(declaration.uses):
            self._acknowledge_objects(grant.resource, addresses)
        if isinstance(declaration.trigger, StreamTrigger):
            self._acknowledge_objects(declaration.trigger.failures_to, addresses)

    def _acknowledge_objects(self, resource: Resource, addresses: Addresses) -> None:
        if resource.kind is not ResourceKind.BUCKET:
            return
        name = addresses.name(resource)
        for pseudo in ("AccountId", "Region"):
            token = Aws.ACCOUNT_ID if pseudo == "AccountId" else Aws.REGION
            name = name.replace(token, f"<AWS::{pseudo}>")
        acknowledge(
            self,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/*]",
            reason="Objects are named by frame and record; the bucket itself is named exactly.",
        )


def assumed_by(principal: str, condition: Statement | None = None) -> Statement:
    """Trust one service."""
    trust: Statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": principal},
    }
    if condition is not None:
        trust["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [trust]}


def _policy(name: str, statements: list[Statement]) -> CfnRole.PolicyProperty:
    document = {"Version": "2012-10-17", "Statement": statements}
    return CfnRole.PolicyProperty(policy_name=name, policy_document=document)


def _on_resource(resource: Resource, meaning: Meaning, addresses: Addresses) -> list[Allowed]:
    found = []
    for permission in meaning.permissions:
        arns = addresses.arns(resource, permission.part)
        if arns:
            found.append((permission.actions, arns))
    return found


def _statements(allowed: Iterable[Allowed]) -> list[Statement]:
    """One statement for what is allowed on the same: a role's policies have 10,240 characters."""
    actions: dict[tuple[str, ...], set[str]] = {}
    for names, arns in allowed:
        actions.setdefault(arns, set()).update(names)
    return [_allow(sorted(names), arns) for arns, names in actions.items()]


def _allow(actions: Iterable[str], resources: Iterable[str]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
