"""Lists: a limit, an opaque cursor, and a Link header."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator

MOST = 200
LONGEST_CURSOR = 1024


def _flat(cursor: str | None) -> str | None:
    """A cursor holds one flat list: what nests deeper was never given out, and is not parsed."""
    if cursor is None:
        return None
    try:
        inside = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (binascii.Error, UnicodeEncodeError):
        inside = b""
    if inside.count(b"[") != 1 or b"{" in inside:
        raise ValueError("this cursor does not belong to this list")
    return cursor


Limit = Annotated[int, Query(ge=1, description=f"at most {MOST}; a larger one is clamped")]
Cursor = Annotated[
    str | None,
    AfterValidator(_flat),
    Query(max_length=LONGEST_CURSOR, description="a former answer's nextCursor"),
]


def clamped(limit: int) -> int:
    """The limit that is used."""
    return min(limit, MOST)


def linked(
    path: str,
    cursor: str | None,
    *,
    limit: int,
    filters: Mapping[str, object] | None = None,
) -> dict[str, str]:
    """The Link header of a page that has a next one: the same query, further on."""
    if cursor is None:
        return {}
    kept = {name: value for name, value in (filters or {}).items() if value is not None}
    query = urlencode({**kept, "limit": limit, "cursor": cursor})
    return {"link": f'<{path}?{query}>; rel="next"'}
