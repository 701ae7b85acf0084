"""Somebody looks through those who are told."""

from wedsync.api.contacts import ContactListReply, ContactReply
from wedsync.api.paging import Cursor, Limit, clamped, linked
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/contacts",
    summary="List contacts, oldest first",
    uses=(Resource.ROUTING.read(),),
)
def handler(
    caller: FromCaller, services: Injected, limit: Limit = 50, cursor: Cursor = None
) -> Answer[ContactListReply]:
    """Answer a page; a Link header leads on."""
    size = clamped(limit)
    found, following = services.routing.contact_page(caller.tenant, limit=size, cursor=cursor)
    return Answer(
        ContactListReply(
            items=[ContactReply.of(each) for each in found],
            next_cursor=following,
            effective_limit=size,
        ),
        linked("/api/monitoring/contacts", following, limit=size),
    )
