"""The live answers: a tenant's snapshot, and one wedding's page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.model import AlertState
from wedsync.alerting.severity import Severity
from wedsync.cloud.memory import Remembered
from wedsync.flows.quality import quality_minutes, quality_of
from wedsync.flows.readers import window_reader
from wedsync.flows.recent import WINDOW_MINUTES, RecentWedding
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import epoch_ms, minute_of
from wedsync.flows.viewing import note_view
from wedsync.metrics.block import Block
from wedsync.metrics.facts import WeddingFacts
from wedsync.metrics.health import WeddingScore, health_score, wedding_system_health
from wedsync.metrics.quality import (
    GAUGE_HOLDS_MS,
    GUEST_ACTIVE_MS,
    VENDOR_ACTIVE_MS,
    VENDOR_ONLINE_MS,
    BackupStatus,
    DataQuality,
    backup_status,
    guest_engagement,
    photos_processing,
    vendor_activity_score,
)
from wedsync.metrics.series import API_REQUEST, HEALTH_CHECK
from wedsync.metrics.shares import (
    available_percent,
    error_percent,
    error_percent_of_totals,
)
from wedsync.stores.services import Services
from wedsync.stores.windows import TotalsItem
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Status, Wedding
from wedsync.weddings.timeline import operational_window, status

CACHED_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFigures:
    """A tenant's service over the last full minute; None where nothing is known."""

    score: float | None
    p95_ms: float | None
    error_percent: float | None
    requests_per_second: float | None
    active_connections: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCounts:
    """Alerts that fire or are acknowledged; ``wedding_related`` counts across the severities."""

    critical: int
    high: int
    medium: int
    wedding_related: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a tenant's live dashboard shows."""

    at: datetime
    system: SystemFigures
    active_weddings: int
    photo_uploads_per_minute: int | None
    vendor_activity_score: float | None
    guest_engagement: float | None
    wedding_system_health: float | None
    worst_wedding: WeddingScore | None
    alerts: AlertCounts
    quality: DataQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class WeddingPage:
    """What a wedding's live page shows; None where nothing is known."""

    wedding: Wedding
    status: Status
    facts: WeddingFacts
    vendors_online: int | None
    guest_activity: int | None
    photos: tuple[int, int, int] | None
    p95_ms: float | None
    error_percent: float | None
    uptime_percent: float | None
    backup: BackupStatus | None
    quality: DataQuality


def snapshot(services: Services, tenant: Tenant) -> Remembered[Snapshot]:
    """The tenant's snapshot, at most a second old."""
    return services.memory.recall(
        (tenant, "snapshot"),
        lambda: _snapshot(services, tenant),
        now=services.now(),
        for_seconds=CACHED_SECONDS,
    )


def wedding_page(services: Services, tenant: Tenant, wedding: Wedding) -> Remembered[WeddingPage]:
    """One wedding's page, at most a second old. Looking at it has it kept by the second."""
    note_view(services, tenant, wedding.wedding_id)
    return services.memory.recall(
        (tenant, "wedding", wedding.wedding_id, wedding.version),
        lambda: _wedding_page(services, tenant, wedding),
        now=services.now(),
        for_seconds=CACHED_SECONDS,
    )


def _snapshot(services: Services, tenant: Tenant) -> Snapshot:
    now = services.now()
    minutes = _totals(services, tenant, now)
    reader = window_reader(services, tenant, now)
    weddings = TenantDay(tenant, services.weddings, now).open_windows
    states = [(wedding, RecentWedding(services, reader, wedding, now)) for wedding in weddings]
    health = wedding_system_health(
        (wedding.wedding_id, state.health_of_last_minute()) for wedding, state in states
    )
    since_ms = epoch_ms(now)
    # A share of vendors or guests of whom nothing was ever heard is unknown, and not zero.
    vendors_known = any(state.facts.vendor_seen_ms for _, state in states)
    guests_known = any(state.facts.guests for _, state in states)
    assigned = sum(len(wedding.vendors) for wedding in weddings) if vendors_known else 0
    active = sum(
        len(
            {vendor.vendor_id for vendor in wedding.vendors}
            & set(state.facts.vendors_active(since_ms - VENDOR_ACTIVE_MS))
        )
        for wedding, state in states
    )
    guests = sum(wedding.guest_count or 0 for wedding in weddings) if guests_known else 0
    engaged = sum(
        state.facts.distinct_guests(since_ms - GUEST_ACTIVE_MS)
        for wedding, state in states
        if wedding.guest_count is not None  # else nothing says of how many they are
    )
    return Snapshot(
        at=now,
        system=_system(minutes, now),
        active_weddings=len(weddings),
        photo_uploads_per_minute=_photos_last_minute(minutes, now),
        vendor_activity_score=_rounded(vendor_activity_score(active=active, assigned=assigned)),
        guest_engagement=_rounded(guest_engagement(active=engaged, guest_count=guests)),
        wedding_system_health=health.score,
        worst_wedding=health.worst,
        alerts=_alert_counts(services, tenant),
        quality=_quality(services, tenant, minutes, now),
    )


