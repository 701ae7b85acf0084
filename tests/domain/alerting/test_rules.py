"""The platform's own rules, as tables beside known wrong answers."""

from dataclasses import replace

import pytest

from tests.domain.alerting.builders import (
    NOW,
    OTHER_SATURDAY,
    PLANNING,
    THE_DAY,
    THE_DAY_ON_A_WEDNESDAY,
    WEDDING,
    a_finding,
    after,
    failing,
    found,
    photos,
    slow,
    unavailable,
)
from wedsync.alerting.finding import Finding, Outcome
from wedsync.alerting.infrastructure import RESOURCE_LIMIT, SYSTEM_FAILURE
from wedsync.alerting.observation import (
    ComponentChecks,
    HostReading,
    HostResource,
    Response,
    Scope,
    Uploads,
    WeddingObservation,
)
from wedsync.alerting.performance import PERFORMANCE_DEGRADATION
from wedsync.alerting.photos import PHOTO_UPLOAD_FAILURES, minimum_photo_failures
from wedsync.alerting.rules import judge
from wedsync.alerting.severity import Impact, Severity
from wedsync.weddings.model import Phase, Status, WeddingContext

SERVICE = Scope(service="api")


def checks(failures: int, *, component: str = "database", age: float = 0) -> WeddingObservation:
    return WeddingObservation(
        scope=SERVICE,
        components=(
            ComponentChecks(component=component, failures_in_60_s=failures, sampled_at=after(-age)),
        ),
    )


def host(percent: float) -> WeddingObservation:
    reading = HostReading(host="h1", resource=HostResource.MEMORY, percent=percent, sampled_at=NOW)
    return WeddingObservation(scope=SERVICE, hosts=(reading,))


@pytest.mark.parametrize(
    ("rate", "outcome"),
    [(0.8, Outcome.CLEAR), (1.0, Outcome.HOLD), (1.01, Outcome.BREACH), (100.0, Outcome.BREACH)],
)
def test_a_supplied_photo_failure_rate_alerts_strictly_above_one_percent(
    rate: float, outcome: Outcome
) -> None:
    assert found(PHOTO_UPLOAD_FAILURES, photos(rate=rate), THE_DAY).outcome is outcome


@pytest.mark.parametrize("context", [THE_DAY, THE_DAY_ON_A_WEDNESDAY])
def test_failing_photo_uploads_on_the_wedding_day_have_exactly_these_members(
    context: WeddingContext,
) -> None:
    finding = found(PHOTO_UPLOAD_FAILURES, photos(rate=2.0), context)

    assert finding.severity is Severity.CRITICAL
    assert finding.type == "photo_upload_failures"
    assert finding.scope.wedding_id == "w1"
    assert "Ana & Ben" in finding.message
    assert finding.impact is Impact.HIGH
    assert finding.auto_escalate is True
    assert (finding.value, finding.threshold, finding.for_seconds) == (2.0, 1.0, 0)
    assert [reason.rule for reason in finding.reasons] == [
        "photo_upload_failures",
        "weekend_wedding_workflow",
    ]


@pytest.mark.parametrize(
    "context",
    [PLANNING, OTHER_SATURDAY, replace(THE_DAY, status=Status.COMPLETED, in_window=False)],
)
def test_failing_photo_uploads_alert_on_no_other_day_not_even_a_saturday(
    context: WeddingContext,
) -> None:
    assert found(PHOTO_UPLOAD_FAILURES, photos(rate=50.0), context).outcome is Outcome.CLEAR


@pytest.mark.parametrize(
    ("failed", "completed", "guests", "outcome"),
    [
        (1, 2, 80, Outcome.HOLD),  # 33 % of three uploads is one unlucky guest
        (2, 1, 80, Outcome.BREACH),
        (2, 50, None, Outcome.BREACH),
        (2, 50, 300, Outcome.HOLD),
        (3, 50, 300, Outcome.BREACH),
        (4, 90, 500, Outcome.HOLD),
        (5, 90, 500, Outcome.BREACH),
        (2, 98, 500, Outcome.BREACH),  # a hundred uploads: the rate decides
        (1, 99, 500, Outcome.HOLD),  # exactly 1 %
        (0, 10, 80, Outcome.CLEAR),
    ],
)
def test_a_counted_photo_failure_rate_needs_failures_in_proportion_to_the_guests(
    failed: int, completed: int, guests: int | None, outcome: Outcome
) -> None:
    finding = found(
        PHOTO_UPLOAD_FAILURES, photos(failed=failed, completed=completed), THE_DAY, guests=guests
    )

    assert finding.outcome is outcome


