"""A critical breach of a service's window must be borne out by its newest minutes."""

from dataclasses import replace

import pytest

from tests.domain.alerting.builders import a_finding
from tests.domain.alerting.streams.traffic import MONDAY, counts
from wedsync.alerting.finding import Finding
from wedsync.alerting.severity import Severity, SeverityReason
from wedsync.alerting.streams.confirmation import Lasting, confirmation
from wedsync.alerting.streams.minute import Minute, remembered


def rows(*failed_percent: int, total: int = 100) -> list[Minute]:
    """One minute after the other, by how much of it failed."""
    return [
        remembered(counts(MONDAY + at, total, failed=total * percent // 100), None)
        for at, percent in enumerate(failed_percent)
    ]


@pytest.mark.parametrize(
    ("minutes", "lasting", "for_seconds"),
    [
        ((0, 0, 0, 0, 100), Lasting.AWAITED, 70),
        ((0, 0, 0, 100, 100), Lasting.AWAITED, 130),
        ((0, 0, 20, 20, 20), Lasting.AWAITED, 190),
        ((0, 20, 20, 20, 20), Lasting.CONFIRMED, 60),
        ((0, 0, 60, 60, 60), Lasting.CONFIRMED, 60),
        ((0, 11, 11, 11, 11), Lasting.CONFIRMED, 60),
        ((0, 0, 0, 100, 0), Lasting.REFUTED, 60),
        ((100, 100, 100, 100, 0), Lasting.REFUTED, 60),
        ((0, 0, 0, 0, 0), Lasting.REFUTED, 60),
        ((), Lasting.UNASKED, 60),
    ],
)
def test_minutes_speak_for_themselves(
    minutes: tuple[int, ...], lasting: Lasting, for_seconds: int
) -> None:
    said = confirmation(rows(*minutes))
    assert (said.lasting, said.for_seconds) == (lasting, for_seconds)


def test_a_single_slow_answer_is_no_evidence_of_stalled_answers() -> None:
    one = [remembered(counts(MONDAY, 1, ms=6000.0), None)]
    five = [remembered(counts(MONDAY, 5, ms=6000.0), None)]
    assert confirmation(one).lasting is Lasting.REFUTED
    assert confirmation(five).lasting is Lasting.AWAITED


def critical(*rules: str) -> Finding:
    reasons = tuple(
        SeverityReason(rule=rule, severity=Severity.CRITICAL, reason="because") for rule in rules
    )
    return replace(a_finding(for_seconds=60), reasons=reasons)


def test_what_the_newest_minute_refutes_is_high_and_says_so() -> None:
    refuted = confirmation(rows(100, 0)).applied(critical("errors_thresholds"))
    assert (refuted.severity, refuted.auto_escalate) == (Severity.HIGH, False)
    assert "newest minute" in refuted.reasons[0].reason


def test_what_is_awaited_raises_no_alert_that_fires_already() -> None:
    awaited = confirmation(rows(100)).applied(critical("errors_thresholds"))
    assert (awaited.severity, awaited.may_raise) == (Severity.CRITICAL, False)


def test_what_health_checks_say_is_not_for_requests_to_deny() -> None:
    finding = critical("errors_thresholds", "availability_thresholds")
    assert confirmation(rows(100, 0)).applied(finding) is finding
    assert confirmation(()).applied(critical("response_thresholds")).severity is Severity.CRITICAL
