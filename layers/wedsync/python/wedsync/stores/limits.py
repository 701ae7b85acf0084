"""How much each caller has asked, for rates to be kept."""

import hashlib
from datetime import datetime

from wedsync.cloud import ConditionFailed, Key, Table
from wedsync.cloud.memory import Memory
from wedsync.errors import Unavailable
from wedsync.rates import MICROSECONDS, Allowance, Rate
from wedsync.tenancy import Caller, Role

_ARRIVAL = "tat_us"


class LimitStore:
    """One number a caller, in a partition of its own: no caller waits for another.

    It is never forgotten: some hundred bytes for each caller that ever was.
    """

    def __init__(self, table: Table, memory: Memory) -> None:
        """On the limits table."""
        self._table = table
        self._memory = memory

    def take(self, caller: Caller, rate: Rate, *, now: datetime) -> Allowance | None:
        """Count one request; None where nobody can tell, which admits it.

        A limit protects what others get. While its table is down, refusing everybody would
        protect nobody.
        """
        now_us = round(now.timestamp() * MICROSECONDS)
        key = key_of(caller)
        latest_us = now_us + rate.tolerance_us
        # The number never falls: one that was too high for this moment still is, and costs no call.
        known_us = self._memory.noted(key, int)
        if known_us is not None and known_us > latest_us:
            return rate.refused(known_us, now_us=now_us)
        try:
            tat_us = self._table.advance(
                key, _ARRIVAL, by=rate.interval_us, at_least=now_us, at_most=latest_us
            )
        except ConditionFailed as conflict:
            if conflict.current is None:
                return None
            tat_us = conflict.current.number(_ARRIVAL)
            self._memory.note(key, tat_us)
            return rate.refused(tat_us, now_us=now_us)
        except Unavailable:
            return None
        return rate.admitted(tat_us, now_us=now_us)


def key_of(caller: Caller) -> Key:
    """Devices count by themselves, also where a person shares their name."""
    kind = "device" if caller.role is Role.DEVICE else "client"
    name = hashlib.sha256(f"{kind}\n{caller.subject}".encode()).hexdigest()[:32]
    return Key(caller.tenant.partition("limit", name), "requests")
