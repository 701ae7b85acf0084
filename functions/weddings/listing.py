"""Somebody looks through the weddings, by date."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.api.shape import LocalDate
from wedsync.api.weddings import WeddingListReply, WeddingReply
from wedsync.errors import Forbidden
from wedsync.flows.visibility import may_see
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.tenancy import READERS, Role
from wedsync.weddings.model import Status
from wedsync.weddings.timeline import status as status_of


@endpoint(
    "GET /api/weddings",
    summary="List weddings by date",
    uses=(Resource.WEDDINGS.read(),),
    roles=READERS | {Role.VENDOR},
)
def handler(
    caller: FromCaller,
    services: Injected,
    date: Annotated[LocalDate | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    vendor_id: Annotated[str | None, Query(alias="vendorId")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer[WeddingListReply]:
    """Answer a page; filters may leave a page shorter than its limit while more follow."""
    if caller.role is Role.VENDOR and vendor_id not in {None, caller.vendor_id}:
        raise Forbidden("this token may only ask for its own vendor")
    filters = {"date": date, "status": status, "vendorId": vendor_id}
    size = clamped(limit)
    page = services.weddings.page(caller.tenant, on=date, limit=size, cursor=cursor)
    now = services.now()
    shown = [
        WeddingReply.of(wedding)
        for wedding in page.weddings
        if may_see(caller, wedding)
        and (status is None or status_of(wedding, now) == status)
        and (vendor_id is None or any(each.vendor_id == vendor_id for each in wedding.vendors))
    ]
    return Answer(
        WeddingListReply(items=shown, next_cursor=page.next_cursor, effective_limit=size),
        linked("/api/weddings", page.next_cursor, limit=size, filters=filters),
    )
