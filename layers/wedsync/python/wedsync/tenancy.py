"""Who calls, and whose data it is.

A key of any store begins with a :class:`Tenant`, which only the authorizer (or a verified
signature) makes: no store takes a bare string in its place.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_TENANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


@dataclass(frozen=True, slots=True, order=True)
class Tenant:
    """An organisation on the platform: a planner, a venue group, an agency."""

    id: str

    def __post_init__(self) -> None:
        """Refuse an id that could not stand in a key."""
        if not may_be_tenant(self.id):
            raise ValueError("a tenant id has 1 to 64 letters, digits, dots, dashes, underscores")

    def partition(self, *parts: str | int) -> str:
        """A partition key of this tenant. The parts must not come from two free texts."""
        return "#".join((self.id, *(str(part) for part in parts)))


def may_be_tenant(text: str) -> bool:
    """Whether a tenant may have this id."""
    return _TENANT_ID.match(text) is not None


class Role(StrEnum):
    """What a caller may do."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    VENDOR = "vendor"
    DEVICE = "device"


READERS = frozenset({Role.ADMIN, Role.OPERATOR, Role.VIEWER})
WRITERS = frozenset({Role.ADMIN, Role.OPERATOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A proved caller. ``vendor_id`` is the vendor that the token speaks for, if any.

    ``subject`` tells callers apart; ``name`` is what their key is called, where it has a name.
    """

    tenant: Tenant
    subject: str
    role: Role
    vendor_id: str | None = None
    name: str | None = None

    @property
    def shown(self) -> str:
        """Who has done something, as people read it: the key's name beside its id."""
        return self.subject if self.name is None else f"{self.name} ({self.subject})"