def _wedding_page(services: Services, tenant: Tenant, wedding: Wedding) -> WeddingPage:
    now = services.now()
    now_ms = epoch_ms(now)
    recent = RecentWedding(services, window_reader(services, tenant, now), wedding, now)
    facts = recent.facts
    window = recent.last_minutes(WINDOW_MINUTES)
    requests = window.select(API_REQUEST)
    gauge = [
        value
        for value, ms in window.select("system.response_time").latest_by("service").values()
        if now_ms - ms <= GAUGE_HOLDS_MS
    ]
    seen_photos = facts.uploads_started + facts.uploads_completed + facts.uploads_failed
    return WeddingPage(
        wedding=wedding,
        status=status(wedding, now),
        facts=facts,
        vendors_online=len(facts.vendors_online(now_ms - VENDOR_ONLINE_MS))
        if facts.vendor_heartbeat_ms
        else None,
        guest_activity=facts.distinct_guests(now_ms - GUEST_ACTIVE_MS) if facts.guests else None,
        photos=(
            facts.uploads_completed,
            photos_processing(
                started=facts.uploads_started,
                completed=facts.uploads_completed,
                failed=facts.uploads_failed,
            ),
            facts.uploads_failed,
        )
        if seen_photos
        else None,
        p95_ms=requests.summary().quantile(0.95) if requests else max(gauge, default=None),
        error_percent=error_percent(requests),
        uptime_percent=recent.uptime_percent(),
        backup=backup_status(
            last_success_ms=facts.backup_ok_ms,
            last_failure_ms=facts.backup_failed_ms,
            now_ms=now_ms,
            window_open=operational_window(wedding).contains(now),
        ),
        quality=_quality(services, tenant, _totals(services, tenant, now), now),
    )


def _totals(services: Services, tenant: Tenant, now: datetime) -> dict[int, tuple[TotalsItem, ...]]:
    return {minute: services.windows.totals(tenant, minute) for minute in quality_minutes(now)}


def _joined(items: Iterable[TotalsItem]) -> Block:
    return Block.merge(item.on_time for item in items)


def _system(minutes: dict[int, tuple[TotalsItem, ...]], now: datetime) -> SystemFigures:
    block = _joined(minutes[minute_of(now) - 1])
    requests = block.totals(API_REQUEST)
    count = requests.summary().count
    p95 = requests.summary().quantile(0.95) if requests else None
    errors = error_percent_of_totals(requests)
    score = health_score(p95, errors, available_percent(block.totals(HEALTH_CHECK))).score
    latest: dict[str | None, tuple[float, int]] = {}
    for items in minutes.values():
        for service, (value, ms) in (
            _joined(items).totals("api.connections").latest_by("service").items()
        ):
            if epoch_ms(now) - ms <= GAUGE_HOLDS_MS and ms >= latest.get(service, (0.0, 0))[1]:
                latest[service] = (value, ms)
    return SystemFigures(
        score=score,
        p95_ms=p95,
        error_percent=errors,
        requests_per_second=count / 60 if count else None,
        active_connections=sum(value for value, _ in latest.values()) if latest else None,
    )


def _photos_last_minute(minutes: dict[int, tuple[TotalsItem, ...]], now: datetime) -> int | None:
    last = minute_of(now) - 1
    seen = [
        minute
        for minute in range(last - WINDOW_MINUTES + 1, last + 1)
        if _joined(minutes[minute]).totals("photo.upload")
    ]
    if not seen:
        return None
    return _joined(minutes[last]).totals("photo.upload", outcome="completed").summary().count


def _alert_counts(services: Services, tenant: Tenant) -> AlertCounts:
    shown = [
        alert
        for alert in services.alerts.open_of(tenant)
        if alert.state in {AlertState.FIRING, AlertState.ACKNOWLEDGED}
    ]

    def of(severity: Severity) -> int:
        return sum(1 for alert in shown if alert.severity is severity)

    return AlertCounts(
        critical=of(Severity.CRITICAL),
        high=of(Severity.HIGH),
        medium=of(Severity.MEDIUM),
        wedding_related=sum(1 for alert in shown if alert.wedding_id is not None),
    )


def _quality(
    services: Services, tenant: Tenant, minutes: dict[int, tuple[TotalsItem, ...]], now: datetime
) -> DataQuality:
    counts = {minute: [item.counts for item in items] for minute, items in minutes.items()}
    return quality_of(services, tenant, counts, now)


def _rounded(value: float | None, *, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
