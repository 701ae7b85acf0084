"""An operator changes how somebody is told."""

from dataclasses import replace

from wedsync.api.contacts import ContactReply, ContactRequest, wanted_channels
from wedsync.api.versions import IfMatch, etag, require_version
from wedsync.errors import ContactNotFound, PreconditionFailed, TooLarge
from wedsync.flows.contacts import settled_channels
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "PUT /api/monitoring/contacts/{contact_id}",
    summary="Replace a contact",
    uses=(Resource.ROUTING.read_write(), Resource.SEALING.read(), Resource.DIRECT.subscribe()),
    raises=(ContactNotFound, PreconditionFailed, TooLarge),
    layers=("auth",),
)
def handler(
    contact_id: str,
    contact: ContactRequest,
    caller: FromCaller,
    services: Injected,
    if_match: IfMatch = None,
) -> Answer[ContactReply]:
    """Replace the version that If-Match names, or the present one.

    A channel that is named by its channelId keeps what is left out of its url and secret.
    """
    tenant = caller.tenant
    former = services.routing.contact(tenant, contact_id)
    require_version(if_match, former.version)
    wanted = wanted_channels(contact.channels, former.channels)
    changed = replace(
        former,
        name=contact.name,
        roles=tuple(dict.fromkeys(contact.roles)),
        channels=settled_channels(services, tenant, contact_id, wanted, former=former),
        quiet_hours=contact.quiet_hours.hours if contact.quiet_hours is not None else None,
        wedding_ids=tuple(dict.fromkeys(contact.wedding_ids)),
        updated_at=services.now(),
    )
    saved = services.routing.save_contact(tenant, changed, expected=former.version)
    return Answer(ContactReply.of(saved), {"etag": etag(saved.version)})
