"""What values amount to that updates have changed."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.api.values import ValueListReply, ValueReply
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint

_ROUTE = "/api/metrics/values"


@endpoint(
    f"GET {_ROUTE}",
    summary="List values that updates change",
    uses=(Resource.RUNNING_TOTALS.read(),),
    layers=("numeric",),
)
def handler(
    caller: FromCaller,
    services: Injected,
    name: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer[ValueListReply]:
    """Answer a page in the order of their names; ``name`` asks for one metric's alone."""
    size = clamped(limit)
    found, after = services.running_values.page(
        caller.tenant, metric=name, limit=size, cursor=cursor
    )
    body = ValueListReply(
        items=[ValueReply.of(each) for each in found], next_cursor=after, effective_limit=size
    )
    return Answer(body, linked(_ROUTE, after, limit=size, filters={"name": name}))