@pytest.mark.parametrize(("guests", "failures"), [(None, 2), (50, 2), (150, 2), (300, 3), (500, 5)])
def test_the_minimum_of_photo_failures_grows_with_the_guests(
    guests: int | None, failures: int
) -> None:
    assert minimum_photo_failures(guests) == failures


def test_a_supplied_rate_decides_alone_whatever_the_counts_say() -> None:
    observation = photos(failed=0, completed=50, rate=1.5)

    finding = found(PHOTO_UPLOAD_FAILURES, observation, THE_DAY, guests=500)

    assert (finding.outcome, finding.value) == (Outcome.BREACH, 1.5)


@pytest.mark.parametrize(
    ("p95_ms", "planning", "on_the_day"),
    [
        (2000.0, None, None),
        (2001.0, Severity.MEDIUM, Severity.HIGH),
        (2500.0, Severity.MEDIUM, Severity.HIGH),
        (3000.0, Severity.MEDIUM, Severity.HIGH),
        (3001.0, Severity.HIGH, Severity.HIGH),
        (5000.0, Severity.HIGH, Severity.HIGH),
        (5001.0, Severity.CRITICAL, Severity.CRITICAL),
    ],
)
def test_response_time_is_judged_harder_on_the_wedding_day(
    p95_ms: float, planning: Severity | None, on_the_day: Severity | None
) -> None:
    assert found(PERFORMANCE_DEGRADATION, slow(p95_ms), PLANNING).severity is planning
    assert found(PERFORMANCE_DEGRADATION, slow(p95_ms), OTHER_SATURDAY).severity is planning
    assert found(PERFORMANCE_DEGRADATION, slow(p95_ms), THE_DAY).severity is on_the_day
    assert (
        found(PERFORMANCE_DEGRADATION, slow(p95_ms), THE_DAY_ON_A_WEDNESDAY).severity is on_the_day
    )


@pytest.mark.parametrize("context", [PLANNING, THE_DAY])
@pytest.mark.parametrize(
    ("observation", "severity"),
    [
        (failing(errors=20, total=1000), None),
        (failing(errors=21, total=1000), Severity.MEDIUM),
        (failing(errors=50, total=1000), Severity.MEDIUM),
        (failing(errors=51, total=1000), Severity.HIGH),
        (failing(errors=100, total=1000), Severity.HIGH),
        (failing(errors=101, total=1000), Severity.CRITICAL),
        (unavailable(failed=10, total=1000), None),
        (unavailable(failed=11, total=1000), Severity.MEDIUM),
        (unavailable(failed=30, total=1000), Severity.MEDIUM),
        (unavailable(failed=31, total=1000), Severity.HIGH),
        (unavailable(failed=50, total=1000), Severity.HIGH),
        (unavailable(failed=51, total=1000), Severity.CRITICAL),
    ],
)
def test_errors_and_availability_are_judged_alike_on_every_day(
    context: WeddingContext, observation: WeddingObservation, severity: Severity | None
) -> None:
    assert found(PERFORMANCE_DEGRADATION, observation, context).severity is severity


@pytest.mark.parametrize(
    ("errors", "total", "context", "outcome"),
    [
        (4, 20, PLANNING, Outcome.HOLD),
        (5, 20, PLANNING, Outcome.BREACH),
        (1, 3, THE_DAY, Outcome.HOLD),
        (2, 3, THE_DAY, Outcome.BREACH),
        (3, 100, PLANNING, Outcome.BREACH),
        (3, 99, PLANNING, Outcome.HOLD),
    ],
)
def test_a_handful_of_failed_requests_is_no_error_rate(
    errors: int, total: int, context: WeddingContext, outcome: Outcome
) -> None:
    observation = failing(errors=errors, total=total)

    assert found(PERFORMANCE_DEGRADATION, observation, context).outcome is outcome


def test_the_worst_axis_decides_and_every_axis_is_among_the_reasons() -> None:
    observation = replace(
        failing(errors=101, total=1000), response=Response(p95_ms=2500.0, sampled_at=NOW)
    )

    finding = found(PERFORMANCE_DEGRADATION, observation, THE_DAY)

    assert finding.severity is Severity.CRITICAL
    assert finding.value == pytest.approx(10.1)
    assert finding.threshold == 10.0
    assert [(reason.rule, reason.severity) for reason in finding.reasons] == [
        ("errors_thresholds", Severity.CRITICAL),
        ("wedding_day_response", Severity.HIGH),
        ("response_thresholds", Severity.MEDIUM),
        ("performance_degradation", Severity.MEDIUM),
    ]
    assert all(reason.local_time == THE_DAY.local for reason in finding.reasons)


