"""What is counted apart from what: a metric of a wedding, a vendor and a set of dimensions."""

from dataclasses import dataclass
from hashlib import blake2b

from wedsync.metrics.point import Kind

Dims = tuple[tuple[str, str], ...]

_UNIT = "\x1f"
"""Stands between the parts of encoded dimensions; no accepted string holds a control character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of numbers. The tenant is no part of it: every key around it begins with one."""

    wedding_id: str | None
    vendor_id: str | None
    metric: str
    kind: Kind
    dims: Dims = ()

    def encoded(self) -> str:
        """The canonical text of this series: equal series, and only those, encode alike."""
        head = _UNIT.join(
            (self.metric, self.kind, _or_absent(self.wedding_id), _or_absent(self.vendor_id))
        )
        return f"{head}{_UNIT}{encode_dims(self.dims)}" if self.dims else head


def _or_absent(text: str | None) -> str:
    return "-" if text is None else f"={text}"


def encode_dims(dims: Dims) -> str:
    """Dimensions as one text, in the order of their names."""
    return _UNIT.join(part for pair in sorted(dims) for part in pair)


def decode_dims(text: str) -> Dims:
    """The dimensions that :func:`encode_dims` wrote; the empty text holds none."""
    if not text:
        return ()
    parts = text.split(_UNIT)
    return tuple(zip(parts[::2], parts[1::2], strict=True))


def pack_of(pack_key: str, packs: int) -> int:
    """The pack of a wedding id (else vendor id, else source): the same on every machine."""
    if packs < 1:
        raise ValueError(f"a tenant has at least one pack, not {packs}")
    digest = blake2b(pack_key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"wspack")
    return int.from_bytes(digest.digest(), "little") % packs
