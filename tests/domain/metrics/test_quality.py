import pytest

from wedsync.metrics.quality import (
    BackupStatus,
    backup_status,
    data_quality,
    guest_engagement,
    photos_processing,
    vendor_activity_score,
)

MINUTE = 60_000
NOW = 1_750_000_000_000


@pytest.mark.parametrize(
    ("minutes_ago", "window_open", "expected"),
    [
        (15, True, BackupStatus.HEALTHY),
        (16, True, BackupStatus.WARNING),
        (60, True, BackupStatus.WARNING),
        (61, True, BackupStatus.FAILED),
        (24 * 60, False, BackupStatus.HEALTHY),
        (24 * 60 + 1, False, BackupStatus.WARNING),
        (48 * 60 + 1, False, BackupStatus.FAILED),
        (None, True, None),
    ],
)
def test_a_backup_ages(
    minutes_ago: int | None, *, window_open: bool, expected: BackupStatus | None
) -> None:
    success = None if minutes_ago is None else NOW - minutes_ago * MINUTE
    status = backup_status(
        last_success_ms=success, last_failure_ms=None, now_ms=NOW, window_open=window_open
    )
    assert status is expected


def test_a_failed_last_attempt_is_a_failed_backup() -> None:
    for success in (None, NOW - 2 * MINUTE):
        assert (
            backup_status(
                last_success_ms=success, last_failure_ms=NOW - MINUTE, now_ms=NOW, window_open=True
            )
            is BackupStatus.FAILED
        )


def test_nothing_to_divide_by_is_no_figure() -> None:
    assert vendor_activity_score(active=0, assigned=0) is None
    assert guest_engagement(active=3, guest_count=0) is None


def test_shares_are_percentages() -> None:
    assert vendor_activity_score(active=1, assigned=4) == 25.0
    assert guest_engagement(active=75, guest_count=150) == 50.0
    assert photos_processing(started=1, completed=2, failed=0) == 0


def test_data_quality_is_the_product_of_its_parts() -> None:
    quality = data_quality(
        accepted=90,
        late=9,
        duplicates=4,
        rejected=10,
        freshness_seconds=50,
        completeness=0.5,
        cadence_seconds=10,
    )
    assert quality.late_share == 0.1
    assert quality.rejected_share == 0.1
    assert quality.score == pytest.approx(0.5 * 0.9 * 0.5)


def test_stale_data_is_worth_nothing_and_no_data_has_no_worth() -> None:
    def score(accepted: int, freshness: float) -> float | None:
        return data_quality(
            accepted=accepted,
            late=0,
            duplicates=0,
            rejected=0,
            freshness_seconds=freshness,
            completeness=1.0,
            cadence_seconds=10,
        ).score

    assert score(1, 0) == 1.0
    assert score(1, 100) == 0.0
    assert score(1, 5000) == 0.0
    assert score(0, 0) is None
