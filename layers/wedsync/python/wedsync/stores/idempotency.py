"""Answers by Idempotency-Key, kept for 24 hours."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from wedsync.cloud import Absent, ConditionFailed, Equals, Item, Key, Table
from wedsync.cloud.values import EXPIRES_AT
from wedsync.tenancy import Tenant

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""How long an unanswered request blocks its key: longer than any function may run."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The request is ours to carry out."""

    item: Item

    @property
    def begun_ms(self) -> int:
        """When the request first arrived: the same at each of its tries, never that of another."""
        return self.item.number("begun_ms")


@dataclass(frozen=True, slots=True)
class Replay:
    """It was answered before, with this."""

    answer: str


@dataclass(frozen=True, slots=True)
class InProgress:
    """Somebody is carrying it out."""


@dataclass(frozen=True, slots=True)
class Reused:
    """The key belongs to another request."""


Outcome: TypeAlias = Claimed | Replay | InProgress | Reused


class IdempotencyStore:
    """One item a key: in progress under a lease, or answered."""

    def __init__(self, table: Table) -> None:
        """On the idempotency table."""
        self._table = table

    def claim(
        self, tenant: Tenant, scope: str, *, digest: str, arrived_at: datetime, now: datetime
    ) -> Outcome:
        """Take the key, or learn what became of it. ``arrived_at``: when this try arrived."""
        name = hashlib.sha256(scope.encode()).hexdigest()
        lease_until = int((now + LEASE).timestamp())
        item = Item(
            Key(tenant.partition("idempotency"), name),
            {
                "digest": digest,
                "lease_until": lease_until,
                "begun_ms": round(arrived_at.timestamp() * 1000),
                EXPIRES_AT: int((now + KEPT).timestamp()),
            },
        )
        try:
            self._table.put(item, when=Absent())
        except ConditionFailed as conflict:
            return self._meet(conflict.current, item, now)
        return Claimed(item)

    def _meet(self, standing: Item | None, ours: Item, now: datetime) -> Outcome:
        if standing is None:
            return InProgress()
        if standing.text("digest") != ours.text("digest"):
            if not standing.number("refused"):
                return Reused()
            return self._take(ours, Equals("digest", standing.text("digest")))
        if "answer" in standing.attributes:
            return Replay(standing.text("answer"))
        lease = standing.number("lease_until")
        if lease > now.timestamp():
            return InProgress()
        begun = {"begun_ms": standing.number("begun_ms")}
        return self._take(
            Item(ours.key, {**ours.attributes, **begun}), Equals("lease_until", lease)
        )

    def _take(self, item: Item, when: Equals) -> Claimed | InProgress:
        try:
            self._table.put(item, when=when)
        except ConditionFailed:
            return InProgress()
        return Claimed(item)

    def remember(
        self, claim: Claimed, answer: str, *, now: datetime, refused: bool = False
    ) -> None:
        """Keep the answer. If the lease was lost meanwhile, the newer holder's answer stands.

        A ``refused`` request leaves the key free for another one.
        """
        attributes = {
            **claim.item.attributes,
            "answer": answer,
            "refused": int(refused),
            EXPIRES_AT: int((now + KEPT).timestamp()),
        }
        try:
            self._table.put(
                Item(claim.item.key, attributes),
                when=Equals("lease_until", claim.item.number("lease_until")),
            )
        except ConditionFailed:
            return

    def suspend(self, claim: Claimed) -> None:
        """Nobody knows what was done: the same request may be tried again, and no other."""
        try:
            self._table.put(
                Item(claim.item.key, {**claim.item.attributes, "lease_until": 0}),
                when=Equals("lease_until", claim.item.number("lease_until")),
            )
        except ConditionFailed:
            return

    def release(self, claim: Claimed) -> None:
        """Nothing was done: the key is free again."""
        try:
            self._table.delete(
                claim.item.key, when=Equals("lease_until", claim.item.number("lease_until"))
            )
        except ConditionFailed:
            return
