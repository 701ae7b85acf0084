"""A tenant's totals of the last minutes, as its snapshot tells them.

What was made of a minute is carried on by a warm process while the minute's items stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from wedsync.cloud.memory import Carried
from wedsync.flows.quality import quality_minutes
from wedsync.flows.recent import WINDOW_MINUTES
from wedsync.flows.times import epoch_ms, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.health import health_score
from wedsync.metrics.quality import GAUGE_HOLDS_MS
from wedsync.metrics.series import API_REQUEST, HEALTH_CHECK
from wedsync.metrics.shares import available_percent, error_percent_of_totals
from wedsync.stores.counts import Counts
from wedsync.stores.services import Services
from wedsync.stores.windows import TotalsItem
from wedsync.tenancy import Tenant

_UPLOADS = "photo.upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFigures:
    """A tenant's service over the last full minute; None where nothing is known."""

    score: float | None
    p95_ms: float | None
    error_percent: float | None
    requests_per_second: float | None
    active_connections: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentTotals:
    """``photos`` counts the uploads completed in the last full minute; ``counts`` are by minute."""

    system: SystemFigures
    photos: int | None
    counts: Mapping[int, Sequence[Counts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """One minute of the tenant's service."""

    requests: int
    p95_ms: float | None
    error_percent: float | None
    available_percent: float | None
    photos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glance:
    """``connections`` holds the last value of each service's gauge, with its time in ms."""

    has_uploads: bool
    connections: Mapping[str | None, tuple[float, int]]


def recent_totals(services: Services, tenant: Tenant, now: datetime) -> RecentTotals:
    """The totals as of now."""
    carried = services.memory.carried((tenant, "totals"))
    last = minute_of(now) - 1
    minutes = {
        minute: _Minute(minute, services.windows.totals(tenant, minute), carried)
        for minute in quality_minutes(now)
    }
    served = minutes[last].served()
    glances = {minute: each.glance() for minute, each in minutes.items()}
    services.memory.carry((tenant, "totals"), carried)
    latest: dict[str | None, tuple[float, int]] = {}
    for glance in glances.values():
        for service, (value, ms) in glance.connections.items():
            if epoch_ms(now) - ms <= GAUGE_HOLDS_MS and ms >= latest.get(service, (0.0, 0))[1]:
                latest[service] = (value, ms)
    uploads_known = any(
        glances[minute].has_uploads for minute in range(last - WINDOW_MINUTES + 1, last + 1)
    )
    return RecentTotals(
        system=SystemFigures(
            score=health_score(served.p95_ms, served.error_percent, served.available_percent).score,
            p95_ms=served.p95_ms,
            error_percent=served.error_percent,
            requests_per_second=served.requests / 60 if served.requests else None,
            active_connections=sum(value for value, _ in latest.values()) if latest else None,
        ),
        photos=served.photos if uploads_known else None,
        counts={minute: [item.counts for item in each.items] for minute, each in minutes.items()},
    )


@dataclass(frozen=True, slots=True)
class _Minute:
    """The items of one minute, read when something of it is not carried."""

    minute: int
    items: Sequence[TotalsItem]
    carried: Carried

    def served(self) -> _Served:
        """How the service did."""
        return self.carried.of(("served", self.minute), self._version, lambda: _served(self._block))

    def glance(self) -> _Glance:
        """What is told of minutes before, too."""
        return self.carried.of(("glance", self.minute), self._version, lambda: _glance(self._block))

    @property
    def _version(self) -> tuple[tuple[str, int], ...]:
        return tuple((item.place, item.version) for item in self.items)

    @property
    def _block(self) -> Block:
        """What came on time. Of a minute that fills, only what has changed is decoded."""
        return Block.merge(
            self.carried.of((self.minute, item.place), item.version, partial(_on_time, item))
            for item in self.items
        )


def _on_time(item: TotalsItem) -> Block:
    return item.on_time


def _served(block: Block) -> _Served:
    requests = block.totals(API_REQUEST)
    summary = requests.summary()
    return _Served(
        requests=summary.count,
        p95_ms=summary.quantile(0.95),
        error_percent=error_percent_of_totals(requests),
        available_percent=available_percent(block.totals(HEALTH_CHECK)),
        photos=block.totals(_UPLOADS, outcome="completed").summary().count,
    )


def _glance(block: Block) -> _Glance:
    return _Glance(
        has_uploads=bool(block.totals(_UPLOADS)),
        connections=block.totals("api.connections").latest_by("service"),
    )
