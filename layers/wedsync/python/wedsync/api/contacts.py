"""Bodies of contacts. What is secret goes in and never comes out."""

from collections.abc import Sequence
from datetime import datetime, time
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from wedsync.api.shape import Name, ReadBack, Reply, Request, Title
from wedsync.cloud.limits import is_email, is_phone
from wedsync.errors import Invalid
from wedsync.incidents.model import ChannelKind
from wedsync.incidents.policies import templates
from wedsync.notifications.contacts import (
    BY_SNS,
    COORDINATOR,
    PAYMENTS,
    Channel,
    Contact,
    QuietHours,
    WantedChannel,
)
from wedsync.notifications.payloads import PAGERDUTY_URL
from wedsync.notifications.signature import secret_key
from wedsync.spelling import misspelt
from wedsync.weddings.calendar import zone

MOST_CHANNELS = 10


@cache
def known_roles() -> frozenset[str]:
    """Roles that the platform itself addresses."""
    tiers = (tier for each in templates().values() for tier in each.tiers)
    return frozenset({COORDINATOR, PAYMENTS, *(role for tier in tiers for role in tier.roles)})


def _only_secret(secret: str) -> str:
    secret_key(secret)
    return secret


def _no_slip(role: str) -> str:
    meant = misspelt(role, known_roles())
    if meant is not None:
        known = ", ".join(sorted(known_roles()))
        raise ValueError(f"did you mean {meant}? built-in roles are {known}")
    return role


RoleName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"), AfterValidator(_no_slip)
]
"""A role that messages are addressed to: a built-in one, or any other that is no slip of one."""
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(_only_secret)]
RoutingKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{20,64}$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}(-[0-9]{1,2})?$")]


def _only_wall_time(value: object) -> object:
    if isinstance(value, str) and len(value) == 5:
        return time.fromisoformat(value)
    raise ValueError("a wall time such as 22:00")


WallTime = Annotated[time, BeforeValidator(_only_wall_time)]
"""Hours and minutes on some zone's clocks."""


def _only_zone(value: object) -> object:
    if isinstance(value, str):
        zone(value)
    return value


ZoneName = Annotated[Name, BeforeValidator(_only_zone)]
"""An IANA zone, such as Europe/Madrid."""


class ChannelRequest(Request):
    """One way to reach a contact: which members it has follows from its kind.

    ``email`` and ``sms``: an address, delivered to by SNS, which asks an e-mail address first
    whether it wants that. ``webhook``: a url and a secret, signed as Standard Webhooks has it.
    ``slack`` and ``teams``: the url of an incoming webhook. ``pagerduty``: the integration key of
    an Events API v2 service, with a url where it is another region's. What a channel that
    ``channelId`` names has already may be left out.
    """

    kind: ChannelKind = Field(strict=False)
    channel_id: ChannelId | None = None
    address: Name | None = Field(default=None, description="mia@example.com, +34600123456")
    url: Url | None = Field(default=None, description="never shown again in full")
    secret: Secret | None = Field(
        default=None, description="whsec_ and 24 to 64 bytes in base 64; never shown again"
    )
    routing_key: RoutingKey | None = Field(default=None, description="never shown again")
    target: Name | None = Field(
        default=None, description="as a GET tells it: where it leads is set by the others"
    )

    def wanted(self, channel_id: str, pointer: str, former: Channel | None) -> WantedChannel:
        """What is asked for. Raises Invalid for a member that a channel of this kind has not.

        ``former`` is the channel that it names.
        """
        if self.target is not None and (former is None or self.target != former.shown):
            detail = "is told, and never set: say where it leads by address, url or routingKey"
            raise Invalid.field(f"{pointer}/target", "read-only", detail)
        for name, alias in _MEMBERS.items():
            if name not in _OF_KIND[self.kind] and getattr(self, name) is not None:
                detail = f"a channel of kind {self.kind} has no {alias}"
                raise Invalid.field(f"{pointer}/{alias}", "not-of-this-kind", detail)
        address, url = self.address, self.url
        if address is None and former is not None and self.kind in BY_SNS:
            address = former.shown
        fits = {ChannelKind.EMAIL: is_email, ChannelKind.SMS: is_phone}.get(self.kind)
        if fits is not None and (address is None or not fits(address)):
            detail = "an address such as mia@example.com, or a number such as +34600123456"
            raise Invalid.field(f"{pointer}/address", "no-address", detail)
        if self.kind is ChannelKind.PAGERDUTY and url is None and self.routing_key is not None:
            url = PAGERDUTY_URL
        return WantedChannel(
            channel_id=channel_id,
            kind=self.kind,
            address=address.lower() if address is not None else None,
            url=url,
            secret=self.secret or self.routing_key,
        )


