"""One HTTP endpoint: from the gateway's event to a typed call, and back.

The body gate comes before the router, because browsers and devices send JSON under every content
type. Powertools' resolver routes and validates; errors leave as problem+json.
"""

from __future__ import annotations

import base64
import functools
import inspect
import re
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, cast, get_args, get_origin

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from wedsync.api.shape import Request
from wedsync.api.validation import refused
from wedsync.cloud.memory import memory_of
from wedsync.errors import (
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    WedSyncError,
    member_pointer,
)
from wedsync.metrics.body import open_body, parse_json
from wedsync.rates import Allowance
from wedsync.resources import Grant, Resource
from wedsync.runtime import invocation, problem
from wedsync.runtime.access import DeclaredCloud
from wedsync.runtime.answer import Answer, rendered
from wedsync.runtime.aws import on_aws
from wedsync.runtime.declarations import Declaration, HttpTrigger
from wedsync.runtime.idempotency import once
from wedsync.runtime.log import logger
from wedsync.runtime.queries import parameters_of, require_known
from wedsync.runtime.reads import TELLING_QUALITY, told
from wedsync.stores.services import Services
from wedsync.tenancy import READERS, WRITERS, Caller, Role, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wedsync.cloud import Cloud
    from wedsync.runtime.declarations import Body, LambdaContext
    from wedsync.settings import Settings

FromCaller = Annotated[Caller, Depends(invocation.caller)]
"""The proved caller: its tenant is the only tenant that a handler ever uses."""

Injected = Annotated[Services, Depends(invocation.services)]
"""The stores that the function declared."""

FromArrival = Annotated[datetime, Depends(invocation.arrived_at)]
"""When the gateway took the request: what happened later, its caller cannot have known."""

RawBody = Annotated[bytes, Depends(invocation.raw_body)]
"""The body behind the gate, for routes that take more than one JSON document."""

Unrouted = Annotated[invocation.RouteMiss, Depends(invocation.route_miss)]
"""How the request missed every route, for the one endpoint that answers such."""

_EVERY_PATH = "$default"
_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_JSON_DOCUMENT_BYTES = 1024 * 1024
_PATH_PARAMETER = re.compile(r"\{(\w+)\}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._=+/-]{1,128}\Z")
# Powertools keeps the current event on a class, which is right on Lambda (one request a process)
# and wrong in a process that serves several threads.
_resolving = threading.RLock()


