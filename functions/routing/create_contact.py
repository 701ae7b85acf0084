"""An operator adds somebody who is to be told."""

from wedsync.api.contacts import ContactReply, ContactRequest, wanted_channels
from wedsync.api.versions import etag
from wedsync.errors import TooLarge
from wedsync.flows.contacts import settled_channels
from wedsync.notifications.contacts import Contact
from wedsync.resources import Resource
from wedsync.runtime.answer import Answer
from wedsync.runtime.http import FromCaller, Injected, endpoint


@endpoint(
    "POST /api/monitoring/contacts",
    summary="Add a contact",
    uses=(Resource.ROUTING.write(), Resource.SEALING.read(), Resource.DIRECT.subscribe()),
    raises=(TooLarge,),
    status=201,
    layers=("auth",),
)
def handler(
    contact: ContactRequest, caller: FromCaller, services: Injected
) -> Answer[ContactReply]:
    """Answer the contact without its secrets, which are never shown."""
    tenant, contact_id, now = caller.tenant, services.new_id("con"), services.now()
    channels = settled_channels(services, tenant, contact_id, wanted_channels(contact.channels))
    made = Contact(
        contact_id=contact_id,
        name=contact.name,
        roles=tuple(dict.fromkeys(contact.roles)),
        channels=channels,
        quiet_hours=contact.quiet_hours.hours if contact.quiet_hours is not None else None,
        wedding_ids=tuple(dict.fromkeys(contact.wedding_ids)),
        created_at=now,
        updated_at=now,
    )
    stored = services.routing.add_contact(tenant, made)
    return Answer(
        ContactReply.of(stored),
        {
            "location": f"/api/monitoring/contacts/{stored.contact_id}",
            "etag": etag(stored.version),
        },
    )
