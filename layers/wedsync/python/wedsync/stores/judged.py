"""Which records have been judged for what they brought to an item that is owed a judgement.

Key: ``tenant#judged#pack#minute / place``, beside the hot item of that place. Together with what
the hot item says it is owed, this tells what somebody counted and never came to judge.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.errors import TooMuchContention
from wedsync.metrics.fold import SlotKey
from wedsync.stores.tokens import Tokens, packed_tokens, tokens_of
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=1)
"""Longer than a minute may be judged after its end."""
TRIES = 64


class JudgedStore:
    """Judged records by hot item."""

    def __init__(self, table: Table) -> None:
        """On the windows table."""
        self._table = table

    def records(self, key: SlotKey, place: str) -> Tokens:
        """The records that were judged."""
        item = self._table.get(_key(key, place))
        return frozenset() if item is None else tokens_of(item.raw("records"))

    def note(self, key: SlotKey, place: str, records: AbstractSet[int], *, now: datetime) -> None:
        """These were judged too."""
        before: Tokens = frozenset()
        version = 0
        for _ in range(TRIES):
            if records <= before:
                return
            item = Item(
                _key(key, place),
                {
                    "records": packed_tokens(before | records),
                    "version": version + 1,
                    EXPIRES_AT: int((now + KEPT).timestamp()),
                },
            )
            try:
                self._table.put(item, when=Equals("version", version) if version else Absent())
            except ConditionFailed as conflict:
                standing = conflict.current
                before = frozenset() if standing is None else tokens_of(standing.raw("records"))
                version = 0 if standing is None else standing.number("version")
                continue
            return
        raise TooMuchContention


def _key(key: SlotKey, place: str) -> Key:
    return Key(Tenant(key.tenant).partition("judged", key.pack, key.minute), place)
