"""An operator takes somebody off the list of those who are told."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

from wedsync.errors import ContactNotFound, PreconditionFailed
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "DELETE /api/monitoring/contacts/{contact_id}",
    summary="Remove a contact",
    uses=(Resource.ROUTING.read_write(),),
    raises=(ContactNotFound, PreconditionFailed),
    status=204,
)
def handler(
    contact_id: str,
    caller: FromCaller,
    services: Injected,
    if_match: Annotated[str | None, Header(alias="if-match")] = None,
) -> Answer[None]:
    """Remove the version that If-Match names, or the present one; nothing more is sent there."""
    former = services.routing.contact(caller.tenant, contact_id)
    if if_match not in (None, "*", f'"{former.version}"'):
        raise PreconditionFailed
    services.routing.remove_contact(caller.tenant, former)
    return Answer(None)
