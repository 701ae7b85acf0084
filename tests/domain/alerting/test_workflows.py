"""Guest lists and timelines that fail: where the lines are, in planning and on the day."""

import pytest

from tests.domain.alerting.builders import (
    NOW,
    OTHER_SATURDAY,
    PLANNING,
    THE_DAY,
    WEDDING,
    found,
)
from wedsync.alerting.finding import Outcome
from wedsync.alerting.observation import Attempts, WeddingObservation
from wedsync.alerting.severity import Impact, Severity
from wedsync.alerting.workflows import GUEST_LIST_FAILURES, TIMELINE_SYNC_FAILURES
from wedsync.weddings.model import WeddingContext

RULES = (GUEST_LIST_FAILURES, TIMELINE_SYNC_FAILURES)


def failing(rule: str, *, failed: int, total: int) -> WeddingObservation:
    attempts = Attempts(total=total, failed=failed, sampled_at=NOW)
    if rule == GUEST_LIST_FAILURES:
        return WeddingObservation(scope=WEDDING, guest_lists=attempts)
    return WeddingObservation(scope=WEDDING, timeline_syncs=attempts)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("failed", "total", "severity"),
    [
        (20, 1000, None),
        (21, 1000, Severity.MEDIUM),
        (50, 1000, Severity.MEDIUM),
        (51, 1000, Severity.HIGH),
        (100, 1000, Severity.HIGH),
        (101, 1000, Severity.CRITICAL),
        (4, 8, None),
        (5, 8, Severity.CRITICAL),
        (3, 100, Severity.MEDIUM),
    ],
)
def test_in_planning_the_table_of_errors_decides(
    rule: str, failed: int, total: int, severity: Severity | None
) -> None:
    finding = found(rule, failing(rule, failed=failed, total=total), PLANNING)
    assert finding.severity is severity


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("failed", "total", "guests", "outcome"),
    [
        (1, 2, 80, Outcome.HOLD),
        (2, 3, 80, Outcome.BREACH),
        (2, 3, 300, Outcome.HOLD),
        (3, 3, 300, Outcome.BREACH),
        (2, 100, 80, Outcome.HOLD),
        (3, 100, 500, Outcome.BREACH),
        (1, 63, 80, Outcome.CLEAR),
    ],
)
def test_on_the_day_any_breach_is_critical_and_one_failure_is_none(
    rule: str, failed: int, total: int, guests: int, outcome: Outcome
) -> None:
    observation = failing(rule, failed=failed, total=total)
    finding = found(rule, observation, THE_DAY, guests=guests)
    assert finding.outcome is outcome
    if outcome is Outcome.BREACH:
        assert finding.severity is Severity.CRITICAL
        assert (finding.auto_escalate, finding.for_seconds) == (True, 0)
        assert finding.impact is Impact.HIGH
        assert {reason.rule for reason in finding.reasons} == {rule, "weekend_wedding_workflow"}


@pytest.mark.parametrize(
    ("context", "severity"), [(PLANNING, Severity.MEDIUM), (OTHER_SATURDAY, Severity.HIGH)]
)
def test_on_a_weekend_that_is_not_its_own_a_workflow_is_at_least_high(
    context: WeddingContext, severity: Severity
) -> None:
    observation = failing(GUEST_LIST_FAILURES, failed=21, total=1000)
    assert found(GUEST_LIST_FAILURES, observation, context).severity is severity


@pytest.mark.parametrize("rule", RULES)
def test_where_nobody_tried_there_is_no_data(rule: str) -> None:
    finding = found(rule, WeddingObservation(scope=WEDDING), THE_DAY)
    assert finding.outcome is Outcome.NO_DATA