def test_in_season_and_within_a_month_a_slowdown_is_high() -> None:
    near = replace(PLANNING, is_season=True, phase=Phase.MONTH, days_to_wedding=20)

    finding = found(PERFORMANCE_DEGRADATION, slow(2500.0), near)

    assert (finding.severity, finding.reasons[0].rule) == (Severity.HIGH, "season_performance")


@pytest.mark.parametrize(
    ("finding", "for_seconds", "auto_escalate"),
    [
        (found(PERFORMANCE_DEGRADATION, slow(5001.0), THE_DAY), 0, True),
        (found(PERFORMANCE_DEGRADATION, slow(5001.0), PLANNING), 60, True),
        (found(PERFORMANCE_DEGRADATION, slow(2001.0), THE_DAY), 60, False),
    ],
)
def test_only_critical_on_the_wedding_day_waits_for_nothing(
    *, finding: Finding, for_seconds: int, auto_escalate: bool
) -> None:
    assert finding.impact is Impact.MEDIUM
    assert (finding.for_seconds, finding.auto_escalate) == (for_seconds, auto_escalate)


def test_a_service_without_a_wedding_is_judged_by_the_table_alone() -> None:
    finding = found(PERFORMANCE_DEGRADATION, slow(2500.0, scope=SERVICE), None)

    assert finding.severity is Severity.MEDIUM
    assert "service api" in finding.message
    assert not judge(photos(rate=9.0), context=None, now=NOW)  # not registered: feeds no rule


@pytest.mark.parametrize(
    ("failures", "today", "outcome", "severity"),
    [
        (0, False, Outcome.CLEAR, None),
        (1, True, Outcome.HOLD, None),
        (2, False, Outcome.BREACH, Severity.HIGH),
        (2, True, Outcome.BREACH, Severity.CRITICAL),
    ],
)
def test_a_component_that_fails_twice_in_a_minute_is_high_and_critical_with_a_wedding_today(
    *, failures: int, today: bool, outcome: Outcome, severity: Severity | None
) -> None:
    finding = found(SYSTEM_FAILURE, checks(failures), None, any_wedding_today=today)

    assert (finding.outcome, finding.severity) == (outcome, severity)
    assert finding.group == (("component", "database"),)
    assert finding.for_seconds == 0


@pytest.mark.parametrize(
    ("age", "outcome"), [(59, Outcome.CLEAR), (61, Outcome.SILENT), (300, Outcome.NO_DATA)]
)
def test_a_component_that_is_not_checked_has_not_recovered(age: float, outcome: Outcome) -> None:
    assert found(SYSTEM_FAILURE, checks(0, age=age), None).outcome is outcome


def test_a_failed_payment_component_names_the_payment_row() -> None:
    finding = found(SYSTEM_FAILURE, checks(2, component="payments"), None)

    assert "payment_service_failure" in [reason.rule for reason in finding.reasons]


@pytest.mark.parametrize(
    ("percent", "severity", "for_seconds"),
    [
        (80.0, None, 60),
        (80.1, Severity.MEDIUM, 60),
        (90.0, Severity.MEDIUM, 60),
        (90.1, Severity.HIGH, 60),
        (95.0, Severity.HIGH, 60),
        (95.1, Severity.CRITICAL, 0),
    ],
)
def test_a_host_that_runs_full_is_medium_high_and_critical(
    percent: float, severity: Severity | None, for_seconds: int
) -> None:
    finding = found(RESOURCE_LIMIT, host(percent), None, any_wedding_today=True)

    assert (finding.severity, finding.for_seconds) == (severity, for_seconds)
    assert finding.group == (("host", "h1"), ("resource", "memory"))


def test_a_wedding_that_nobody_reports_about_has_no_data_rather_than_health() -> None:
    findings = judge(WeddingObservation(scope=WEDDING), context=THE_DAY, now=NOW)

    assert len(findings) == 4
    assert {finding.outcome for finding in findings} == {Outcome.NO_DATA}


def test_a_closed_wedding_has_nothing_left_to_wait_for() -> None:
    closed = replace(PLANNING, status=Status.COMPLETED, phase=Phase.CLOSED)

    findings = judge(WeddingObservation(scope=WEDDING), context=closed, now=NOW)

    assert {finding.outcome for finding in findings} == {Outcome.CLEAR}


def test_a_finding_with_a_severity_but_no_breach_is_refused() -> None:
    with pytest.raises(ValueError, match="only a breach"):
        replace(a_finding(), outcome=Outcome.CLEAR)


def test_a_scope_names_something() -> None:
    with pytest.raises(ValueError, match="a wedding, a service or the tenant"):
        Scope()


def test_uploads_that_nobody_tried_have_no_failure_rate() -> None:
    assert Uploads().failure_percent is None
