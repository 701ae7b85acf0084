"""The live answers: a tenant's snapshot, and one wedding's page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wedsync.alerting.model import AlertState
from wedsync.alerting.severity import Severity
from wedsync.cloud.memory import Remembered
from wedsync.flows.quality import quality_minutes, quality_of
from wedsync.flows.reading import WindowReader
from wedsync.flows.surroundings import TenantDay
from wedsync.flows.tenant_settings import settings_of
from wedsync.flows.times import MINUTES_PER_HOUR, epoch_ms, minute_of
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
    percent,
    photos_processing,
    vendor_activity_score,
)
from wedsync.metrics.selection import Selection
from wedsync.metrics.series import API_REQUEST, HEALTH_CHECK, is_server_error
from wedsync.stores.frontiers import Frontier
from wedsync.stores.services import Services
from wedsync.stores.windows import TotalsItem
from wedsync.tenancy import Tenant
from wedsync.weddings.model import Status, Wedding
from wedsync.weddings.timeline import operational_window, status

CACHED_SECONDS = 1.0
WINDOW_MINUTES = 5
MOST_MINUTES = 75
"""Minutes that a page reads beyond the hours at the most, should compaction have stopped."""


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
    reader = _reader(services, tenant, now)
    weddings = TenantDay(tenant, services.weddings, now).open_windows
    states = [(wedding, _Recent(services, reader, wedding, now)) for wedding in weddings]
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
    recent = _Recent(services, _reader(services, tenant, now), wedding, now)
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
        error_percent=_error_percent(requests),
        uptime_percent=recent.uptime_percent(),
        backup=backup_status(
            last_success_ms=facts.backup_ok_ms,
            last_failure_ms=facts.backup_failed_ms,
            now_ms=now_ms,
            window_open=operational_window(wedding).contains(now),
        ),
        quality=_quality(services, tenant, _totals(services, tenant, now), now),
    )


class _Recent:
    """One wedding, from its stored hours and the minutes after them."""

    def __init__(
        self, services: Services, reader: WindowReader, wedding: Wedding, now: datetime
    ) -> None:
        self._wedding = wedding
        self._now = now
        self._reader = reader
        self._current = minute_of(now)
        self._hours = services.windows.hours(reader.tenant, wedding.wedding_id)
        self._through = {hour.hour: hour.through for hour in self._hours}
        frontier = (
            services.frontiers.get(Frontier.WEDDING_HOURS) or self._current - 2 * WINDOW_MINUTES
        )
        first = max(frontier, self._current - MOST_MINUTES)
        # A point may be up to five minutes ahead of the clock.
        last = self._current + WINDOW_MINUTES
        read = reader.minutes_of_wedding(
            wedding.wedding_id, min(first, self._current - WINDOW_MINUTES), last
        )
        self._minutes = {each.minute: (each, each.both().only(wedding.wedding_id)) for each in read}
        self._beyond = [
            block
            for minute, (_, block) in self._minutes.items()
            if minute >= first and minute >= self._through.get(minute // MINUTES_PER_HOUR, first)
        ]
        self.facts = WeddingFacts.merge(
            block.facts(wedding.wedding_id)
            for block in (*(hour.block for hour in self._hours), *self._beyond)
        )

    def last_minutes(self, count: int) -> Block:
        """The current minute and those before it, on time only."""
        return Block.merge(
            read.on_time.only(self._wedding.wedding_id)
            for minute, (read, _) in self._minutes.items()
            if self._current - count < minute <= self._current
        )

    def health_of_last_minute(self) -> float | None:
        """The score over the last full clock minute."""
        read, _ = self._minutes[self._current - 1]
        block = read.on_time.only(self._wedding.wedding_id)
        requests = block.select(API_REQUEST)
        return health_score(
            requests.summary().quantile(0.95) if requests else None,
            _error_percent(requests),
            _available_percent(block.select(HEALTH_CHECK)),
        ).score

    def uptime_percent(self) -> float | None:
        """The share of health checks that were well since the window opened."""
        opened = operational_window(self._wedding).start
        if self._now < opened:
            return None
        first = minute_of(opened)
        hour, into = divmod(first, MINUTES_PER_HOUR)
        whole = [
            each.block
            for each in self._hours
            if each.hour > hour or (each.hour == hour and not into)
        ]
        blocks = whole + [
            block for block in self._beyond if block.minute is None or block.minute >= first
        ]
        if into and hour in self._through:
            read = self._reader.minutes_of_wedding(
                self._wedding.wedding_id, first, self._through[hour] - 1
            )
            blocks += [each.both().only(self._wedding.wedding_id) for each in read]
        checks = Block.merge(blocks).select(HEALTH_CHECK, wedding_id=self._wedding.wedding_id)
        return _available_percent(checks)


def _reader(services: Services, tenant: Tenant, now: datetime) -> WindowReader:
    return WindowReader(
        services.hot_windows,
        services.windows,
        tenant,
        packs=settings_of(services, tenant).packs,
        now=now,
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
    errors = _error_percent_of_totals(requests)
    score = health_score(p95, errors, _available_percent(block.totals(HEALTH_CHECK))).score
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


def _error_percent(requests: Selection) -> float | None:
    by_status = requests.by("status")
    total = sum(summary.count for summary in by_status.values())
    failed = sum(summary.count for (code,), summary in by_status.items() if is_server_error(code))
    return _rounded(percent(failed, total), digits=4)


def _error_percent_of_totals(requests: Selection) -> float | None:
    by_outcome = requests.by("outcome")
    total = sum(summary.count for summary in by_outcome.values())
    failed = by_outcome["error",].count if ("error",) in by_outcome else 0
    return _rounded(percent(failed, total), digits=4)


def _available_percent(checks: Selection) -> float | None:
    by_outcome = checks.by("outcome")
    total = sum(summary.count for summary in by_outcome.values())
    passed = by_outcome["ok",].count if ("ok",) in by_outcome else 0
    return _rounded(percent(passed, total), digits=4)


def _rounded(value: float | None, *, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
