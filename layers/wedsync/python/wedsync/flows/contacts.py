"""A contact is settled: its endpoints are checked, its secrets sealed, its addresses subscribed."""

from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import urlsplit

from wedsync.alerting.severity import Severity
from wedsync.cloud import Subscriber
from wedsync.cloud.endpoints import endpoint_of
from wedsync.errors import Invalid
from wedsync.flows.telling import hand_on
from wedsync.incidents.model import ChannelKind
from wedsync.notifications.contacts import BY_SNS, BrokenSeal, Channel, Contact, WantedChannel
from wedsync.notifications.delivery import Delivery, State
from wedsync.notifications.payloads import Target
from wedsync.notifications.planning import delivery_of
from wedsync.notifications.told import TEST, Told
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

_PAGERDUTY_HOSTS = frozenset({"events.pagerduty.com", "events.eu.pagerduty.com"})


def settled_channels(
    services: Services,
    tenant: Tenant,
    contact_id: str,
    wanted: Sequence[WantedChannel],
    *,
    former: Contact | None = None,
) -> tuple[Channel, ...]:
    """The channels as they are stored. Raises Invalid, and nothing is subscribed then."""
    made = tuple(
        _settled(services, tenant, contact_id, index, each, former)
        for index, each in enumerate(wanted)
    )
    for index, (channel, each) in enumerate(zip(made, wanted, strict=True)):
        if channel.address_id is not None and each.address is not None:
            _subscribe(services, index, channel, each.address)
    return made


def try_channels(services: Services, tenant: Tenant, contact: Contact) -> tuple[Delivery, ...]:
    """Tell a contact on every channel that this is a test, whatever the hour."""
    now = services.now()
    told = Told(
        tenant_id=tenant.id,
        subject_id=contact.contact_id,
        moment=f"{services.new_id('try')}#{TEST}#0",
        kind=TEST,
        tier=0,
        role=TEST,
        severity=Severity.LOW,
        subject="[TEST] WedSync can reach you here",
        text="This is a test of this channel. Nothing is wrong, and nothing has to be done.",
    )
    planned = []
    for channel in contact.channels:
        wanted = delivery_of(told, contact, channel, reason="somebody tries it", now=now)
        stored = services.deliveries.plan(tenant, wanted)
        if stored.state is State.PLANNED:
            hand_on(services, tenant, stored, None)
        planned.append(stored)
    return tuple(planned)


def _settled(
    services: Services,
    tenant: Tenant,
    contact_id: str,
    index: int,
    wanted: WantedChannel,
    former: Contact | None,
) -> Channel:
    if wanted.kind in BY_SNS:
        address = wanted.address or ""
        return Channel(
            channel_id=wanted.channel_id,
            kind=wanted.kind,
            shown=address,
            address_id=_digest(f"{wanted.kind}:{address}"),
        )
    kept = former.channel(wanted.channel_id) if former is not None else None
    if kept is not None and wanted.url is None and wanted.secret is None:
        return kept
    target = _former_target(services, tenant, contact_id, kept)
    url = wanted.url or (target.url if target is not None else None)
    secret = wanted.secret or (target.secret if target is not None else None)
    pointer = f"/channels/{index}"
    if url is None:
        raise Invalid.field(f"{pointer}/url", "missing", "a channel of this kind needs a url")
    if secret is None and wanted.kind is ChannelKind.WEBHOOK:
        raise Invalid.field(f"{pointer}/secret", "missing", "a webhook is signed with a secret")
    if secret is None and wanted.kind is ChannelKind.PAGERDUTY:
        raise Invalid.field(f"{pointer}/routingKey", "missing", "PagerDuty needs a routing key")
    shown = _shown(wanted.kind, url, pointer, loopback=services.settings.loopback_endpoints)
    sealed = services.sealing.seal(tenant, contact_id, Target(url=url, secret=secret))
    return Channel(channel_id=wanted.channel_id, kind=wanted.kind, shown=shown, sealed=sealed)


def _former_target(
    services: Services, tenant: Tenant, contact_id: str, kept: Channel | None
) -> Target | None:
    if kept is None or kept.sealed is None:
        return None
    try:
        return services.sealing.unseal(tenant, contact_id, kept.sealed)
    except BrokenSeal:
        return None


def _shown(kind: ChannelKind, url: str, pointer: str, *, loopback: bool) -> str:
    """Where it leads, as far as that is no secret. Raises Invalid for where it must not lead."""
    try:
        endpoint = endpoint_of(url, loopback=loopback)
    except ValueError as error:
        raise Invalid.field(f"{pointer}/url", "not-allowed", str(error)) from None
    ours = endpoint.local or endpoint.host.lower() in _PAGERDUTY_HOSTS
    if kind is ChannelKind.PAGERDUTY and not ours:
        detail = f"PagerDuty listens at {' and '.join(sorted(_PAGERDUTY_HOSTS))}"
        raise Invalid.field(f"{pointer}/url", "not-allowed", detail)
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/…"


def _subscribe(services: Services, index: int, channel: Channel, address: str) -> None:
    subscriber = Subscriber(
        protocol=channel.kind.value,
        address=address,
        only={"address": (channel.address_id or "",)},
    )
    try:
        services.direct.subscribe(subscriber)
    except ValueError:
        detail = "this address cannot be subscribed"
        raise Invalid.field(f"/channels/{index}/address", "refused", detail) from None


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()
