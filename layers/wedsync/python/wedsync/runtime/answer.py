"""What a handler returns, on its way to the gateway."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Generic, TypeVar

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, TypeAdapter

from wedsync.metrics.quality import DataQuality

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Since when what a read answers holds, whether it was remembered, and how good it is.

    ``quality`` None: that of all that the tenant sends.
    """

    as_of: datetime
    hit: bool
    quality: DataQuality | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A body with headers of its own, or with another status than declared.

    ``encoded`` is the same body in another form than JSON, and is sent in its place. ``freshness``
    None: what is answered was looked up for it.
    """

    body: T
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    encoded: bytes | None = None
    freshness: Freshness | None = None


def rendered(value: object, *, status: int) -> Response[str | bytes]:
    """The answer as JSON text, models by their aliases; bytes as they are."""
    if isinstance(value, Answer):
        body = value.body if value.encoded is None else value.encoded
        return _response(body, status=value.status or status, headers=dict(value.headers))
    return _response(value, status=status, headers={})


def _response(body: object, *, status: int, headers: dict[str, str]) -> Response[str | bytes]:
    if status == HTTPStatus.NO_CONTENT:
        return Response(status_code=status, body="", headers=headers)
    return Response(
        status_code=status,
        content_type=headers.pop("content-type", "application/json"),
        body=body if isinstance(body, bytes) else json_text(body),
        headers=headers,
    )


def json_text(body: object) -> str:
    """The body as JSON, models by their aliases; a text as it is."""
    if isinstance(body, str):
        return body
    if isinstance(body, BaseModel):
        return body.model_dump_json(by_alias=True)
    if isinstance(body, dict | list | tuple):
        return TypeAdapter(object).dump_json(body, by_alias=True).decode()
    return json.dumps(body)
