"""Errors as ``application/problem+json`` (RFC 9457)."""

import json
from collections.abc import Mapping
from typing import cast

from wedsync.errors import FieldError, MethodNotAllowed, WedSyncError

CONTENT_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:wedsync:problem:"


def answer(error: WedSyncError, *, path: str, request_id: str) -> dict[str, object]:
    """The HTTP API answer for an error. Holds no internal names: only what the error says."""
    headers = {
        "content-type": CONTENT_TYPE,
        "x-request-id": request_id,
        "cache-control": "no-store",
    }
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = {
        "type": _TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": path,
        "requestId": request_id,
        "error": error.detail,
        "errors": [_field(field) for field in error.errors],
    }
    return {
        "statusCode": error.status,
        "headers": headers,
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def repeated(answered: dict[str, object], *, request_id: str) -> dict[str, object]:
    """An answer that is given again: a problem names the request that it answers now."""
    headers = cast("Mapping[str, str]", answered.get("headers") or {})
    if headers.get("content-type") != CONTENT_TYPE:
        return answered
    body = {**json.loads(str(answered["body"])), "requestId": request_id}
    return {**answered, "body": json.dumps(body)}


def _field(error: FieldError) -> Mapping[str, str]:
    return {"pointer": error.pointer, "code": error.code, "detail": error.detail}
