"""One data point as a client that aggregates exported it, and the points that it amounts to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from wedsync.metrics.body import Poison
from wedsync.metrics.catalog import BY_NAME
from wedsync.metrics.distribution import Amount, Observed, Reading, observations
from wedsync.metrics.envelope import MOST_COUNT, SMALLEST_VALUE
from wedsync.metrics.point import LARGEST_VALUE, Kind, Point

MOST_VALUES = 500
"""As many as a record may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A data point: what it says besides its content, and its content.

    ``point`` is what it would be alone, and stands for it where it is judged and parked.
    ``exporter`` is who keeps the series (a process, a device), ``series`` which one of its
    series it is; both are digests. ``since_ns`` is when the client began to count, 0 unknown.
    ``running`` means that the content has been adding up since then.
    """

    index: int
    point: Point
    exporter: str
    series: str
    since_ns: int
    at_ns: int
    running: bool
    reading: Reading

    @property
    def run(self) -> str:
        """This series since this start: what a running total is a total of."""
        return f"{self.series}:{self.since_ns}"


def points_of(exported: Exported, reading: Reading) -> list[Point]:
    """The points that a reading of this data point amounts to.

    Their event ids follow from the series, its start and the data point's time: exported once
    more, they are the same points. Bins that were hit equally often share a point.

    Raises:
        Poison: a value or a count that no point may have.

    """
    digest = digest_of(exported.series, str(exported.since_ns), str(exported.at_ns))
    by_count: dict[int, list[float]] = {}
    for value, count in _observed(exported.point, reading):
        if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
            raise Poison("value-out-of-range", "a value is at most 1e15 either way")
        if not 1 <= count <= MOST_COUNT:
            raise Poison("bad-count", "count is a whole number from 1 to 1e9")
        by_count.setdefault(count, []).append(0.0 if abs(value) < SMALLEST_VALUE else value)
    return [
        replace(
            exported.point,
            values=tuple(values[start : start + MOST_VALUES]),
            count=count,
            event_id=f"x-{digest}.{count}.{start}",
        )
        for count, values in sorted(by_count.items())
        for start in range(0, len(values), MOST_VALUES)
    ]


def _observed(point: Point, reading: Reading) -> list[Observed]:
    """As ``observations``; where events are counted, the sum of a counter is their number."""
    if isinstance(reading, Amount) and point.kind is Kind.EVENT:
        number = reading.value
        if number != int(number):
            raise Poison("bad-count", "events are counted in whole numbers")
        return [(1.0, int(number))] if number else []
    return observations(reading)


def kind_of_sum(name: str) -> Kind:
    """How a sum that only grows is kept: a counter, unless the catalogue counts events there."""
    known = BY_NAME.get(name)
    return Kind.EVENT if known is not None and known.kind is Kind.EVENT else Kind.COUNTER


def digest_of(*parts: str) -> str:
    """A digest of texts, none of which runs into the next."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def digest_of_labels(labels: Mapping[str, object]) -> str:
    """A digest of names and values, whatever order they came in."""
    return digest_of(*(f"{name}={labels[name]!r}" for name in sorted(labels)))
