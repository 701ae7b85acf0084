"""How much each caller has asked, for rates to be kept."""

import hashlib
from datetime import datetime

from wedsync.cloud import ConditionFailed, Key, Table
from wedsync.cloud.memory import Memory
from wedsync.errors import Unavailable
from wedsync.rates import MICROSECONDS, Allowance, Rate
from wedsync.tenancy import Caller, Role, Tenant

_ARRIVAL = "tat_us"


class LimitStore:
    """One number a caller, and one a tenant, each in a partition of its own: nobody waits.

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
        taken = self._advance(
            key_of(caller),
            by=rate.interval_us,
            now_us=now_us,
            latest_us=rate.latest_us(1, now_us=now_us),
        )
        if taken is None:
            return None
        tat_us, is_admitted = taken
        told = rate.admitted if is_admitted else rate.refused
        return told(tat_us, now_us=now_us)

    def take_points(
        self, tenant: Tenant, rate: Rate, *, points: int, share_percent: int, now: datetime
    ) -> int | None:
        """Count so many points of a tenant; else after how many seconds there is room for them.

        ``share_percent`` of the burst are what these points may make use of. None where nobody
        can tell, too.
        """
        now_us = round(now.timestamp() * MICROSECONDS)
        latest_us = rate.latest_us(points, now_us=now_us, share_percent=share_percent)
        by = points * rate.interval_us
        taken = self._advance(_key_of_points(tenant), by=by, now_us=now_us, latest_us=latest_us)
        if taken is None or taken[1]:
            return None
        return rate.wait_seconds(taken[0], latest_us)

    def _advance(
        self, key: Key, *, by: int, now_us: int, latest_us: int
    ) -> tuple[int, bool] | None:
        """The number, and whether it could be raised; None where nobody can tell."""
        # The number never falls: one that was too high for this moment still is, and costs no call.
        known_us = self._memory.noted(key, int)
        if known_us is not None and known_us > latest_us:
            return known_us, False
        try:
            raised_us = self._table.advance(
                key, _ARRIVAL, by=by, at_least=now_us, at_most=latest_us
            )
        except ConditionFailed as conflict:
            if conflict.current is None:
                return None
            found_us = conflict.current.number(_ARRIVAL)
            self._memory.note(key, found_us)
            return found_us, False
        except Unavailable:
            return None
        return raised_us, True


def _key_of_points(tenant: Tenant) -> Key:
    return Key(tenant.partition("limit"), "points")


def key_of(caller: Caller) -> Key:
    """Devices count by themselves, also where a person shares their name."""
    kind = "device" if caller.role is Role.DEVICE else "client"
    name = hashlib.sha256(f"{kind}\n{caller.subject}".encode()).hexdigest()[:32]
    return Key(caller.tenant.partition("limit", name), "requests")