class Endpoint:
    """A declared route, callable by Lambda and runnable on any cloud."""

    def __init__(self, declaration: Declaration, handler: Body, *, takes_raw_body: bool) -> None:
        """``handler`` is the use case; its signature says what is parsed and injected."""
        self.declaration = declaration
        self.__doc__ = handler.__doc__
        self._handler = handler
        self.takes_raw_body = takes_raw_body

    @property
    def trigger(self) -> HttpTrigger:
        """The route."""
        return cast("HttpTrigger", self.declaration.trigger)

    def __call__(self, event: object, context: LambdaContext) -> object:
        """Run on AWS."""
        cloud, settings = on_aws()
        return self.run(event, context, cloud, settings)

    def run(
        self, event: object, context: LambdaContext, cloud: Cloud, settings: Settings
    ) -> object:
        """Answer one HTTP API event (payload format 2.0). Never raises."""
        request = cast("dict[str, object]", event)
        path = str(request.get("rawPath", ""))
        request_id = _request_id(request, context)
        started = cloud.clock.now()
        allowance = Allowance.of_context(_proved(request))
        try:
            _require_room(allowance)
            services = Services(
                DeclaredCloud(cloud, self.declaration.uses), settings, memory=memory_of(cloud)
            )
            answered = self._answer(request, context, services, request_id)
        except WedSyncError as error:
            answered = problem.answer(error, path=path, request_id=request_id)
            if error.status >= 500:
                logger().warning(
                    "request failed", extra={"request_id": request_id, "code": error.code}
                )
        except Exception:  # noqa: BLE001 - the one place where the unforeseen becomes an answer
            logger().exception("request failed", extra={"request_id": request_id})
            answered = problem.answer(WedSyncError(), path=path, request_id=request_id)
        took_ms = (cloud.clock.now() - started).total_seconds() * 1000
        headers = cast("dict[str, str]", answered["headers"])
        headers["server-timing"] = f"app;dur={took_ms:.1f}"
        if allowance is not None:
            headers.update(allowance.headers())
        logger().info(
            "request",
            extra={
                "function": self.declaration.name,
                "request_id": request_id,
                "status": answered["statusCode"],
                "ms": took_ms,
            },
        )
        return answered

    def _answer(
        self,
        request: dict[str, object],
        context: LambdaContext,
        services: Services,
        request_id: str,
    ) -> dict[str, object]:
        caller = self._admit(request)
        if str(request.get("rawPath", "")).endswith("\n"):
            # The router's patterns end before a last line break: it would be no part of an id.
            raise NotFound
        if self.trigger.path != _EVERY_PATH:
            require_known(_queried(request), self._parameters)
        headers = _headers(request)
        running = invocation.Invocation(
            services=services,
            caller=caller,
            request_id=request_id,
            path=str(request.get("rawPath", "")),
            route_key=str(request.get("routeKey", "")),
            arrived_at=_arrived_at(request, services.now()),
            headers=headers,
            body=_body(request),
            idempotency_key=_idempotency_key(self.trigger.method, headers),
        )
        normalised = dict(request)
        normalised["isBase64Encoded"] = False
        # Whatever content type the body came under, the validator reads it as JSON.
        normalised["headers"] = {**headers, "content-type": "application/json"}
        normalised["body"] = "null"
        document: object = None
        if running.body and not self.takes_raw_body:
            encoding = headers.get("content-encoding")
            normalised["body"], document = _json_document(running.body, encoding)

        def resolve() -> dict[str, object]:
            if self.trigger.method != "GET" and self._document_kind is None:
                _require_nothing(document)
            with _resolving:
                invocation.enter(running)
                return self._resolver.resolve(normalised, cast("object", context))  # type: ignore[arg-type] # Powertools types its context as its own class

        answered = once(running, self.trigger, resolve) if caller is not None else resolve()
        kept = cast("dict[str, str]", answered.get("headers") or {})
        answered["headers"] = {
            **{name.lower(): value for name, value in kept.items()},
            **running.answer_headers,
            "x-request-id": request_id,
        }
        return answered

    def _admit(self, request: dict[str, object]) -> Caller | None:
        if not self.trigger.roles:
            return None
        caller = _caller(request)
        if caller is None:
            raise Unauthenticated
        if caller.role not in self.trigger.roles:
            raise Forbidden
        return caller

    @functools.cached_property
    def _document_kind(self) -> object | None:
        """The type of the parameter that is the body: none of the path, and none injected."""
        annotations = inspect.get_annotations(self._handler, eval_str=True)
        in_path = {*_PATH_PARAMETER.findall(self.trigger.path), "return"}
        # What is injected, and what comes from the query or a header, is Annotated.
        plain = (
            kind
            for name, kind in annotations.items()
            if name not in in_path and not hasattr(kind, "__metadata__")
        )
        return next(plain, None)

    def _refuse(self, error: RequestValidationError) -> Response[str]:
        kind = self._document_kind
        example = kind.example if isinstance(kind, type) and issubclass(kind, Request) else None
        raise refused(error.errors(), example=example) from None

    @functools.cached_property
    def _parameters(self) -> tuple[str, ...]:
        """What the route reads of a query."""
        return parameters_of(self._handler)

    @functools.cached_property
    def _resolver(self) -> APIGatewayHttpResolver:
        return self.resolver()

    def resolver(self) -> APIGatewayHttpResolver:
        """A fresh Powertools resolver that holds this one route (the OpenAPI document reads it)."""
        app = APIGatewayHttpResolver(enable_validation=True)
        app.exception_handler(WedSyncError)(_raise)
        app.exception_handler(RequestValidationError)(self._refuse)
        app.not_found(_raise_not_found)
        signature = inspect.signature(self._handler)
        returns = signature.return_annotation

        @functools.wraps(self._handler)
        def call(**arguments: object) -> Response[str | bytes]:
            if self.trigger.method != "GET":
                return rendered(self._handler(**arguments), status=self.trigger.status)
            running = invocation.current()
            began_at = running.services.now()
            given = self._handler(**arguments)
            return told(given, running, began_at=began_at, exact=self.trigger.exact)

        # The answer is rendered already: Powertools must neither validate nor document Response.
        annotations = inspect.get_annotations(self._handler, eval_str=True)
        annotations.pop("return", None)
        call.__annotations__ = annotations
        call.__signature__ = signature.replace(return_annotation=signature.empty)  # type: ignore[attr-defined] # what inspect reads
        catches_all = self.trigger.path == _EVERY_PATH
        app.route(
            rule=".+" if catches_all else _PATH_PARAMETER.sub(r"<\1>", self.trigger.path),
            method=_EVERY_METHOD if catches_all else self.trigger.method,
            summary=self.declaration.summary,
            operation_id=self.declaration.name,
            tags=[self.declaration.group],
            responses=_documented(returns, self.trigger),
        )(call)
        return app


def endpoint(
    route: str,
    *,
    summary: str,
    uses: tuple[Grant, ...] = (),
    raises: tuple[type[WedSyncError], ...] = (),
    roles: Iterable[Role] | None = None,
    status: int = 200,
    layers: tuple[str, ...] = (),
    memory_mb: int = 512,
    timeout_seconds: int = 10,
    takes_raw_body: bool = False,
    exact: bool = False,
) -> Callable[[Body], Endpoint]:
    """Declare the function below as the handler of ``route`` (``"POST /api/weddings"``).

    ``roles`` defaults to every reading role for GET and to admin and operator for the others; an
    empty one makes the route public. A POST honours Idempotency-Key. A GET tells how fresh and how
    good its answer is, in the body too unless that is ``exact``.
    """
    method, path = route.split(" ")
    admitted = (READERS if method == "GET" else WRITERS) if roles is None else frozenset(roles)
    usual: tuple[Grant, ...] = ()
    if method == "POST" and admitted:
        usual = (Resource.IDEMPOTENCY.write(),)
    elif method == "GET" and admitted:
        usual = tuple(each for each in TELLING_QUALITY if each not in uses)

    def declare(handler: Body) -> Endpoint:
        return Endpoint(
            Declaration(
                module=handler.__module__,
                summary=summary,
                trigger=HttpTrigger(
                    method=method,
                    path=path,
                    summary=summary,
                    roles=frozenset(admitted),
                    raises=raises,
                    status=status,
                    exact=exact,
                ),
                uses=(*uses, *usual),
                layers=layers,
                memory_mb=memory_mb,
                timeout_seconds=timeout_seconds,
            ),
            handler,
            takes_raw_body=takes_raw_body,
        )

    return declare


