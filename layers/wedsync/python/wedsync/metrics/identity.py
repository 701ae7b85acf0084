"""Which points are the same point: keyed ids that no other tenant can forge or hit.

A point that carries an ``eventId`` is itself wherever it is sent again. A point of a signed
batch is known by its place in that batch. Anything else is known by its place on the stream.
"""

from dataclasses import dataclass
from hashlib import blake2b


def frame_id(key: bytes, *parts: str) -> int:
    """A keyed 64-bit hash of the parts; each has its length before it, so none runs into the next.

    ``key`` has at most 64 bytes and is secret: without it nobody can make ids collide on purpose.
    """
    text = "".join(f"{len(part)}:{part}" for part in parts)
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key)
    return int.from_bytes(digest.digest(), "little")


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

    def frame_id(self, key: bytes, *, event_id: str | None, ts_ms: int, index: int) -> int:
        """The identity of one point: its event id, else its signed batch, else its place.

        The same event id with another ``ts`` is another point. All ``values`` of a point are
        one frame: they stand and fall together.
        """
        if event_id is not None:
            return frame_id(key, self.tenant, self.device, "e", event_id, str(ts_ms))
        if self.batch_id is not None:
            return frame_id(key, self.tenant, self.device, "b", self.batch_id, str(index))
        return frame_id(key, self.tenant, "s", self.stream, self.shard, self.sequence, str(index))
