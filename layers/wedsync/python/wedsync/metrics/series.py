"""What is counted apart from what: a metric of a wedding, a vendor and a set of dimensions."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from wedsync.metrics.point import Kind

API_REQUEST = "api.request"
HEALTH_CHECK = "health.check"
GUEST_LIST = "guest_list.load"
TIMELINE_SYNC = "timeline.sync"
DEPLOYED = "deploy.finished"
"""A version of a service was deployed."""
TIMELINE_ITEM = "timeline.item"
"""An item of a wedding's timeline began; the dimension ``item`` is its id."""

DERIVED = "derived."
"""What the metrics that pipelines derive begin with, and no other: their totals keep every
dimension, of which their pipeline lets few through."""
UPDATE_OPERATION = "wedsync:operation"
UPDATE_FORMULA = "wedsync:formula"
"""The dimensions of a point that changes a value, and is counted in no series."""

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


OWN_PARTS = ("function", "queue", "stream", "table")
"""What the bundle itself is made of: metrics that begin so tell of one part, named alike."""


def total_of(series: Series) -> Series:
    """The tenant's total that a series counts in: few enough to be kept by the second.

    A request counts by whether it failed (status 500 and above), a health check by component
    and outcome, a deployment by service and version, what a part of the bundle itself measures by
    that part, a gauge by service or host, and anything else by its outcome if it has one.
    """
    dims = dict(series.dims)
    kept: Dims
    if series.metric.startswith(DERIVED):
        kept = series.dims
    elif series.metric == API_REQUEST:
        kept = (("outcome", "error" if is_server_error(dims.get("status")) else "ok"),)
    elif series.metric == HEALTH_CHECK:
        kept = _among(dims, "component", "outcome")
    elif series.metric == DEPLOYED:
        kept = _among(dims, "service", "version")
    elif (part := series.metric.partition(".")[0]) in OWN_PARTS:
        kept = _among(dims, *sorted((part, "operation", "outcome")))
    elif series.kind is Kind.GAUGE:
        kept = _among(dims, "service") or _among(dims, "host")
    else:
        kept = _among(dims, "outcome")
    return Series(
        wedding_id=None, vendor_id=None, metric=series.metric, kind=series.kind, dims=kept
    )


def is_server_error(status: str | None) -> bool:
    """Whether an HTTP status is the server's failure; an absent or odd one is not."""
    return status is not None and status.isdecimal() and int(status[:9]) >= 500


def _among(dims: dict[str, str], *names: str) -> Dims:
    return tuple((name, dims[name]) for name in names if name in dims)


def pack_of(pack_key: str, packs: int) -> int:
    """The pack of a wedding id (else vendor id, else source): the same on every machine."""
    if packs < 1:
        raise ValueError(f"a tenant has at least one pack, not {packs}")
    return pack_hash(pack_key) % packs


@lru_cache(maxsize=65536)
def pack_hash(pack_key: str) -> int:
    """The 64 bits that decide the pack, however many packs there are."""
    digest = blake2b(pack_key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"wspack")
    return int.from_bytes(digest.digest(), "little")
