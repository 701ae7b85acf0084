"""Routes of the HTTP API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk.aws_apigatewayv2 import CfnIntegration, CfnRoute
from aws_cdk.aws_lambda import CfnPermission

from infra.cdk.acknowledgements import acknowledge
from wedsync.runtime.declarations import HttpTrigger
from wedsync.runtime.invocation import METHODS_OF_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

    from infra.cdk.constructs.function import DeclaredFunction
    from infra.cdk.stacks.api import HttpApiRef
    from wedsync.runtime.declarations import Declaration

DEFAULT = "$default"
_GATEWAY_SECONDS = 29


def route_key(trigger: HttpTrigger) -> str:
    """Tell what the gateway matches."""
    return DEFAULT if trigger.path == DEFAULT else f"{trigger.method} {trigger.path}"


def shape(path: str) -> str:
    """Strip the names of the path's variables: the gateway does not tell them apart."""
    return re.sub(r"\{\w+(\+?)\}", r"{\1}", path)


def known_paths(declarations: Sequence[Declaration]) -> dict[str, tuple[str, ...]]:
    """Every declared path once, with its methods. Raises ValueError where two want one route."""
    taken: dict[tuple[str, str], str] = {}
    paths: dict[str, str] = {}
    methods: dict[str, set[str]] = {}
    for each in declarations:
        if not isinstance(each.trigger, HttpTrigger):
            continue
        place = (each.trigger.method, shape(each.trigger.path))
        if place in taken:
            raise ValueError(f"{each.name} and {taken[place]} declare {route_key(each.trigger)}")
        taken[place] = each.name
        if each.trigger.path != DEFAULT:
            path = paths.setdefault(shape(each.trigger.path), each.trigger.path)
            methods.setdefault(path, set()).add(each.trigger.method)
    return {path: tuple(sorted(methods[path])) for path in sorted(methods)}


class Routes:
    """The routes of one function.

    The function behind ``$default`` also answers every known path for the methods that nobody
    declared, so that a wrong method is told apart from a wrong path.
    """

    def __init__(
        self,
        function: DeclaredFunction,
        declaration: Declaration,
        trigger: HttpTrigger,
        api: HttpApiRef,
    ) -> None:
        """Create the declared route and the right of the API to call the function for it."""
        if declaration.timeout_seconds > _GATEWAY_SECONDS:
            raise ValueError(f"{declaration.name}: the gateway waits {_GATEWAY_SECONDS} s at most")
        self._function = function
        self._trigger = trigger
        self._api = api
        self._add("Route", route_key(trigger), self._integrated("Integration"))
        called_for = "" if trigger.path == DEFAULT else trigger.path
        called_by(
            function,
            function_name=function.function.ref,
            source_arn=f"{api.arn}/*/*{called_for}",
        )

    def answer_other_methods(self, paths: Mapping[str, Sequence[str]]) -> None:
        """Add ``ANY <path>`` for each of these paths, which tells the path's methods."""
        telling: dict[str, CfnIntegration] = {}
        for path, methods in paths.items():
            told = ", ".join(methods)
            if told not in telling:
                telling[told] = self._integrated(f"Integration {told}", methods=told)
            self._add(f"Any {path}", f"ANY {path}", telling[told])

    def _integrated(self, name: str, *, methods: str | None = None) -> CfnIntegration:
        telling = {f"overwrite:header.{METHODS_OF_PATH}": methods}
        return CfnIntegration(
            self._function,
            name,
            api_id=self._api.api_id,
            integration_type="AWS_PROXY",
            integration_uri=self._function.arn,
            payload_format_version="2.0",
            request_parameters=None if methods is None else telling,
        )

    def _add(self, name: str, key: str, integration: CfnIntegration) -> None:
        proved = bool(self._trigger.roles)
        route = CfnRoute(
            self._function,
            _construct_id(name),
            api_id=self._api.api_id,
            route_key=key,
            target=f"integrations/{integration.ref}",
            authorization_type="CUSTOM" if proved else "NONE",
            authorizer_id=self._api.authorizer_id if proved else None,
        )
        if not proved:
            acknowledge(
                route,
                "AwsSolutions-APIG4",
                reason="Declared without roles: the answer is meant for callers without a token.",
            )


def _construct_id(name: str) -> str:
    return name.replace("/", "|")


def api_arn(api_id: str) -> str:
    """Give the ARN that calls of this API come from."""
    return f"arn:{Aws.PARTITION}:execute-api:{Aws.REGION}:{Aws.ACCOUNT_ID}:{api_id}"


def called_by(scope: Construct, *, function_name: str, source_arn: str) -> CfnPermission:
    """Let the gateway call a function for one source."""
    return CfnPermission(
        scope,
        "Call",
        action="lambda:InvokeFunction",
        function_name=function_name,
        principal="apigateway.amazonaws.com",
        source_arn=source_arn,
    )