def _raise(error: WedSyncError) -> Response[str]:
    raise error


def _raise_not_found(_: Exception) -> Response[str]:
    raise NotFound


def _proved(request: Mapping[str, object]) -> Mapping[str, str]:
    """What the authorizer said; nothing for a route that asks for no caller."""
    context = cast("dict[str, dict[str, dict[str, str]]]", request.get("requestContext") or {})
    return (context.get("authorizer") or {}).get("lambda") or {}


def _require_room(allowance: Allowance | None) -> None:
    if allowance is not None and allowance.retry_after_seconds is not None:
        raise TooManyRequests(retry_after_seconds=allowance.retry_after_seconds)


def _caller(request: Mapping[str, object]) -> Caller | None:
    proved = _proved(request)
    if not proved.get("tenant"):
        return None
    return Caller(
        tenant=Tenant(proved["tenant"]),
        subject=proved["subject"],
        role=Role(proved["role"]),
        vendor_id=proved.get("vendorId") or None,
        name=proved.get("name") or None,
    )


def _request_id(request: Mapping[str, object], context: LambdaContext) -> str:
    stated = cast("dict[str, object]", request.get("requestContext") or {}).get("requestId")
    if isinstance(stated, str) and _REQUEST_ID.match(stated):
        return stated
    return context.aws_request_id


def _arrived_at(request: Mapping[str, object], now: datetime) -> datetime:
    context = cast("dict[str, object]", request.get("requestContext") or {})
    stated = context.get("timeEpoch")
    return datetime.fromtimestamp(stated / 1000, UTC) if isinstance(stated, int) else now


def _headers(request: Mapping[str, object]) -> dict[str, str]:
    headers = cast("dict[str, str] | None", request.get("headers")) or {}
    return {name.lower(): value for name, value in headers.items()}


def _queried(request: Mapping[str, object]) -> Iterable[str]:
    """The names of what the query says."""
    return cast("dict[str, str] | None", request.get("queryStringParameters")) or {}


def _body(request: Mapping[str, object]) -> bytes:
    body = cast("str | None", request.get("body"))
    if not body:
        return b""
    if not request.get("isBase64Encoded"):
        try:
            return body.encode()
        except UnicodeEncodeError:
            raise Invalid.field("", "encoding", "the body is not UTF-8") from None
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise Invalid.field("", "base64", "the body is not base64") from None


def _json_document(body: bytes, encoding: str | None) -> tuple[str, object]:
    """The body as JSON that the validator may read, inflated, bounded and strict; and its value."""
    opened = open_body(body, encoding=encoding)
    if len(opened) > _JSON_DOCUMENT_BYTES:
        raise TooLarge("a JSON document has at most 1 MiB")
    document = parse_json(opened)
    return opened.decode(), document


def _require_nothing(document: object) -> None:
    """Refuse members that a route without a body does not know: they would do nothing."""
    if document is None or document == {}:
        return
    detail = "this route takes no body"
    if not isinstance(document, dict):
        raise Invalid.field("", "no-body", detail)
    unknown = [
        FieldError(pointer=member_pointer(name), code="extra-forbidden", detail=detail)
        for name in document
    ]
    raise Invalid.fields(unknown)


def _idempotency_key(method: str, headers: Mapping[str, str]) -> str | None:
    key = headers.get("idempotency-key")
    if method != "POST" or key is None:
        return None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise Invalid.field("Idempotency-Key", "invalid", "1 to 255 printable characters")
    return key


def _documented(returns: object, trigger: HttpTrigger) -> dict[int, OpenAPIResponse]:
    model = get_args(returns)[0] if get_origin(returns) is Answer else returns
    answers: dict[int, OpenAPIResponse] = {trigger.status: {"description": "Done"}}
    if trigger.status != HTTPStatus.NO_CONTENT:
        answers[trigger.status] = {
            "description": "The answer",
            "content": {"text/plain": {"schema": {"type": "string"}}}
            if model is str
            else {"application/json": {"model": model}},
        }
    of_callers = (Unauthenticated, Forbidden, TooManyRequests)
    usual = (Invalid, *of_callers) if trigger.roles else (Invalid,)
    for error in (*trigger.raises, *usual):
        answers.setdefault(
            error.status,
            {
                "description": error.title,
                "content": {problem.CONTENT_TYPE: {"schema": {"type": "object"}}},
            },
        )
    return answers
