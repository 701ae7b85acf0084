"""The HTTP API itself: its door, its log, and who stands at the door. Routes come with groups."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Aws, CfnOutput, RemovalPolicy, Stack
from aws_cdk.aws_apigatewayv2 import CfnApi, CfnAuthorizer, CfnStage
from aws_cdk.aws_logs import CfnLogGroup

from infra.cdk.constructs.function import DeclaredFunction, Workshop
from infra.cdk.constructs.route import api_arn, called_by
from wedsync.runtime.declarations import AuthorizerTrigger, HttpTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aws_cdk import Environment
    from constructs import Construct

    from infra.cdk.addresses import Addresses
    from wedsync.runtime.declarations import Declaration

_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "bytes": "$context.responseLength",
    "ip": "$context.identity.sourceIp",
    "userAgent": "$context.identity.userAgent",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
}
_REQUEST_HEADERS = [
    "authorization",
    "content-encoding",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-api-key",
    "x-request-id",
]
_ANSWER_HEADERS = [
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "server-timing",
    "x-as-of",
    "x-cache",
    "x-data-quality",
    "x-request-id",
    "x-worst-wedding",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApiRef:
    """What a route needs to know of its API. ``authorizer_id`` is None where no route asks."""

    api_id: str
    authorizer_id: str | None

    @property
    def arn(self) -> str:
        """Where calls come from."""
        return api_arn(self.api_id)


class ApiStack(Stack):
    """One HTTP API with one authorizer, which is asked on every request and remembers nothing."""

    def __init__(
        self,
        scope: Construct,
        *,
        env: Environment,
        addresses: Addresses,
        declarations: Sequence[Declaration],
        source: Path,
    ) -> None:
        """Create the API. Raises ValueError where routes ask for callers and nobody proves them."""
        deployment = addresses.deployment
        super().__init__(
            scope,
            f"{deployment.prefix}-api",
            env=env,
            description="WedSync monitoring: HTTP API",
        )
        routes = [each.trigger for each in declarations if isinstance(each.trigger, HttpTrigger)]
        methods = sorted({route.method for route in routes} - {"ANY"} | {"OPTIONS"})
        api = CfnApi(
            self,
            "Api",
            name=deployment.prefix,
            protocol_type="HTTP",
            cors_configuration=CfnApi.CorsProperty(
                allow_origins=list(deployment.allowed_origins),
                allow_methods=methods,
                allow_headers=_REQUEST_HEADERS,
                expose_headers=_ANSWER_HEADERS,
                max_age=3600,
            ),
        )
        log = CfnLogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/vendedlogs/{deployment.prefix}-api",
            kms_key_id=addresses.key_arn,
            retention_in_days=deployment.log_retention_days,
        )
        log.apply_removal_policy(
            RemovalPolicy.RETAIN if deployment.keeps_data else RemovalPolicy.DESTROY
        )
        CfnStage(
            self,
            "Stage",
            api_id=api.ref,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=CfnStage.AccessLogSettingsProperty(
                destination_arn=log.attr_arn, format=json.dumps(_LOGGED)
            ),
            default_route_settings=CfnStage.RouteSettingsProperty(
                detailed_metrics_enabled=deployment.route_metrics
            ),
        )
        authorizer = self._authorizer(api, addresses, declarations, Workshop(self, source))
        if authorizer is None and any(route.roles for route in routes):
            raise ValueError("routes ask for a caller, but no function is declared as authorizer")
        self.api = HttpApiRef(api_id=api.ref, authorizer_id=authorizer)
        CfnOutput(self, "Url", value=api.attr_api_endpoint)

    def _authorizer(
        self,
        api: CfnApi,
        addresses: Addresses,
        declarations: Sequence[Declaration],
        workshop: Workshop,
    ) -> str | None:
        found = [each for each in declarations if isinstance(each.trigger, AuthorizerTrigger)]
        if not found:
            return None
        if len(found) > 1:
            raise ValueError(f"two authorizers: {', '.join(each.name for each in found)}")
        function = DeclaredFunction(
            self, declaration=found[0], addresses=addresses, workshop=workshop
        )
        path = f"path/2015-03-31/functions/{function.arn}/invocations"
        authorizer = CfnAuthorizer(
            self,
            "Authorizer",
            api_id=api.ref,
            name=found[0].name,
            authorizer_type="REQUEST",
            authorizer_payload_format_version="2.0",
            enable_simple_responses=True,
            # Without identity sources it is also asked for requests that carry no token: the
            # endpoint answers those, as problem+json.
            authorizer_result_ttl_in_seconds=0,
            authorizer_uri=f"arn:{Aws.PARTITION}:apigateway:{Aws.REGION}:lambda:{path}",
        )
        called_by(
            function,
            function_name=function.function.ref,
            source_arn=f"{api_arn(api.ref)}/authorizers/{authorizer.ref}",
        )
        return authorizer.ref
