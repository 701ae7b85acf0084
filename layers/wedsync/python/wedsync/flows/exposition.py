"""A tenant's current figures as Prometheus reads them.

Counters and histograms count from midnight UTC and begin again there, which Prometheus takes for
the restart of a process. A gauge holds for five minutes.
"""

from dataclasses import dataclass, field

from wedsync.cloud.memory import Remembered
from wedsync.flows.live import Snapshot, snapshot
from wedsync.flows.series import blocks_between
from wedsync.flows.times import epoch_ms, minute_of
from wedsync.metrics.block import Block
from wedsync.metrics.catalog import BY_NAME, CatalogMetric
from wedsync.metrics.exposition import (
    BOUNDS_SECONDS,
    Family,
    FamilyKind,
    Histogram,
    Labels,
    Sample,
    exposition,
    label_names,
)
from wedsync.metrics.parts import each_latest, each_series
from wedsync.metrics.point import Kind
from wedsync.metrics.quality import GAUGE_HOLDS_MS, MINUTE_MS
from wedsync.metrics.series import Series
from wedsync.metrics.summary import Summary
from wedsync.stores.rollups import WHOLE
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant

CACHED_SECONDS = 5.0
_MS = 1000.0
_NAMING = frozenset({"metric"})
_SINCE = "since 00:00 UTC"


def prometheus_text(services: Services, tenant: Tenant) -> Remembered[str]:
    """The exposition, at most five seconds old."""
    return services.memory.recall(
        (tenant, "prometheus"),
        lambda: _text(services, tenant),
        now=services.now(),
        for_seconds=CACHED_SECONDS,
    )


def _text(services: Services, tenant: Tenant) -> str:
    now = services.now()
    midnight = minute_of(now.replace(hour=0, minute=0, second=0, microsecond=0))
    current = minute_of(now)
    found = blocks_between(services, tenant, WHOLE, midnight, current + 1, late=True)
    today = Block.merge(block for _, block in found)
    holds = GAUGE_HOLDS_MS // MINUTE_MS
    found = blocks_between(services, tenant, WHOLE, current - holds, current + 1, late=False)
    recent = Block.merge(block for _, block in found)
    families = _Families()
    for series, summary in each_series(today.totals()):
        families.count(series, summary)
    for series, value, ts_ms in each_latest(recent.totals()):
        if epoch_ms(now) - ts_ms <= GAUGE_HOLDS_MS:
            families.set(series, value, ts_ms)
    live = snapshot(services, tenant).value
    return exposition((*_live_families(live), *families.by_name.values()))


@dataclass(slots=True)
class _Families:
    """Families by name: those of the catalogue have their own, other metrics share four."""

    by_name: dict[str, Family] = field(default_factory=dict)
    known_at: dict[tuple[str, frozenset[tuple[str, str]]], tuple[int, int]] = field(
        default_factory=dict
    )
    """Where a name's sample under these labels stands, and when it was true (ms; 0 of counts)."""

    def count(self, series: Series, summary: Summary) -> None:
        """Add what a counter, a timer or an event amounts to."""
        known = _known(series)
        labels = _labels(series, known)
        match series.kind:
            case Kind.TIMER:
                self._add(_named(known, "duration_seconds"), known, _histogram(labels, summary))
            case Kind.COUNTER:
                self._add(_named(known, "total"), known, Sample(labels, summary.sum))
            case Kind.EVENT:
                suffix = "events_total" if known is None else "total"
                self._add(_named(known, suffix), known, Sample(labels, float(summary.count)))
            case Kind.GAUGE:
                pass

    def set(self, series: Series, value: float, ts_ms: int) -> None:
        """Add the last value of a gauge, in its base unit."""
        known = _known(series)
        suffix, scale = {"ms": ("_seconds", 1 / _MS), "%": ("_ratio", 0.01)}.get(
            "" if known is None else known.unit, ("", 1.0)
        )
        name = "wedsync_other_value" if known is None else f"{_stem(known)}{suffix}"
        self._add(name, known, Sample(_labels(series, known), value * scale), ts_ms=ts_ms)

    def _add(
        self,
        name: str,
        known: CatalogMetric | None,
        sample: Sample | Histogram,
        *,
        ts_ms: int | None = None,
    ) -> None:
        if name not in self.by_name:
            kind = FamilyKind.GAUGE
            if isinstance(sample, Histogram):
                kind = FamilyKind.HISTOGRAM
            elif name.endswith("_total"):
                kind = FamilyKind.COUNTER
            meaning = "Metrics of other names" if known is None else known.meaning
            told = meaning if kind is FamilyKind.GAUGE else f"{meaning}; {_SINCE}"
            self.by_name[name] = Family(name=name, kind=kind, help=told)
        samples = self.by_name[name].samples
        key = (name, frozenset(sample.labels.items()))
        at, since_ms = self.known_at.get(key, (len(samples), 0))
        if at == len(samples):
            samples.append(sample)
        elif ts_ms is None:
            samples[at] = samples[at].joined(sample)
        elif ts_ms > since_ms:
            samples[at] = sample
        self.known_at[key] = at, max(since_ms, ts_ms or 0)


