"""Signatures of webhooks, by the Standard Webhooks specification (v1, HMAC-SHA256)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64


def secret_key(secret: str) -> bytes:
    """The key behind ``whsec_…``. Raises ValueError for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX).encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        key = b""
    if not secret.startswith(PREFIX) or not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"{PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base 64")
    return key


def signed_headers(body: bytes, *, message_id: str, at_unix: int, secret: str) -> Mapping[str, str]:
    """The three headers that a receiver verifies."""
    content = f"{message_id}.{at_unix}.".encode() + body
    mac = hmac.new(secret_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_unix),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
