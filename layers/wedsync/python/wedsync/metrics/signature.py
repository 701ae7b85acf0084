r"""The line that proves which device, of which tenant, sent a record.

::

    WSYNC1 <keyId> <unixSeconds> <batchId> <hexHmacSha256>\n<body>

The MAC is HMAC-SHA256 under the device's secret over the line up to and including the batch
id, a newline, and the SHA-256 of the body in lower-case hex. A secret is derived from the
platform's master key and the key id, so that nothing secret is stored.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256

from wedsync.metrics.body import Poison

_MAGIC = b"WSYNC1"
_LONGEST_LINE_BYTES = 512
_LINE = re.compile(
    rb"WSYNC1 ([A-Za-z0-9._:-]{1,128}) ([0-9]{1,12}) ([A-Za-z0-9._:/+=-]{1,128}) ([0-9a-fA-F]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """What a record says about its sender, not yet believed."""

    key_id: str
    at_unix: int
    batch_id: str
    mac_hex: str


def device_secret(master: bytes, key_id: str) -> bytes:
    """The secret of a device, as the hex text that its owner is shown once."""
    return hmac.new(master, key_id.encode(), sha256).hexdigest().encode()


def sign(body: bytes, *, secret: bytes, key_id: str, at_unix: int, batch_id: str) -> bytes:
    """The record: the signature line, then the body."""
    head = f"WSYNC1 {key_id} {at_unix} {batch_id}".encode()
    mac = hmac.new(secret, _signed(head, sha256(body).hexdigest().encode()), sha256)
    line = head + b" " + mac.hexdigest().encode()
    if not _LINE.fullmatch(line):
        raise ValueError("a key id or batch id holds a character that a signature line refuses")
    return line + b"\n" + body


def split_signature(record: bytes) -> tuple[SignatureLine | None, bytes]:
    """The signature line, if the record begins with one, and the body.

    Raises:
        Poison: the record begins as a signed one and its line cannot be read.

    """
    if not record.startswith(_MAGIC):
        return None, record
    end = record.find(b"\n", 0, _LONGEST_LINE_BYTES)
    if end < 0:
        raise Poison("malformed-signature", "the signature line has no end")
    match = _LINE.fullmatch(record[:end].removesuffix(b"\r"))
    if match is None:
        raise Poison("malformed-signature", "the signature line cannot be read")
    key_id, at_unix, batch_id, mac = match.groups()
    line = SignatureLine(
        key_id=key_id.decode(),
        at_unix=int(at_unix),
        batch_id=batch_id.decode(),
        mac_hex=mac.decode().lower(),
    )
    return line, record[end + 1 :]


def verify(line: SignatureLine, body: bytes, secret: bytes) -> bool:
    """Whether the holder of the secret signed this body; takes the same time either way.

    A client may key the MAC with the secret's text or with the bytes that its hex names, and
    may cover the body's digest as hex or as raw bytes: each proves the secret as well.
    """
    head = f"WSYNC1 {line.key_id} {line.at_unix} {line.batch_id}".encode()
    digest = sha256(body)
    genuine = False
    for key in _keys(secret):
        for form in (digest.hexdigest().encode(), digest.digest()):
            expected = hmac.new(key, _signed(head, form), sha256).hexdigest()
            genuine |= hmac.compare_digest(expected, line.mac_hex)
    return genuine


def _signed(head: bytes, digest: bytes) -> bytes:
    return head + b"\n" + digest


def _keys(secret: bytes) -> tuple[bytes, ...]:
    try:
        return secret, bytes.fromhex(secret.decode("ascii"))
    except ValueError:
        return (secret,)
