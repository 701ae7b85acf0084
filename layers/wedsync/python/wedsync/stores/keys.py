"""Callers' API keys: stored hashed, shown once.

- ``key#id / key``: what proves a caller; gone once the key is revoked.
- ``keys / tenant#id``: that there is or was such a key, for the list; it proves nothing.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime

from wedsync.cloud import EVERYTHING, Absent, Attribute, Item, Key, Sort, Table
from wedsync.cloud.paging import every
from wedsync.tenancy import Caller, Role, Tenant

_LIST = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A stored key: who it speaks for. The key's secret itself is not stored."""

    key_id: str
    caller: Caller
    secret_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """A key in the list of all: whose it is and what it is called, since when and until when."""

    key_id: str
    caller: Caller
    created_at: datetime
    revoked_at: datetime | None


class KeyStore:
    """One item a key, found by the key's public id."""

    def __init__(self, table: Table) -> None:
        """On the keys table."""
        self._table = table

    def add(self, key_id: str, secret: str, caller: Caller, *, now: datetime) -> None:
        """Store a new key, and put it on the list. ``secret`` leaves as a hash only."""
        attributes = _of_caller(caller) | {
            "secret_hash": _hash(secret),
            "created_at": now.isoformat(),
        }
        self._table.put(Item(_key(key_id), attributes), when=Absent())
        self._put_listed(ListedKey(key_id=key_id, caller=caller, created_at=now, revoked_at=None))

    def listed(self, tenant: Tenant | None = None) -> tuple[ListedKey, ...]:
        """The keys of a tenant, or of all, by tenant and id, with those that were revoked."""
        sort = EVERYTHING if tenant is None else Sort(begins_with=f"{tenant.id}#")
        return tuple(_listed(item) for item in every(self._table, _LIST, sort=sort))

    def revoke(self, key_id: str, *, now: datetime) -> ListedKey | None:
        """Take a key away for good; it, or None where there never was such a key.

        One that was revoked before stays as it is.
        """
        kept = next((each for each in self.listed() if each.key_id == key_id), None)
        item = self._table.get(_key(key_id))
        if item is not None:
            self._table.delete(item.key)
            kept = kept or ListedKey(
                key_id=key_id,
                caller=_caller(item),
                created_at=datetime.fromisoformat(item.text("created_at")),
                revoked_at=None,
            )
        if kept is not None and kept.revoked_at is None:
            kept = replace(kept, revoked_at=now)
            self._put_listed(kept)
        return kept

    def _put_listed(self, key: ListedKey) -> None:
        attributes = _of_caller(key.caller) | {"created_at": key.created_at.isoformat()}
        if key.revoked_at is not None:
            attributes["revoked_at"] = key.revoked_at.isoformat()
        at = Key(_LIST, f"{key.caller.tenant.id}#{key.key_id}")
        self._table.put(Item(at, attributes))

    def find(self, key_id: str) -> KeyRecord | None:
        """The key of this public id."""
        item = self._table.get(_key(key_id), consistent=False)
        if item is None:
            return None
        return KeyRecord(
            key_id=key_id,
            caller=_caller(item),
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


def _of_caller(caller: Caller) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {
        "tenant": caller.tenant.id,
        "subject": caller.subject,
        "role": caller.role.value,
    }
    if caller.vendor_id is not None:
        attributes["vendor_id"] = caller.vendor_id
    if caller.name is not None:
        attributes["name"] = caller.name
    return attributes


def _caller(item: Item) -> Caller:
    return Caller(
        tenant=Tenant(item.text("tenant")),
        subject=item.text("subject"),
        role=Role(item.text("role")),
        vendor_id=_text_or_none(item, "vendor_id"),
        name=_text_or_none(item, "name"),
    )


def _listed(item: Item) -> ListedKey:
    revoked_at = _text_or_none(item, "revoked_at")
    return ListedKey(
        key_id=item.key.sk.partition("#")[2],
        caller=_caller(item),
        created_at=datetime.fromisoformat(item.text("created_at")),
        revoked_at=None if revoked_at is None else datetime.fromisoformat(revoked_at),
    )


def _text_or_none(item: Item, name: str) -> str | None:
    return item.text(name) if name in item.attributes else None
