"""The live answers: a tenant's snapshot, and one wedding's page."""

from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.model import AlertState
from wedsync.alerting.severity import Severity
from wedsync.cloud.memory import Remembered
from wedsync.flows.emergency import live_seconds
from wedsync.flows.open_weddings import look_at_open
from wedsync.flows.quality import quality_minutes, quality_of
from wedsync.flows.readers import window_reader
from wedsync.flows.recent import WINDOW_MINUTES, RecentWedding
from wedsync.flows.recent_totals import SystemFigures, recent_totals
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.times import epoch_ms
from wedsync.flows.viewing import note_view
from wedsync.metrics.facts import WeddingFacts
from wedsync.metrics.health import WeddingScore, wedding_system_health
from wedsync.metrics.quality import (
    GAUGE_HOLDS_MS,
    GUEST_ACTIVE_MS,
    VENDOR_ONLINE_MS,
    BackupStatus,
    DataQuality,
    backup_status,
    guest_engagement,
    photos_processing,
    vendor_activity_score,
)
from wedsync.metrics.series import API_REQUEST
from wedsync.metrics.shares import (
    error_percent,
)
from wedsync.stores.services import Services
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Status, Wedding
from wedsync.weddings.timeline import operational_window, status


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
    """The tenant's snapshot, at most a second old, or ten in emergency mode."""
    return services.memory.recall(
        (tenant, "snapshot"),
        lambda: _snapshot(services, tenant),
        now=services.now(),
        for_seconds=live_seconds(services, tenant),
    )


def wedding_page(services: Services, tenant: Tenant, wedding: Wedding) -> Remembered[WeddingPage]:
    """One wedding's page, at most a second old, or ten in emergency mode.

    Looking at it has it kept by the second.
    """
    note_view(services, tenant, wedding.wedding_id)
    return services.memory.recall(
        (tenant, "wedding", wedding.wedding_id, wedding.version),
        lambda: _wedding_page(services, tenant, wedding),
        now=services.now(),
        for_seconds=live_seconds(services, tenant),
    )


def _snapshot(services: Services, tenant: Tenant) -> Snapshot:
    now = services.now()
    totals = recent_totals(services, tenant, now)
    weddings = TenantDay(tenant, services.weddings, now).open_windows
    looked = look_at_open(services, tenant, weddings, now)
    health = wedding_system_health(looked.scores.items())
    seen = looked.attendance
    # A share of vendors or guests of whom nothing was ever heard is unknown, and not zero.
    assigned = sum(len(wedding.vendors) for wedding in weddings) if seen.vendors_known else 0
    active = sum(
        (wedding.wedding_id, vendor_id) in seen.vendors
        for wedding in weddings
        for vendor_id in {vendor.vendor_id for vendor in wedding.vendors}
    )
    guests = sum(wedding.guest_count or 0 for wedding in weddings) if seen.guests_known else 0
    engaged = sum(
        seen.guests.get(wedding.wedding_id, 0)
        for wedding in weddings
        if wedding.guest_count is not None  # else nothing says of how many they are
    )
    return Snapshot(
        at=now,
        system=totals.system,
        active_weddings=len(weddings),
        photo_uploads_per_minute=totals.photos,
        vendor_activity_score=_rounded(vendor_activity_score(active=active, assigned=assigned)),
        guest_engagement=_rounded(guest_engagement(active=engaged, guest_count=guests)),
        wedding_system_health=health.score,
        worst_wedding=health.worst,
        alerts=_alert_counts(services, tenant),
        quality=quality_of(services, tenant, totals.counts, now),
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
        quality=_quality(services, tenant, now),
    )


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


def _quality(services: Services, tenant: Tenant, now: datetime) -> DataQuality:
    counts = {minute: services.counts.of(tenant, minute) for minute in quality_minutes(now)}
    return quality_of(services, tenant, counts, now)


def _rounded(value: float | None, *, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
