"""How good an answer is, and the figures that are shares of something.

Nothing to divide by gives ``None``: no data is neither health nor failure.
"""

from dataclasses import dataclass
from enum import StrEnum

MINUTE_MS = 60_000
VENDOR_ACTIVE_MS = 15 * MINUTE_MS
VENDOR_ONLINE_MS = 5 * MINUTE_MS
GUEST_ACTIVE_MS = 60 * MINUTE_MS
GAUGE_HOLDS_MS = 5 * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """What stands beside every answer. Shares and the score lie within 0 and 1."""

    score: float | None
    freshness_seconds: float | None
    completeness: float | None
    late_share: float | None
    rejected_share: float | None
    accepted: int
    late: int
    duplicates: int
    rejected: int


def data_quality(
    *,
    accepted: int,
    late: int,
    duplicates: int,
    rejected: int,
    freshness_seconds: float | None,
    completeness: float | None,
    cadence_seconds: float,
) -> DataQuality:
    """``completeness · (1 - rejectedShare) · max(0, 1 - freshness / (10 · cadence))``.

    ``accepted`` counts late points too. Where nothing came, there is nothing to score.
    """
    late_share = late / accepted if accepted else None
    offered = accepted + rejected
    rejected_share = rejected / offered if offered else None
    score = None
    if None not in (freshness_seconds, completeness, rejected_share):
        fresh = max(0.0, 1.0 - (freshness_seconds or 0.0) / (10.0 * cadence_seconds))
        score = round((completeness or 0.0) * (1.0 - (rejected_share or 0.0)) * fresh, 4)
    return DataQuality(
        score=score,
        freshness_seconds=freshness_seconds,
        completeness=completeness,
        late_share=late_share,
        rejected_share=rejected_share,
        accepted=accepted,
        late=late,
        duplicates=duplicates,
        rejected=rejected,
    )


class BackupStatus(StrEnum):
    """Whether a wedding's data would survive."""

    HEALTHY = "healthy"
    WARNING = "warning"
    FAILED = "failed"


def backup_status(
    *, last_success_ms: int | None, last_failure_ms: int | None, now_ms: int, window_open: bool
) -> BackupStatus | None:
    """Failed if the last attempt failed or the last success is too old; ``None`` if none ran.

    While the window is open a success is fresh for 15 minutes and old after 60, else for a day
    and after two.
    """
    if last_success_ms is None:
        return None if last_failure_ms is None else BackupStatus.FAILED
    if last_failure_ms is not None and last_failure_ms > last_success_ms:
        return BackupStatus.FAILED
    fresh, old = (15, 60) if window_open else (24 * 60, 48 * 60)
    age_ms = now_ms - last_success_ms
    if age_ms <= fresh * MINUTE_MS:
        return BackupStatus.HEALTHY
    return BackupStatus.WARNING if age_ms <= old * MINUTE_MS else BackupStatus.FAILED


def percent(part: float, whole: float) -> float | None:
    """100 · part / whole."""
    return 100.0 * part / whole if whole > 0 else None


def photos_processing(*, started: int, completed: int, failed: int) -> int:
    """Uploads under way; never negative, however late the starts are told."""
    return max(0, started - completed - failed)


def vendor_activity_score(*, active: int, assigned: int) -> float | None:
    """The percentage of assigned vendors of whom something came in 15 minutes."""
    return percent(active, assigned)


def guest_engagement(*, active: int, guest_count: int) -> float | None:
    """The percentage of invited guests who were active in 60 minutes."""
    return percent(active, guest_count)
