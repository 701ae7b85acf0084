"""How far the jobs that follow the clock have come: each a minute that never moves back.

Key: ``compaction / name``. They belong to no tenant: a job does all tenants alike.
"""

from enum import StrEnum

from wedsync.cloud import ConditionFailed, Item, Key, LessThan, Table


class Frontier(StrEnum):
    """What is complete before the minute that is kept under this name."""

    WEDDING_HOURS = "frontier"
    """Every wedding's hours."""
    HOURS = "hours"
    """The hours of tenants and vendors."""
    DAYS = "days"
    """Days of everything."""
    HISTORY_MINUTES = "history-minutes"
    """Minutes in the long-range store."""
    HISTORY_HOURS = "history-hours"
    """Hours in the long-range store."""


class FrontierStore:
    """One item a frontier."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table

    def get(self, frontier: Frontier) -> int | None:
        """The epoch minute before which everything is done; None before the first run."""
        item = self._table.get(_key(frontier))
        return None if item is None else item.number("minute")

    def advance(self, frontier: Frontier, minute: int) -> None:
        """Move a frontier on; it never moves back."""
        try:
            self._table.put(
                Item(_key(frontier), {"minute": minute}), when=LessThan("minute", minute)
            )
        except ConditionFailed:
            return


def _key(frontier: Frontier) -> Key:
    return Key("compaction", frontier.value)
