"""Callers' API keys: stored hashed, shown once."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from wedsync.cloud import Absent, Item, Key, Table
from wedsync.tenancy import Caller, Role, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A stored key: who it speaks for. The key's secret itself is not stored."""

    key_id: str
    caller: Caller
    secret_hash: str


class KeyStore:
    """One item a key, found by the key's public id."""

    def __init__(self, table: Table) -> None:
        """On the keys table."""
        self._table = table

    def add(self, key_id: str, secret: str, caller: Caller, *, now: datetime) -> None:
        """Store a new key. ``secret`` leaves as a hash only."""
        attributes: dict[str, str | int | bytes] = {
            "tenant": caller.tenant.id,
            "subject": caller.subject,
            "role": caller.role.value,
            "secret_hash": _hash(secret),
            "created_at": now.isoformat(),
        }
        if caller.vendor_id is not None:
            attributes["vendor_id"] = caller.vendor_id
        self._table.put(Item(_key(key_id), attributes), when=Absent())

    def find(self, key_id: str) -> KeyRecord | None:
        """The key of this public id."""
        item = self._table.get(_key(key_id), consistent=False)
        if item is None:
            return None
        return KeyRecord(
            key_id=key_id,
            caller=Caller(
                tenant=Tenant(item.text("tenant")),
                subject=item.text("subject"),
                role=Role(item.text("role")),
                vendor_id=item.text("vendor_id") if "vendor_id" in item.attributes else None,
            ),
            secret_hash=item.text("secret_hash"),
        )


def matches(record: KeyRecord, secret: str) -> bool:
    """Whether this is the key's secret, in constant time."""
    return hmac.compare_digest(record.secret_hash, _hash(secret))


def _hash(secret: str) -> str:
    # The secret has 256 random bits: a slow hash would protect nothing and cost every request.
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(key_id: str) -> Key:
    return Key(f"key#{key_id}", "key")
