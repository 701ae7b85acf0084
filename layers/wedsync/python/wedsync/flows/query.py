"""What is asked of a metric over time, and the lines that answer it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wedsync.flows.rolled import UTC_ZONE
from wedsync.metrics.asking import Stat, Window
from wedsync.metrics.block import ANY, Block
from wedsync.metrics.selection import Selection
from wedsync.stores.rollups import WHOLE, Scope, ScopeKind

QUANTILES = {Stat.P50: 0.50, Stat.P90: 0.90, Stat.P95: 0.95, Stat.P99: 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """Which metric, of whom, how and when.

    Of a wedding, of a vendor, of a vendor at a wedding, or (neither) of the tenant's totals. The
    buckets are those that the range from ``start`` to ``end``, exclusive, touches. ``zone`` is
    the zone whose days they are, ``kept_zone`` the one whose days are stored.
    """

    name: str
    stat: Stat
    window: Window
    start: datetime
    end: datetime
    group_by: tuple[str, ...] = ()
    wedding_id: str | None = None
    vendor_id: str | None = None
    zone: str = UTC_ZONE
    kept_zone: str = UTC_ZONE

    def aligned(self) -> "SeriesQuery":
        """The same query from and to whole seconds or minutes, under which it is remembered."""
        width = min(self.window.seconds, 60)
        start = int(self.start.timestamp()) // width * width
        end = -(-self.end.timestamp() // width) * width
        return replace(
            self, start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC)
        )

    @property
    def scope(self) -> Scope:
        """Whose rollups hold the answer."""
        if self.wedding_id is not None:
            return Scope(ScopeKind.WEDDING, self.wedding_id)
        if self.vendor_id is not None:
            return Scope(ScopeKind.VENDOR, self.vendor_id)
        return WHOLE

    def select(self, block: Block) -> Selection:
        """The series of a block that are asked for."""
        if self.scope == WHOLE:
            return block.totals(self.name)
        return block.select(
            self.name,
            wedding_id=ANY if self.wedding_id is None else self.wedding_id,
            vendor_id=ANY if self.vendor_id is None else self.vendor_id,
        )


Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """From ``start`` up to ``end``, exclusive, in epoch seconds."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the answer: its dimensions, and (bucket, value) in the order of time."""

    dims: dict[str, str | None]
    points: tuple[tuple[Bucket, float], ...]


def lines_of(query: SeriesQuery, values: dict[tuple[Group, Bucket], float]) -> tuple[Line, ...]:
    """One line a group, its points in the order of time."""
    lines: dict[Group, list[tuple[Bucket, float]]] = {}
    for (group, bucket), value in sorted(values.items(), key=lambda each: each[0][1].start):
        lines.setdefault(group, []).append((bucket, value))
    return tuple(
        Line(dict(zip(query.group_by, group, strict=True)), tuple(points))
        for group, points in sorted(
            lines.items(), key=lambda each: [part or "" for part in each[0]]
        )
    )
