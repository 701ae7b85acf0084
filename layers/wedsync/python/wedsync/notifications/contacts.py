"""Contacts: people, and systems, that are told; how each is reached, and when not."""

from dataclasses import dataclass
from datetime import datetime, time

from wedsync.incidents.model import ChannelKind
from wedsync.weddings.calendar import zone

COORDINATOR = "wedding_coordinator"
"""The role of whoever looks after single weddings: its contacts hear of theirs alone."""
PAYMENTS = "payments_on_call"
"""The role of whoever looks after payments."""

BY_SNS = frozenset({ChannelKind.EMAIL, ChannelKind.SMS})
"""Channels that SNS delivers on by itself."""
POSTED = frozenset(ChannelKind) - BY_SNS
"""Channels that are posted to."""


class BrokenSeal(Exception):
    """What is sealed was not sealed here, or not for this contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to reach a contact.

    ``shown`` tells people where it leads and gives no secret away; ``sealed`` is what a call needs
    besides, encrypted. ``address_id`` stands for the address of an e-mail or an SMS where SNS
    chooses its subscribers.
    """

    channel_id: str
    kind: ChannelKind
    shown: str
    sealed: str | None = None
    address_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChannel:
    """A channel as somebody asks for it, with what is still to be sealed.

    What is None of a channel that is posted to stays as it is.
    """

    channel_id: str
    kind: ChannelKind
    address: str | None = None
    url: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From one wall time to another, perhaps past midnight, in a zone."""

    starts: time
    ends: time
    time_zone: str

    def cover(self, at: datetime) -> bool:
        """Whether it is quiet then."""
        wall = at.astimezone(zone(self.time_zone)).time()
        if self.starts <= self.ends:
            return self.starts <= wall < self.ends
        return wall >= self.starts or wall < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody who is told. ``channels`` stand in the order in which they are tried.

    ``wedding_ids`` are those that a coordinator looks after.
    """

    contact_id: str
    name: str
    roles: tuple[str, ...]
    channels: tuple[Channel, ...]
    quiet_hours: QuietHours | None = None
    wedding_ids: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime
    version: int = 0

    def channel(self, channel_id: str) -> Channel | None:
        """Find one of its channels."""
        return next((each for each in self.channels if each.channel_id == channel_id), None)

    def is_quiet(self, at: datetime) -> bool:
        """Whether its quiet hours cover this instant."""
        return self.quiet_hours is not None and self.quiet_hours.cover(at)
