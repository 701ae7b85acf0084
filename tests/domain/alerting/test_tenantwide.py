"""Refused callers and failed payments: where the lines are."""

from datetime import UTC, datetime, timedelta

import pytest

from wedsync.alerting.catalog import PLATFORM_RULES
from wedsync.alerting.finding import Outcome
from wedsync.alerting.severity import Severity
from wedsync.alerting.tenantwide import Cases, payment_failures, refused_callers

NOW = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)


def cases(wrong: int, total: int, *, seconds_ago: float = 1.0) -> Cases:
    return Cases(total=total, wrong=wrong, sampled_at=NOW - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("wrong", "total", "outcome"),
    [
        (50, 249, Outcome.BREACH),
        (50, 250, Outcome.HOLD),
        (49, 60, Outcome.HOLD),
        (40, 250, Outcome.CLEAR),
        (41, 250, Outcome.HOLD),
        (0, 250, Outcome.CLEAR),
    ],
)
def test_refusals_need_a_share_and_a_number(wrong: int, total: int, outcome: Outcome) -> None:
    assert refused_callers(cases(wrong, total), now=NOW).outcome is outcome


@pytest.mark.parametrize(
    ("wrong", "total", "outcome"),
    [
        (5, 99, Outcome.BREACH),
        (5, 100, Outcome.HOLD),
        (4, 10, Outcome.HOLD),
        (4, 100, Outcome.CLEAR),
    ],
)
def test_payments_need_a_share_and_a_number(wrong: int, total: int, outcome: Outcome) -> None:
    finding = payment_failures(cases(wrong, total), now=NOW)
    assert finding.outcome is outcome
    assert finding.severity is (Severity.HIGH if outcome is Outcome.BREACH else None)


def test_what_is_not_heard_of_any_more_says_nothing() -> None:
    gone = cases(80, 100, seconds_ago=300)
    assert refused_callers(gone, now=NOW).outcome is Outcome.NO_DATA
    none = Cases(total=0, wrong=0, sampled_at=None)
    assert payment_failures(none, now=NOW).outcome is Outcome.NO_DATA


def test_both_are_listed_among_the_platforms_rules() -> None:
    listed = {rule.rule_id for rule in PLATFORM_RULES}
    for finding in (refused_callers(cases(1, 2), now=NOW), payment_failures(cases(1, 2), now=NOW)):
        assert finding.rule_id in listed
