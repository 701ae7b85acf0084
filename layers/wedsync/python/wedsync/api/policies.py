"""Bodies of escalation policies."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from wedsync.api.contacts import RoleName
from wedsync.api.shape import ReadBack, Reply, Request
from wedsync.incidents.model import ChannelKind, Policy, Tier
from wedsync.incidents.policies import REMINDER_AFTER_SECONDS

_DAY_SECONDS = 86_400


class TierRequest(Request):
    """Whom to page when nobody has answered so long after the opening, and how."""

    after_seconds: Annotated[int, Field(ge=0, le=_DAY_SECONDS)]
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=20)]
    channels: Annotated[
        list[Annotated[ChannelKind, Field(strict=False)]],
        Field(
            default_factory=list,
            max_length=len(ChannelKind),
            description="none: as each contact prefers",
        ),
    ]


class PolicyRequest(ReadBack):
    """A ladder: who is paged when, and how long an acknowledgement may stay without an update."""

    server_made = frozenset({"name", "version"})

    tiers: Annotated[list[TierRequest], Field(min_length=1, max_length=10)]
    reminder_after_seconds: Annotated[int, Field(ge=60, le=_DAY_SECONDS)] = REMINDER_AFTER_SECONDS

    @model_validator(mode="after")
    def _rises(self) -> Self:
        delays = [tier.after_seconds for tier in self.tiers]
        if delays[0] != 0 or delays != sorted(set(delays)):
            raise ValueError("tiers begin at 0 seconds and their delays rise")
        return self

    def policy(self, name: str) -> Policy:
        """The ladder under this name."""
        return Policy(
            name=name,
            tiers=tuple(
                Tier(
                    after_seconds=tier.after_seconds,
                    roles=tuple(dict.fromkeys(tier.roles)),
                    channels=tuple(dict.fromkeys(tier.channels)),
                )
                for tier in self.tiers
            ),
            reminder_after_seconds=self.reminder_after_seconds,
        )


class TierReply(Reply):
    """Whom to page when nobody has answered so long after the opening, and how."""

    after_seconds: int
    roles: list[str]
    channels: list[ChannelKind]


class PolicyReply(Reply):
    """A ladder. ``version`` is 0 for a built-in one that the tenant has left as it is."""

    name: str
    tiers: list[TierReply]
    reminder_after_seconds: int
    version: int

    @classmethod
    def of(cls, policy: Policy, *, version: int) -> "PolicyReply":
        """This ladder."""
        return cls(
            name=policy.name,
            tiers=[
                TierReply(
                    after_seconds=tier.after_seconds,
                    roles=list(tier.roles),
                    channels=list(tier.channels),
                )
                for tier in policy.tiers
            ],
            reminder_after_seconds=policy.reminder_after_seconds,
            version=version,
        )


class PolicyListReply(Reply):
    """Every ladder that there is for a tenant, by name."""

    items: list[PolicyReply]
