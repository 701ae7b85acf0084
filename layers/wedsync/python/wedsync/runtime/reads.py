"""What stands beside every answer to a GET: how fresh and how good it is, and its validator.

It travels as headers, and in the body too where that is an object with room for it. A poll that
names the validator of what it has is answered 304 while nothing has changed.
"""

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import cast

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from wedsync.api.quality import FreshnessReply, QualityReply
from wedsync.errors import Unavailable
from wedsync.flows.quality import tenant_quality
from wedsync.metrics.quality import DataQuality
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer, Freshness, json_text, rendered
from wedsync.runtime.invocation import Invocation

TELLING_QUALITY = (Resource.WINDOWS.read(), Resource.REJECTIONS.read())
"""What quality is told from."""
_REVALIDATED = "private, no-cache"


def weak_etag(text: str) -> str:
    """The validator of a body that says this; how fresh it is makes no other body of it."""
    return f'W/"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"'


def told(
    given: object, running: Invocation, *, began_at: datetime, exact: bool
) -> Response[str | bytes]:
    """The answer with all that is told of it. ``exact``: its body has no room for it."""
    answer = cast("Answer[object]", given if isinstance(given, Answer) else Answer(given))
    text = json_text(answer.body)
    beside = _freshness(answer.freshness or Freshness(as_of=began_at, hit=False), running, began_at)
    headers = {
        "cache-control": _REVALIDATED,
        "etag": weak_etag(text),
        **beside.headers(),
        **answer.headers,
    }
    if _has(running.headers.get("if-none-match"), headers["etag"]):
        headers.pop("content-type", None)
        return Response(status_code=HTTPStatus.NOT_MODIFIED.value, body="", headers=headers)
    if isinstance(answer.body, BaseModel) and not exact:
        text = f"{text[:-1]},{beside.model_dump_json(by_alias=True)[1:]}"
    return rendered(replace(answer, body=text, headers=headers), status=HTTPStatus.OK.value)


def _freshness(of: Freshness, running: Invocation, began_at: datetime) -> FreshnessReply:
    took = running.services.now() - began_at
    quality = of.quality or _quality(running)
    return FreshnessReply(
        as_of=of.as_of,
        cache_hit=of.hit,
        execution_time=round(took.total_seconds() * 1000, 1),
        data_quality=None if quality is None else QualityReply.of(quality),
    )


def _quality(running: Invocation) -> DataQuality | None:
    """The quality of the caller's tenant; no reason to leave a question without an answer."""
    if running.caller is None:
        return None
    with suppress(Unavailable):
        return tenant_quality(running.services, running.caller.tenant)
    return None


def _has(asked: str | None, etag: str) -> bool:
    """Whether the caller has just this.

    A strong validator is the version of something that can be edited, for If-Match: what else is
    told of it may change under the same version, and is always answered.
    """
    if asked is None or not etag.startswith("W/"):
        return False
    return asked.strip() == "*" or etag in map(str.strip, asked.split(","))
