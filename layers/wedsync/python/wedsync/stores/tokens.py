"""Names of stream records, 64 bits each, as sets and as bytes."""

import struct
from collections.abc import Set as AbstractSet
from typing import TypeAlias

Tokens: TypeAlias = frozenset[int]
_TOKEN = struct.Struct("<Q")


def packed_tokens(tokens: AbstractSet[int]) -> bytes:
    """The set as bytes; equal sets give equal bytes."""
    return b"".join(map(_TOKEN.pack, sorted(tokens)))


def tokens_of(data: bytes) -> Tokens:
    """The set of these bytes."""
    return frozenset(token for (token,) in _TOKEN.iter_unpack(data))
