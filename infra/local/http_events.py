"""HTTP to the gateway's events and back: payload format 2.0 of an HTTP API."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl, unquote

from infra.local.arns import ACCOUNT
from infra.local.invocations import Event

_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
_COMPRESSIBLE = ("text/", "application/json", "application/problem+json", "application/javascript")
_WORTH_COMPRESSING_BYTES = 1024
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came over the wire; ``target`` is the path, still percent-encoded."""

    method: str
    target: bytes
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        """The decoded path, as the gateway hands it on."""
        return unquote(self.target.decode("latin-1"), errors="replace")

    def header(self, name: str) -> str | None:
        """The first header of this (lower-case) name."""
        wanted = name.encode()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value.decode("latin-1")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, ready to be written."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def gateway_event(request: Request, *, request_id: str, now: datetime) -> Event:
    """The request as an HTTP API hands it to a function; the route is filled in later."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "cookie":
            cookies.extend(part.strip() for part in value.split(";") if part.strip())
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    query = request.query.decode("latin-1")
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    domain = headers.get("host", "localhost")
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": round(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if parameters:
        event["queryStringParameters"] = parameters
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, headers)
    return event


def _body(body: bytes, headers: Mapping[str, str]) -> tuple[str, bool]:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_text = kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith("+json")
    if is_text and headers.get("content-encoding", "identity").lower() == "identity":
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def reply_of(answer: Event, *, accept_encoding: str | None = None) -> Reply:
    """A function's answer as the gateway writes it, compressed where the client asks for it.

    An answer without a status is a body to be sent as JSON.
    """
    if "statusCode" not in answer:
        answer = {"statusCode": 200, "body": json.dumps(answer)}
    given = cast("Mapping[str, object]", answer.get("headers") or {})
    headers = {name.lower(): str(value) for name, value in given.items()}
    status = int(cast("int", answer["statusCode"]))
    has_body = status not in _WITHOUT_BODY
    if has_body:
        headers.setdefault("content-type", "application/json")
    text = cast("str | None", answer.get("body")) or ""
    body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
    if _compresses(headers, body, accept_encoding):
        body = gzip.compress(body, compresslevel=5, mtime=0)
        headers["content-encoding"] = "gzip"
        headers["vary"] = ", ".join(filter(None, (headers.get("vary"), "accept-encoding")))
    if has_body:
        headers["content-length"] = str(len(body))
    cookies = cast("Sequence[str]", answer.get("cookies") or ())
    return Reply(
        status=status,
        headers=(*headers.items(), *(("set-cookie", cookie) for cookie in cookies)),
        body=body,
    )


def _compresses(headers: Mapping[str, str], body: bytes, accept_encoding: str | None) -> bool:
    return (
        len(body) >= _WORTH_COMPRESSING_BYTES
        and "content-encoding" not in headers
        and headers.get("content-type", "").startswith(_COMPRESSIBLE)
        and _accepts_gzip(accept_encoding or "")
    )


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip, or anything, is accepted with a weight above zero."""
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
