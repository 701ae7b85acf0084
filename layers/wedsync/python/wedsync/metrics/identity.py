"""Which points are the same point: keyed ids that no other tenant can forge or hit.

A point that carries an ``eventId`` is itself wherever it is sent again. A frame is known by the id
in its header. Any other record is a frame by itself, known by its signed batch, else by its place
on the stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from wedsync.metrics.histogram import Ints, Words

_LONGEST = 256
_MIXERS = (np.uint64(0xBF58_476D_1CE4_E5B9), np.uint64(0x94D0_49BB_1331_11EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def frame_id(key: bytes, *parts: str) -> int:
    """A keyed 64-bit hash of the parts; each has its length before it, so none runs into the next.

    ``key`` has at most 64 bytes and is secret: without it nobody can make ids collide on purpose.
    """
    digest = blake2b(_text(parts), digest_size=8, key=key)
    return int.from_bytes(digest.digest(), "little")


def _text(parts: Sequence[str]) -> bytes:
    return "".join([f"{len(part)}:{part}" for part in parts]).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1024)
def _begun(key: bytes, *parts: str) -> blake2b:
    """The hash of what many ids have in common; it is copied, never changed."""
    return blake2b(_text(parts), digest_size=8, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a record came from. ``tenant`` is the proved one.

    ``device`` is the id of the signing key, empty for unsigned records; ``batch_id`` is that of
    the signature line. For records off the stream, ``shard`` and ``sequence`` name their place.
    """

    tenant: str
    device: str = ""
    batch_id: str | None = None
    stream: str = ""
    shard: str = ""
    sequence: str = ""

    def record_id(self, key: bytes) -> int:
        """The identity of a record that names none: its signed batch, else its place."""
        if self.batch_id is not None:
            return frame_id(key, self.tenant, self.device, "b", self.batch_id)
        return frame_id(key, self.tenant, "s", self.stream, self.shard, self.sequence)

    def frame_id(self, key: bytes, own: int) -> int:
        """The identity of a frame that carries an id of its own."""
        digest = _begun(key, self.tenant, self.device, "f").copy()
        digest.update(_text((str(own),)))
        return int.from_bytes(digest.digest(), "little")

    def place_id(self, key: bytes, place: int) -> int:
        """The identity of one point by its place in a signed batch."""
        return frame_id(key, self.tenant, self.device, "p", self.batch_id or "", str(place))

    def event_ids(self, key: bytes, event_ids: Sequence[str], ts_ms: Ints | Sequence[int]) -> Words:
        """The identities of points by their event ids: with another ``ts``, it is another point.

        A sum of the characters' codes, each times a secret odd number of its place, then mixed:
        without the key, which holds for this tenant and device alone, nobody can foresee it.
        """
        if not len(event_ids):
            return np.empty(0, np.uint64)
        texts = np.array(event_ids)
        codes = texts.view(np.uint32).reshape(len(texts), -1).astype(np.uint64)
        secret = _secret(key, self.tenant, self.device)
        times = np.asarray(ts_ms, np.int64)
        return _mixed(codes @ secret[2 : 2 + codes.shape[1]], times, secret)

    def event_words(self, key: bytes, words: Words, ts_ms: Ints) -> Words:
        """The same for event ids that are 64-bit words."""
        secret = _secret(key, self.tenant, self.device)
        return _mixed(_stirred(words ^ secret[2]), ts_ms, secret)


def _mixed(word: Words, ts_ms: Ints, secret: Words) -> Words:
    return _stirred(_stirred(word + secret[0]) ^ (ts_ms.astype(np.uint64) * secret[1]))


def _stirred(word: Words) -> Words:
    """Every bit of the word felt in every bit (the finalizer of SplitMix64)."""
    word = (word ^ (word >> _SHIFTS[0])) * _MIXERS[0]
    word = (word ^ (word >> _SHIFTS[1])) * _MIXERS[1]
    stirred: Words = word ^ (word >> _SHIFTS[2])
    return stirred


@lru_cache(maxsize=1024)
def _secret(key: bytes, tenant: str, device: str) -> Words:
    """Secret odd numbers of one sender."""
    text = f"{len(tenant)}:{tenant}{len(device)}:{device}".encode("utf-8", "surrogatepass")
    stream = b"".join(
        blake2b(text, digest_size=64, key=key, salt=block.to_bytes(16, "little")).digest()
        for block in range(_LONGEST // 8)
    )
    return np.frombuffer(stream, "<u8").astype(np.uint64) | np.uint64(1)
