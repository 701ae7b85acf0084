"""Who may call a local server: keys of every role, made at its first start and then kept."""

import json
from dataclasses import dataclass

from infra.local.data_directory import DataDirectory, write_privately
from infra.local.engine import LocalCloud
from wedsync.errors import Unauthenticated
from wedsync.metrics.signature import device_secret
from wedsync.resources import Resource
from wedsync.runtime.tokens import issue, prove
from wedsync.stores.keys import KeyStore
from wedsync.tenancy import Caller, Role, Tenant

LOCAL_TENANT = Tenant("demo")
LOCAL_VENDOR = "vendor-demo"
_SECRET_BYTES = 32
_SIGNERS = frozenset({Role.DEVICE, Role.VENDOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A key as its owner sees it, once. Devices and vendors sign records with the secret."""

    token: str
    key_id: str
    signing_secret: str | None
    caller: Caller
    name: str | None = None

    def document(self) -> dict[str, str]:
        """As JSON members; those without a value are left out."""
        members = {
            "token": self.token,
            "keyId": self.key_id,
            "signingSecret": self.signing_secret,
            "tenantId": self.caller.tenant.id,
            "role": self.caller.role.value,
            "vendorId": self.caller.vendor_id,
            "name": self.name,
        }
        return {name: value for name, value in members.items() if value is not None}


def make_key(
    cloud: LocalCloud,
    *,
    tenant: Tenant,
    role: Role,
    vendor_id: str | None,
    name: str | None = None,
) -> MadeKey:
    """Make and store a key; it is valid at once in every process on the same file."""
    key_id = cloud.ids.new_id("key")
    caller = Caller(tenant=tenant, subject=key_id, role=role, vendor_id=vendor_id, name=name)
    made = issue(
        KeyStore(cloud.table(Resource.KEYS)),
        caller,
        key_id=key_id,
        secret=cloud.ids.secret(_SECRET_BYTES),
        now=cloud.clock.now(),
    )
    secret = None
    if role in _SIGNERS:
        secret = device_secret(cloud.secret(Resource.SIGNING).value(), key_id).decode()
    return MadeKey(token=made.token, key_id=key_id, signing_secret=secret, caller=caller, name=name)


def identity_of(cloud: LocalCloud, directory: DataDirectory) -> dict[str, object]:
    """The ready line's tenant, tokens and device: those of the last start, if they still hold."""
    kept = _kept(directory)
    if kept is None or not _holds(cloud, kept):
        kept = _new(cloud)
        write_privately(directory.identity, kept)
    return kept


def _new(cloud: LocalCloud) -> dict[str, object]:
    keys = {
        role: make_key(
            cloud,
            tenant=LOCAL_TENANT,
            role=role,
            vendor_id=LOCAL_VENDOR if role is Role.VENDOR else None,
            name="ready line",
        )
        for role in Role
    }
    device = keys[Role.DEVICE]
    return {
        "tenantId": LOCAL_TENANT.id,
        "vendorId": LOCAL_VENDOR,
        "tokens": {role.value: key.token for role, key in keys.items()},
        "device": {"keyId": device.key_id, "signingSecret": device.signing_secret},
    }


def _kept(directory: DataDirectory) -> dict[str, object] | None:
    try:
        kept = json.loads(directory.identity.read_text())
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def _holds(cloud: LocalCloud, kept: dict[str, object]) -> bool:
    """Whether every kept token still proves its role: the file of keys may have been removed."""
    tokens = kept.get("tokens")
    if not isinstance(tokens, dict) or set(tokens) != {role.value for role in Role}:
        return False
    keys = KeyStore(cloud.table(Resource.KEYS))
    try:
        for role, token in tokens.items():
            caller = prove(
                str(token),
                keys=keys,
                token_keys=cloud.secret(Resource.TOKEN_KEYS),
                now=cloud.clock.now(),
            )
            if caller.role.value != role:
                return False
    except Unauthenticated:
        return False
    return True
