"""What a route reads of a query, and the refusal of everything else.

A parameter that nobody reads would be answered as if it had not been there: with a list that is not
filtered, or with another range than was asked for.
"""

import inspect
from collections.abc import Callable, Collection, Iterable

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.errors import FieldError, Invalid
from wedsync.spelling import did_you_mean

_CALLED_ELSEWHERE = {
    "start": "from",
    "startTime": "from",
    "since": "from",
    "end": "to",
    "endTime": "to",
    "until": "to",
    "range": "timeRange",
    "page": "cursor",
    "offset": "cursor",
    "pageSize": "limit",
}
"""Names that other systems have for the same, and that do not look like ours."""


def parameters_of(handler: Callable[..., object]) -> tuple[str, ...]:
    """The names of the query's parameters that a handler reads, in its order."""
    found: list[str] = []
    for name, kind in inspect.get_annotations(handler, eval_str=True).items():
        said = getattr(kind, "__metadata__", ())
        found += [each.alias or name for each in said if isinstance(each, Query)]
    return tuple(found)


def require_known(names: Iterable[str], known: Collection[str]) -> None:
    """Refuse parameters that a route does not read. Raises Invalid, which names each of them."""
    unknown = [
        FieldError(pointer=name, code="unknown-parameter", detail=_refusal(name, known))
        for name in names
        if name not in known
    ]
    if unknown:
        raise Invalid.fields(unknown)


def _refusal(name: str, known: Collection[str]) -> str:
    if not known:
        return "this route has no query parameters"
    elsewhere = _CALLED_ELSEWHERE.get(name)
    question = f"; did you mean {elsewhere}?" if elsewhere in known else did_you_mean(name, known)
    return f"no such query parameter{question} (there are {', '.join(known)})"
