"""Lists: a limit, an opaque cursor, and a Link header."""

from typing import Annotated
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler.openapi.params import Query

DEFAULT_LIMIT = 50
MOST = 200

Limit = Annotated[int, Query(ge=1, description=f"at most {MOST}; a larger one is clamped")]
Cursor = Annotated[str | None, Query(max_length=4096, description="a former answer's nextCursor")]


def clamped(limit: int) -> int:
    """The limit that is used."""
    return min(limit, MOST)


def linked(path: str, cursor: str | None, *, limit: int) -> dict[str, str]:
    """The Link header of a page that has a next one."""
    if cursor is None:
        return {}
    return {"link": f'<{path}?{urlencode({"limit": limit, "cursor": cursor})}>; rel="next"'}
