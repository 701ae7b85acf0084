"""Somebody looks a contact up."""

from wedsync.api.contacts import ContactReply
from wedsync.api.versions import etag
from wedsync.errors import ContactNotFound
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "GET /api/monitoring/contacts/{contact_id}",
    summary="Read a contact",
    uses=(Resource.ROUTING.read(),),
    raises=(ContactNotFound,),
)
def handler(contact_id: str, caller: FromCaller, services: Injected) -> Answer[ContactReply]:
    """Answer the contact without its secrets."""
    found = services.routing.contact(caller.tenant, contact_id)
    return Answer(ContactReply.of(found), {"etag": etag(found.version)})
