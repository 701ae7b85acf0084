"""Five kinds of trouble at once: each is found, and the worst is called for first."""

from tests.harness import a_wedding_request
from tests.scenarios.language import (
    Day,
    Said,
    Told,
    between,
    cpu,
    health_check,
    notice,
    photo_failures,
    requests,
    resolved,
)

RANKS = {"critical": 3, "high": 2, "medium": 1, "low": 0}


def payments(*, completed: int, failed: int) -> Told:
    return tuple(
        Said(name="payment.attempt", kind="event", dims={"outcome": outcome}, times=times)
        for outcome, times in (("completed", completed), ("failed", failed))
        if times
    )


def refusals(number: int, *, good: int) -> Told:
    return (
        *requests(service="login", status=401, number=number),
        *requests(service="login", number=good),
    )


def a_tuesday() -> Day:
    return Day("2026-03-03", starts="14:00", weddings={"w1": a_wedding_request(on="2026-09-12")})


def test_a_fixture_that_trips_each_of_the_five_makes_five_episodes() -> None:
    day = Day("2026-06-20", starts="14:00", weddings={"w1": a_wedding_request()})
    for _ in day.every(seconds=30, until="14:08"):
        day.push(
            health_check("database", "failed", times=2),
            photo_failures("w1", rate=5.0),
            requests(service="gallery", ms=2500.0, number=20),
            payments(completed=20, failed=5),
            refusals(60, good=60),
        )
    fired = [each for each in day.bundle.alerts() if each["state"] == "firing"]
    types = {str(each["type"]) for each in fired}
    assert types >= {
        "system_failure",
        "photo_upload_failures",
        "performance_degradation",
        "business",
        "security",
    }
    shown = [RANKS[str(each["severity"])] for each in day.bundle.active_incidents()]
    assert shown == sorted(shown, reverse=True)
    heard = day.heard(between("14:00", "14:00:01"))
    assert heard
    assert all(each.severity == "critical" for each in heard), "the worst is called for first"


def test_bursts_of_refusals_are_told_and_their_end_too() -> None:
    day = a_tuesday()
    for _ in day.every(seconds=30, until="14:05"):
        day.push(refusals(20, good=30))
    (alert,) = [each for each in day.bundle.alerts() if each["type"] == "security"]
    assert alert["ruleId"] == "platform.refused_callers"
    assert (alert["severity"], alert["service"], alert["weddingId"]) == ("high", None, None)
    for _ in day.every(seconds=30, until="14:25"):
        day.push(refusals(1, good=50))
    day.expects_only(
        between("14:00", "14:25"), notice(severity="high"), resolved(to="on_call_engineer")
    )


def test_a_few_refusals_are_every_days() -> None:
    day = a_tuesday()
    for _ in day.every(seconds=30, until="14:10"):
        day.push(refusals(3, good=7))
    assert [each for each in day.bundle.alerts() if each["type"] == "security"] == []


def test_payments_that_fail_are_high_at_once() -> None:
    day = a_tuesday()
    for _ in day.every(seconds=30, until="14:05"):
        day.push(payments(completed=10, failed=1))
    (alert,) = [each for each in day.bundle.alerts() if each["type"] == "business"]
    assert (alert["severity"], alert["ruleId"]) == ("high", "platform.payment_failures")
    assert alert["tags"] == ["payments"]
    rules = {each["rule"] for each in alert["severityReasons"]}  # type: ignore[index,call-overload,union-attr] # objects
    assert "payment_service_failure" in rules


def test_one_fixture_trips_each_family() -> None:
    day = Day("2026-06-20", starts="14:00", weddings={"w1": a_wedding_request()})
    for _ in day.every(seconds=30, until="14:03"):
        day.push(
            cpu("host-1", 97.0),
            health_check("cache", "failed", times=2),
            photo_failures("w1", rate=5.0),
            requests(wedding="w1", ms=2500.0, number=20),
        )
    assert {str(each["type"]) for each in day.bundle.alerts()} == {
        "resource_limit",
        "system_failure",
        "photo_upload_failures",
        "performance_degradation",
    }
