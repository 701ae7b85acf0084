"""Somebody looks a wedding up."""

from wedsync.api.versions import etag
from wedsync.api.weddings import WeddingReply
from wedsync.errors import WeddingNotFound
from wedsync.flows.visibility import wedding_for
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint
from wedsync.tenancy import READERS, Role


@endpoint(
    "GET /api/weddings/{wedding_id}",
    summary="Read a wedding",
    uses=(Resource.WEDDINGS.read(),),
    raises=(WeddingNotFound,),
    roles=READERS | {Role.VENDOR},
)
def handler(wedding_id: str, caller: FromCaller, services: Injected) -> Answer[WeddingReply]:
    """Answer the wedding; a vendor sees those that it works at."""
    wedding = wedding_for(caller, wedding_id, services.weddings)
    return Answer(WeddingReply.of(wedding), {"etag": etag(wedding.version)})
