"""Whose a record is: proved by its signature, else by what the operator allows."""

from dataclasses import dataclass

from wedsync.cloud import Arrived
from wedsync.flows.vouching import PLATFORM
from wedsync.metrics.body import Poison
from wedsync.metrics.intake import Sender
from wedsync.metrics.signature import device_secret, split_signature, verify
from wedsync.settings import Settings
from wedsync.stores.keys import KeyStore
from wedsync.tenancy import Caller, Role, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A record whose sender is known. ``tenant`` None: each point names it (platform only)."""

    body: bytes
    tenant: Tenant | None
    device: str
    vendor_id: str | None
    batch_id: str | None
    received_at_ms: int | None

    def sender(self, record: Arrived) -> Sender:
        """The same beside where and when the record arrived."""
        return Sender(
            tenant=None if self.tenant is None else self.tenant.id,
            device=self.device,
            vendor_id=self.vendor_id,
            batch_id=self.batch_id,
            stream=record.stream,
            shard=record.shard,
            sequence=record.sequence,
            arrival_ms=self.received_at_ms or record.arrived_at_ms,
            event_ids_are_final=self.tenant is None,
        )


class Provenance:
    """Proves records; a device's key is looked up once per batch."""

    def __init__(self, keys: KeyStore, settings: Settings, master: bytes) -> None:
        """``master`` is the secret that all devices' secrets are derived from."""
        self._keys = keys
        self._settings = settings
        self._master = master
        self._callers: dict[str, Caller | None] = {}

    def prove(self, data: bytes) -> Proved:
        """The sender of a record. Raises Poison for one that cannot be proved."""
        line, body = split_signature(data)
        if line is None:
            return self._unsigned(body)
        if not verify(line, body, device_secret(self._master, line.key_id)):
            raise Poison("wrong-signature", "the signature does not fit the record")
        if line.key_id == PLATFORM:
            device, _, _ = line.batch_id.rpartition("/")
            return Proved(
                body=body,
                tenant=None,
                device=device,
                vendor_id=None,
                batch_id=line.batch_id,
                received_at_ms=line.at_unix * 1000,
            )
        caller = self._caller(line.key_id)
        if caller is None or caller.role is Role.VIEWER:
            raise Poison("unknown-key", "no key of this id may ingest")
        return Proved(
            body=body,
            tenant=caller.tenant,
            device=line.key_id,
            vendor_id=caller.vendor_id,
            batch_id=line.batch_id,
            received_at_ms=None,
        )

    def _unsigned(self, body: bytes) -> Proved:
        if self._settings.unsigned_tenant is None:
            raise Poison("unsigned", "only signed records are counted here")
        return Proved(
            body=body,
            tenant=self._settings.unsigned_tenant,
            device="",
            vendor_id=None,
            batch_id=None,
            received_at_ms=None,
        )

    def _caller(self, key_id: str) -> Caller | None:
        if key_id not in self._callers:
            record = self._keys.find(key_id)
            self._callers[key_id] = record.caller if record is not None else None
        return self._callers[key_id]


def claimed_key(data: bytes) -> str | None:
    """The key that a record names in its signature line, whoever sent it."""
    try:
        line, _ = split_signature(data)
    except Poison:
        return None
    return None if line is None else line.key_id


def identity_key(master: bytes) -> bytes:
    """The key of the points' identities: derived, so that it is not the signing key itself."""
    return device_secret(master, "#identity")[:64]
