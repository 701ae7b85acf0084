"""Levels, recovery and silence."""

from datetime import datetime

import pytest

from tests.domain.alerting.builders import NOW, after
from wedsync.alerting.finding import Outcome
from wedsync.alerting.performance import AVAILABILITY_PERCENT, ERROR_PERCENT, RESPONSE_MS
from wedsync.alerting.photos import PHOTO_FAILURE_PERCENT
from wedsync.alerting.severity import Severity
from wedsync.alerting.thresholds import Levels, seen

ONE_LEVEL = Levels(steps=((Severity.CRITICAL, 95.0),), lower_is_worse=True)


@pytest.mark.parametrize(
    ("levels", "value", "severity"),
    [
        (RESPONSE_MS, 2000.0, None),
        (RESPONSE_MS, 2000.1, Severity.MEDIUM),
        (RESPONSE_MS, 3000.0, Severity.MEDIUM),
        (RESPONSE_MS, 3000.1, Severity.HIGH),
        (RESPONSE_MS, 5000.0, Severity.HIGH),
        (RESPONSE_MS, 5000.1, Severity.CRITICAL),
        (AVAILABILITY_PERCENT, 99.0, None),
        (AVAILABILITY_PERCENT, 98.9, Severity.MEDIUM),
        (AVAILABILITY_PERCENT, 97.0, Severity.MEDIUM),
        (AVAILABILITY_PERCENT, 96.9, Severity.HIGH),
        (AVAILABILITY_PERCENT, 95.0, Severity.HIGH),
        (AVAILABILITY_PERCENT, 94.9, Severity.CRITICAL),
    ],
)
def test_a_level_begins_strictly_beyond_its_threshold(
    levels: Levels, value: float, severity: Severity | None
) -> None:
    level = levels.exceeded(value)

    assert (level[0] if level is not None else None) is severity


@pytest.mark.parametrize(
    ("levels", "recovery"),
    [
        (PHOTO_FAILURE_PERCENT, 0.8),
        (RESPONSE_MS, 1600.0),
        (ERROR_PERCENT, 1.6),
        (ONE_LEVEL, 96.0),
        (AVAILABILITY_PERCENT, 99.2),
    ],
)
def test_recovery_lies_a_fifth_inside_the_mildest_threshold(
    levels: Levels, recovery: float
) -> None:
    assert levels.recovery == pytest.approx(recovery)


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (1.01, Outcome.BREACH),
        (1.0, Outcome.HOLD),
        (0.81, Outcome.HOLD),
        (0.8, Outcome.CLEAR),
        (0.0, Outcome.CLEAR),
    ],
)
def test_between_threshold_and_recovery_nothing_opens_or_resolves(
    value: float, outcome: Outcome
) -> None:
    assert PHOTO_FAILURE_PERCENT.outcome(value) is outcome


def test_a_bad_value_without_enough_evidence_neither_opens_nor_resolves() -> None:
    assert PHOTO_FAILURE_PERCENT.outcome(50.0, evident=False) is Outcome.HOLD


@pytest.mark.parametrize(
    ("outcome", "sampled_at", "says"),
    [
        (Outcome.CLEAR, NOW, Outcome.CLEAR),
        (None, after(-299), Outcome.SILENT),
        (None, after(-300), Outcome.NO_DATA),
        (Outcome.CLEAR, after(-300), Outcome.NO_DATA),
        (None, None, Outcome.NO_DATA),
    ],
)
def test_a_series_is_silent_before_it_is_without_data(
    outcome: Outcome | None, sampled_at: datetime | None, says: Outcome
) -> None:
    assert seen(outcome, sampled_at=sampled_at, now=NOW) is says
