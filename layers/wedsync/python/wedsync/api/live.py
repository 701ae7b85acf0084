"""Bodies of the live routes: exactly these members, null where nothing is known."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from wedsync.api.shape import Reply
from wedsync.flows.live import Snapshot, WeddingPage
from wedsync.metrics.facts import Activity
from wedsync.metrics.quality import BackupStatus
from wedsync.weddings.calendar import local
from wedsync.weddings.model import Status


class SystemHealthReply(Reply):
    """The tenant's service over the last full minute. Times in ms, rates in percent."""

    overall_score: float | None
    api_response_time: float | None
    error_rate: float | None
    throughput: float | None
    active_connections: float | None


class WeddingMetricsReply(Reply):
    """The tenant's weddings whose window is open."""

    active_weddings: int
    photo_uploads_per_minute: int | None
    vendor_activity_score: float | None
    guest_engagement: float | None
    wedding_system_health: float | None


class AlertCountsReply(Reply):
    """Alerts that fire or are acknowledged; weddingRelated counts across the severities."""

    critical: int
    high: int
    medium: int
    wedding_related: int


class RealTimeReply(Reply):
    """A tenant's live snapshot."""

    timestamp: datetime
    system_health: SystemHealthReply
    wedding_metrics: WeddingMetricsReply
    alerts: AlertCountsReply

    @classmethod
    def of(cls, snapshot: Snapshot) -> "RealTimeReply":
        """This snapshot."""
        return cls(
            timestamp=snapshot.at,
            system_health=SystemHealthReply(
                overall_score=snapshot.system.score,
                api_response_time=snapshot.system.p95_ms,
                error_rate=snapshot.system.error_percent,
                throughput=snapshot.system.requests_per_second,
                active_connections=snapshot.system.active_connections,
            ),
            wedding_metrics=WeddingMetricsReply(
                active_weddings=snapshot.active_weddings,
                photo_uploads_per_minute=snapshot.photo_uploads_per_minute,
                vendor_activity_score=snapshot.vendor_activity_score,
                guest_engagement=snapshot.guest_engagement,
                wedding_system_health=snapshot.wedding_system_health,
            ),
            alerts=AlertCountsReply(
                critical=snapshot.alerts.critical,
                high=snapshot.alerts.high,
                medium=snapshot.alerts.medium,
                wedding_related=snapshot.alerts.wedding_related,
            ),
        )


class SystemPerformanceReply(Reply):
    """How the platform serves this wedding. Times in ms, rates in percent."""

    response_time: float | None
    error_rate: float | None
    uptime: float | None


class WeddingFiguresReply(Reply):
    """The figures of one wedding's page."""

    photos_uploaded: int | None
    photos_processing: int | None
    photos_failed: int | None
    vendors_online: int | None
    guest_activity: int | None
    system_performance: SystemPerformanceReply
    backup_status: BackupStatus | None


class ActivityReply(Reply):
    """One thing that happened; ``local`` is its time on the venue's clock."""

    timestamp: datetime
    local: datetime
    type: str
    vendor_id: str | None
    guest_id: str | None
    summary: str


class WeddingPageReply(Reply):
    """One wedding, live."""

    wedding_id: str
    couple_name: str
    wedding_date: date
    status: Status
    metrics: WeddingFiguresReply
    real_time_activity: list[ActivityReply]

    @classmethod
    def of(cls, page: WeddingPage, activity: Iterable[Activity]) -> "WeddingPageReply":
        """This page, with what of its activity the caller may see."""
        wedding = page.wedding
        uploaded, processing, failed = page.photos or (None, None, None)
        return cls(
            wedding_id=wedding.wedding_id,
            couple_name=wedding.couple_name,
            wedding_date=wedding.date,
            status=page.status,
            metrics=WeddingFiguresReply(
                photos_uploaded=uploaded,
                photos_processing=processing,
                photos_failed=failed,
                vendors_online=page.vendors_online,
                guest_activity=page.guest_activity,
                system_performance=SystemPerformanceReply(
                    response_time=page.p95_ms,
                    error_rate=page.error_percent,
                    uptime=page.uptime_percent,
                ),
                backup_status=page.backup,
            ),
            real_time_activity=[
                ActivityReply(
                    timestamp=at,
                    local=local(wedding, at),
                    type=each.type,
                    vendor_id=each.vendor_id,
                    guest_id=each.guest_id,
                    summary=each.summary,
                )
                for each in activity
                for at in (datetime.fromtimestamp(each.ts_ms / 1000, UTC),)
            ],
        )


LIVE = {"cache-control": "private, max-age=1"}
"""A dashboard need not ask more often."""