def _known(series: Series) -> CatalogMetric | None:
    """The catalogue's metric, if this series is of its kind."""
    known = BY_NAME.get(series.metric)
    return known if known is not None and known.kind is series.kind else None


def _stem(known: CatalogMetric) -> str:
    return f"wedsync_{known.name.replace('.', '_')}"


def _named(known: CatalogMetric | None, suffix: str) -> str:
    return f"wedsync_other_{suffix}" if known is None else f"{_stem(known)}_{suffix}"


def _labels(series: Series, known: CatalogMetric | None) -> Labels:
    if known is not None:
        return label_names(series.dims)
    return {**label_names(series.dims, but=_NAMING), "metric": series.metric}


def _histogram(labels: Labels, summary: Summary) -> Histogram:
    """Milliseconds as seconds; a bound within a bin counts by the bin's midpoint."""
    return Histogram(
        labels=labels,
        below=[
            summary.count - round((summary.share_above(bound * _MS) or 0.0) * summary.count)
            for bound in BOUNDS_SECONDS
        ],
        count=summary.count,
        sum=summary.sum / _MS,
    )


def _live_families(live: Snapshot) -> tuple[Family, ...]:
    """The figures of the live snapshot; what is not known has no sample."""
    p95 = live.system.p95_ms
    errors = live.system.error_percent
    figures: tuple[tuple[str, str, float | None], ...] = (
        ("health_score", "How well the service runs, 0 to 100", live.system.score),
        (
            "response_time_p95_seconds",
            "95 of 100 requests of the last full minute were answered within",
            None if p95 is None else p95 / _MS,
        ),
        (
            "error_ratio",
            "Share of the last full minute's requests that failed on the server",
            None if errors is None else errors / 100,
        ),
        ("request_rate", "Requests per second, last full minute", live.system.requests_per_second),
        ("connections", "Active connections", live.system.active_connections),
        ("active_weddings", "Weddings whose window is open", float(live.active_weddings)),
        ("wedding_health_score", "Mean over open weddings, 0 to 100", live.wedding_system_health),
        ("vendor_activity_score", "Share of vendors at work, 0 to 100", live.vendor_activity_score),
        ("guest_engagement_score", "Share of active guests, 0 to 100", live.guest_engagement),
        (
            "wedding_alerts",
            "Open alerts that concern a wedding",
            float(live.alerts.wedding_related),
        ),
        ("data_quality_score", "How complete and fresh the data are, 0 to 1", live.quality.score),
    )
    alerts = Family(name="wedsync_alerts", kind=FamilyKind.GAUGE, help="Open alerts by severity")
    alerts.samples += [
        Sample({"severity": severity}, float(count))
        for severity, count in (
            ("critical", live.alerts.critical),
            ("high", live.alerts.high),
            ("medium", live.alerts.medium),
        )
    ]
    return (
        *(
            Family(
                name=f"wedsync_{name}",
                kind=FamilyKind.GAUGE,
                help=told,
                samples=[] if value is None else [Sample({}, value)],
            )
            for name, told, value in figures
        ),
        alerts,
    )