_MEMBERS = {
    "channel_id": "channelId",
    "address": "address",
    "url": "url",
    "secret": "secret",
    "routing_key": "routingKey",
}
_OF_KIND = {
    ChannelKind.EMAIL: {"channel_id", "address"},
    ChannelKind.SMS: {"channel_id", "address"},
    ChannelKind.WEBHOOK: {"channel_id", "url", "secret"},
    ChannelKind.SLACK: {"channel_id", "url"},
    ChannelKind.TEAMS: {"channel_id", "url"},
    ChannelKind.PAGERDUTY: {"channel_id", "url", "routing_key"},
}


class QuietHoursRequest(Request):
    """When a contact hears only what is critical, and what nobody else would hear."""

    starts: WallTime
    ends: WallTime
    time_zone: ZoneName

    @property
    def hours(self) -> QuietHours:
        """As they are kept."""
        return QuietHours(starts=self.starts, ends=self.ends, time_zone=self.time_zone)


class ContactRequest(ReadBack):
    """All of a contact."""

    server_made = frozenset({"contactId", "createdAt", "updatedAt", "version"})

    name: Title
    roles: list[RoleName] = Field(default_factory=list, max_length=20)
    channels: list[ChannelRequest] = Field(
        max_length=MOST_CHANNELS, description="in the order in which they are tried"
    )
    quiet_hours: QuietHoursRequest | None = None
    wedding_ids: list[Name] = Field(
        default_factory=list,
        max_length=200,
        description="the weddings that a wedding_coordinator looks after",
    )


class ChannelReply(Reply):
    """A channel, and where it leads, without what is secret."""

    channel_id: str
    kind: ChannelKind
    target: str

    @classmethod
    def of(cls, channel: Channel) -> "ChannelReply":
        """This channel."""
        return cls(channel_id=channel.channel_id, kind=channel.kind, target=channel.shown)


class QuietHoursReply(Reply):
    """From one wall time to another, perhaps past midnight."""

    starts: str
    ends: str
    time_zone: str


class ContactReply(Reply):
    """A contact."""

    contact_id: str
    name: str
    roles: list[str]
    channels: list[ChannelReply]
    quiet_hours: QuietHoursReply | None
    wedding_ids: list[str]
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, contact: Contact) -> "ContactReply":
        """This contact."""
        quiet = contact.quiet_hours
        return cls(
            contact_id=contact.contact_id,
            name=contact.name,
            roles=list(contact.roles),
            channels=[ChannelReply.of(each) for each in contact.channels],
            quiet_hours=None
            if quiet is None
            else QuietHoursReply(
                starts=f"{quiet.starts:%H:%M}",
                ends=f"{quiet.ends:%H:%M}",
                time_zone=quiet.time_zone,
            ),
            wedding_ids=list(contact.wedding_ids),
            created_at=contact.created_at,
            updated_at=contact.updated_at,
            version=contact.version,
        )


class ContactListReply(Reply):
    """Some contacts, oldest first."""

    items: list[ContactReply]
    next_cursor: str | None
    effective_limit: int


def wanted_channels(
    requests: Sequence[ChannelRequest], former: Sequence[Channel] = ()
) -> tuple[WantedChannel, ...]:
    """What is asked for, each under its id. Raises Invalid."""
    kept = {each.channel_id: each for each in former}
    return tuple(
        request.wanted(
            channel_id, f"/channels/{index}", kept.get(channel_id) if request.channel_id else None
        )
        for index, (request, channel_id) in enumerate(
            zip(requests, _channel_ids(requests, former), strict=True)
        )
    )


def _channel_ids(requests: Sequence[ChannelRequest], former: Sequence[Channel]) -> list[str]:
    """An id for each channel: the one it says, else the first free one of its kind.

    A former channel's id is free only where nothing secret was kept under it.
    """
    kept = {each.channel_id: each.kind for each in former}
    taken: set[str] = set()
    for index, request in enumerate(requests):
        name = request.channel_id
        if name is None:
            continue
        if kept.get(name) is not request.kind or name in taken:
            detail = "no channel of this kind has this id, or it stands twice"
            raise Invalid.field(f"/channels/{index}/channelId", "unknown-channel", detail)
        taken.add(name)
    taken |= {each.channel_id for each in former if each.sealed is not None}
    found = []
    for request in requests:
        free = (
            name
            for number in range(1, len(requests) + len(former) + 2)
            if (name := request.kind.value if number == 1 else f"{request.kind}-{number}")
            not in taken
        )
        name = request.channel_id or next(free)
        taken.add(name)
        found.append(name)
    return found
