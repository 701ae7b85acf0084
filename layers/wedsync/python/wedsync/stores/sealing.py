"""Secrets of channels, encrypted before they are stored.

AES-GCM under a key that is derived from the bundle's own secret; a seal fits its own place alone,
so that nothing can be moved to another tenant's contact.
"""

import base64
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wedsync.cloud import Ids, Secret
from wedsync.notifications.contacts import BrokenSeal
from wedsync.notifications.payloads import Target
from wedsync.stores.documents import Documents
from wedsync.tenancy import Tenant

_NONCE_BYTES = 12
_targets = Documents(Target)


class Sealing:
    """Seals what a channel's calls need, and opens it."""

    def __init__(self, secret: Secret, ids: Ids) -> None:
        """``secret`` is the bundle's."""
        self._secret = secret
        self._ids = ids

    def seal(self, tenant: Tenant, contact_id: str, target: Target) -> str:
        """The target as text that says nothing."""
        nonce = self._ids.secret(_NONCE_BYTES)
        sealed = self._cipher().encrypt(
            nonce, _targets.dump(target).encode(), _place(tenant, contact_id)
        )
        return base64.b64encode(nonce + sealed).decode()

    def unseal(self, tenant: Tenant, contact_id: str, sealed: str) -> Target:
        """The target. Raises BrokenSeal."""
        raw = base64.b64decode(sealed)
        try:
            plain = self._cipher().decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _place(tenant, contact_id)
            )
        except InvalidTag:
            raise BrokenSeal from None
        return _targets.load(plain.decode())

    def _cipher(self) -> AESGCM:
        derived = hashlib.blake2b(
            self._secret.value(), digest_size=32, person=b"channel targets"
        ).digest()
        return AESGCM(derived)


def _place(tenant: Tenant, contact_id: str) -> bytes:
    return f"{tenant.id}#{contact_id}".encode()
