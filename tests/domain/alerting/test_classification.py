"""The rows that hold for every kind of alert."""

from dataclasses import replace

import pytest

from tests.domain.alerting.builders import (
    OTHER_SATURDAY,
    PLANNING,
    THE_DAY,
    THE_DAY_ON_A_WEDNESDAY,
)
from wedsync.alerting.classification import Subject, classify, wedding_impact
from wedsync.alerting.severity import Impact, Severity
from wedsync.weddings.model import Phase, WeddingContext

IN_SEASON = replace(PLANNING, is_season=True)
IN_SEASON_A_MONTH_BEFORE = replace(IN_SEASON, phase=Phase.MONTH, days_to_wedding=25)


@pytest.mark.parametrize(
    ("subject", "context", "severity", "rule"),
    [
        (Subject.WORKFLOW, THE_DAY, Severity.CRITICAL, "weekend_wedding_workflow"),
        (Subject.WORKFLOW, THE_DAY_ON_A_WEDNESDAY, Severity.CRITICAL, "weekend_wedding_workflow"),
        (Subject.WORKFLOW, OTHER_SATURDAY, Severity.HIGH, "weekend_wedding_workflow"),
        (Subject.WORKFLOW, PLANNING, Severity.LOW, "default"),
        (Subject.WORKFLOW, None, Severity.LOW, "default"),
        (Subject.PERFORMANCE, PLANNING, Severity.MEDIUM, "performance_degradation"),
        (Subject.PERFORMANCE, OTHER_SATURDAY, Severity.MEDIUM, "performance_degradation"),
        (Subject.PERFORMANCE, None, Severity.MEDIUM, "performance_degradation"),
        (Subject.PERFORMANCE, IN_SEASON, Severity.MEDIUM, "performance_degradation"),
        (Subject.PERFORMANCE, IN_SEASON_A_MONTH_BEFORE, Severity.HIGH, "season_performance"),
        (
            Subject.PERFORMANCE,
            replace(THE_DAY, is_season=True),
            Severity.HIGH,
            "season_performance",
        ),
        (Subject.PAYMENT, PLANNING, Severity.HIGH, "payment_service_failure"),
        (Subject.PAYMENT, None, Severity.HIGH, "payment_service_failure"),
        (Subject.OTHER, THE_DAY, Severity.LOW, "default"),
    ],
)
def test_the_first_reason_names_the_row_that_decides(
    subject: Subject, context: WeddingContext | None, severity: Severity, rule: str
) -> None:
    first = classify(subject, context)[0]

    assert (first.severity, first.rule) == (severity, rule)


def test_an_off_season_weekend_slowdown_is_never_milder_than_one_on_a_tuesday() -> None:
    tuesday = classify(Subject.PERFORMANCE, PLANNING)[0].severity
    weekend = classify(Subject.PERFORMANCE, OTHER_SATURDAY)[0].severity

    assert weekend >= tuesday >= Severity.MEDIUM


def test_a_reason_carries_the_wall_time_of_the_venue() -> None:
    (reason,) = classify(Subject.WORKFLOW, THE_DAY)

    assert reason.local_time == THE_DAY.local


@pytest.mark.parametrize(
    ("phase", "in_window", "impact"),
    [
        (Phase.PLANNING, False, Impact.NONE),
        (Phase.MONTH, False, Impact.LOW),
        (Phase.WEEK, False, Impact.LOW),
        (Phase.EVE, False, Impact.MEDIUM),
        (Phase.LIVE, True, Impact.HIGH),
        (Phase.AFTER, False, Impact.NONE),
        (Phase.CLOSED, False, Impact.NONE),
    ],
)
def test_the_impact_on_a_wedding_follows_how_near_it_is(
    *, phase: Phase, in_window: bool, impact: Impact
) -> None:
    assert wedding_impact(replace(PLANNING, phase=phase, in_window=in_window)) is impact


def test_without_a_wedding_no_wedding_is_touched() -> None:
    assert wedding_impact(None) is Impact.NONE
