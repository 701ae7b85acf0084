"""How far the jobs that follow the clock have come: each a minute that never moves back.

Key: ``frontiers / name``. They belong to no tenant: a job does all tenants alike. What a job could
not do for some of them is kept with its frontier, in one write: so the frontier moves on for all
others, and nothing is forgotten.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from wedsync.cloud import Item, Key, Table
from wedsync.errors import TooMuchContention
from wedsync.stores.large import LargeItems
from wedsync.tenancy import Tenant

TRIES = 16


class Frontier(StrEnum):
    """What is complete before the minute that is kept under this name, but for what is left."""

    WEDDING_HOURS = "wedding-hours"
    """Every wedding's hours."""
    HOURS = "hours"
    """The hours of tenants and vendors."""
    DAYS = "days"
    """Days of everything."""
    HISTORY_MINUTES = "history-minutes"
    """Minutes in the long-range store."""
    HISTORY_HOURS = "history-hours"
    """Hours in the long-range store."""
    VITALS = "vitals"
    """What rules judge of the bundle's own parts, on the stream."""
    USAGE = "usage"
    """What else they measure, on the stream."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Left:
    """Work of one tenant that lies before a frontier, from this epoch minute on, and is not done.

    ``place`` says more closely what it is, as the job itself understands it.
    """

    minute: int
    tenant: Tenant
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job has come: everything before ``minute`` is done but for what is ``left``.

    ``overtaken`` is a run whose frontier another run has moved on since it was read.
    """

    minute: int | None = None
    left: frozenset[Left] = frozenset()
    version: int = 0
    overtaken: bool = field(default=False, compare=False)

    @property
    def complete(self) -> int | None:
        """The minute before which everything is done of everybody; None before the first run."""
        if self.minute is None:
            return None
        return min((self.minute, *(each.minute for each in self.left)))

    def of(self, tenant: Tenant) -> int | None:
        """The minute before which everything of this tenant is done; None before the first run."""
        own = frozenset(each for each in self.left if each.tenant == tenant)
        return replace(self, left=own).complete


class FrontierStore:
    """One item a frontier."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._large = LargeItems(table)

    def progress(self, frontier: Frontier) -> Progress:
        """How far the job has come, and what it has left."""
        item = self._large.get(_key(frontier))
        if item is None:
            return Progress()
        left = json.loads(item.text("left"))
        return Progress(
            minute=item.number("minute"),
            left=frozenset(
                Left(minute=minute, tenant=Tenant(tenant), place=place)
                for minute, tenant, place in left
            ),
            version=item.number("version"),
        )

    def get(self, frontier: Frontier) -> int | None:
        """The epoch minute before which the job has been; None before the first run."""
        return self.progress(frontier).minute

    def of(self, frontier: Frontier, tenant: Tenant) -> int | None:
        """The epoch minute before which everything of a tenant is done; None before the first."""
        return self.progress(frontier).of(tenant)

    def advance(
        self,
        frontier: Frontier,
        minute: int,
        *,
        done: Iterable[Left] = (),
        left: Iterable[Left] = (),
        since: Progress | None = None,
    ) -> Progress:
        """Move a frontier on from what was read of it, or is now; it never moves back.

        ``minute`` is an epoch minute. Of what was left ``done`` is not any more, and ``left`` is
        besides. Who has been overtaken does not know what the other found undone: nothing of
        what is left is done for that run any more. Raises TooMuchContention where it is overtaken
        again and again.
        """
        before = self.progress(frontier) if since is None else since
        gone, more = frozenset(done), frozenset(left)
        for _ in range(TRIES):
            after = replace(
                before,
                minute=max(minute, before.minute or 0),
                left=(before.left if before.overtaken else before.left - gone) | more,
                version=before.version + 1,
            )
            if (after.minute, after.left) == (before.minute, before.left):
                return before
            if self._large.put_newer(_item(frontier, after)):
                return after
            before = replace(self.progress(frontier), overtaken=True)
        raise TooMuchContention


def _item(frontier: Frontier, progress: Progress) -> Item:
    left = [[each.minute, each.tenant.id, each.place] for each in sorted(progress.left)]
    return Item(
        _key(frontier),
        {
            "minute": progress.minute or 0,
            "left": json.dumps(left, separators=(",", ":")),
            "version": progress.version,
        },
    )


def _key(frontier: Frontier) -> Key:
    return Key("frontiers", frontier.value)
