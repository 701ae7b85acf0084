"""It is Saturday where the wedding is, wherever the servers are."""

import pytest

from tests.builders import utc
from tests.harness import Bundle, a_wedding_request
from tests.scenarios.language import (
    WIDE,
    Day,
    at,
    between,
    notice,
    pages,
    photo_failures,
    photos,
    requests,
    response_time,
    supplied_failure_rate,
)

HONOLULU = "Pacific/Honolulu"
SYDNEY = "Australia/Sydney"


@pytest.mark.parametrize(
    ("zone", "time", "utc_says"),
    [(SYDNEY, "08:00", "Friday"), (HONOLULU, "19:00", "Sunday"), ("Europe/Madrid", "15:00", None)],
)
def test_a_saturday_wedding_is_critical_on_its_venues_saturday(
    zone: str, time: str, utc_says: str | None
) -> None:
    weddings = {"w1": a_wedding_request(zone=zone, ceremony="16:00")}
    saturday = Day("2026-06-20", zone=zone, starts=time, weddings=weddings)
    assert f"{saturday.bundle.now:%A}" == (utc_says or "Saturday")
    saturday.push(photo_failures("w1", rate=2.0))
    saturday.expects_only(at(time), *pages(0, *WIDE[0]))
    assert saturday.alert["severity"] == "critical"


@pytest.mark.parametrize(
    ("zone", "date", "time"), [(HONOLULU, "2026-06-19", "19:00"), (SYDNEY, "2026-06-21", "08:00")]
)
def test_a_saturday_by_the_servers_clock_is_no_saturday_at_the_venue(
    zone: str, date: str, time: str
) -> None:
    weddings = {"w1": a_wedding_request(zone=zone, ceremony="16:00", until="20:00")}
    day = Day(date, zone=zone, starts=time, weddings=weddings)
    assert f"{day.bundle.now:%A}" == "Saturday"
    day.push(photo_failures("w1", rate=2.0))
    day.bundle.advance(90)
    assert day.bundle.notifications() == ()


def test_today_is_the_venues_today() -> None:
    with Bundle(at=utc("2025-06-07T23:30")) as bundle:
        statuses = {
            zone: bundle.get(
                "/api/metrics/wedding/"
                + bundle.register(a_wedding_request(on="2025-06-08", zone=zone, ceremony=None))
            )["status"]
            for zone in (SYDNEY, HONOLULU)
        }
    assert statuses == {SYDNEY: "today", HONOLULU: "planning"}


def test_a_wedding_on_a_tuesday_has_its_day_on_tuesday() -> None:
    day = Day("2026-06-16", weddings={"w1": a_wedding_request(on="2026-06-16")}).at("14:05")
    day.push(photo_failures("w1", rate=2.0))
    day.expects_only(at("14:05"), *pages(0, *WIDE[0]))


def test_after_midnight_the_party_is_still_the_wedding() -> None:
    weddings = {"w1": a_wedding_request(until="23:30")}
    saturday = Day("2026-06-20", starts="2026-06-21T01:10", weddings=weddings)
    saturday.push(photo_failures("w1", rate=2.0))
    saturday.expects_only(at("2026-06-21T01:10"), *pages(0, *WIDE[0]))


@pytest.mark.parametrize(
    ("wedding_on", "severity"), [("2026-12-17", "medium"), ("2026-06-18", "high")]
)
@pytest.mark.parametrize("told_as", ["requests", "gauge"])
def test_the_same_two_and_a_half_seconds_are_medium_in_planning_and_high_on_the_day(
    wedding_on: str, severity: str, told_as: str
) -> None:
    day = Day("2026-06-18", weddings={"w1": a_wedding_request(on=wedding_on)}).at("14:05")
    slow = (
        response_time("w1", 2500.0)
        if told_as == "gauge"
        else requests(wedding="w1", ms=2500.0, number=20)
    )
    day.push(slow)
    day.expects_silence(between("14:05", "14:05:59"))
    for _ in day.every(seconds=30, until="14:06:30"):
        day.push(slow)
    day.expects_only(between("14:06", "14:08"), notice(severity=severity, about="w1"))


@pytest.mark.parametrize(("ms", "heard"), [(2000.0, False), (2001.0, True)])
def test_two_seconds_on_the_day_are_the_limit_and_not_beyond_it(*, ms: float, heard: bool) -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    day.push(response_time("w1", ms))
    assert bool(day.heard(between("14:05", "14:07"))) == heard


@pytest.mark.parametrize(
    ("rate", "heard"), [(1.0, False), (1.01, True), (0.5, False), (100.0, True)]
)
@pytest.mark.parametrize("told_as", ["counts", "rate"])
def test_one_percent_of_the_photos_may_fail(*, rate: float, heard: bool, told_as: str) -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request()}).at("14:05")
    day.push(
        supplied_failure_rate("w1", rate)
        if told_as == "rate"
        else photo_failures("w1", rate=rate, of=10_000)
    )
    assert bool(day.heard(between("14:05", "14:05:30"))) == heard


@pytest.mark.parametrize(
    ("guests", "completed", "failed", "heard"),
    [
        (120, 2, 1, False),  # a third of three: one failure is no rate
        (120, 2, 2, True),
        (120, 0, 1, False),
        (50, 10, 2, True),
        (300, 20, 2, False),
        (300, 20, 3, True),
        (500, 50, 4, False),
        (500, 50, 5, True),
        (500, 97, 3, True),  # of a hundred, the rate alone decides
        (500, 96, 3, False),
    ],
)
def test_few_failures_of_few_photos_are_no_rate(
    *, guests: int, completed: int, failed: int, heard: bool
) -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request(guests=guests)}).at("14:05")
    day.push(photos("w1", completed=completed, failed=failed))
    assert bool(day.heard(between("14:05", "14:05:10"))) == heard


def test_a_rate_that_the_device_supplies_needs_no_evidence_beside_it() -> None:
    day = Day("2026-06-20", weddings={"w1": a_wedding_request(guests=500)}).at("14:05")
    day.push(photos("w1", completed=2, failed=1), supplied_failure_rate("w1", 33.3))
    day.expects_only(at("14:05"), *pages(0, *WIDE[0]))


def test_in_planning_no_photo_rule_speaks() -> None:
    weddings = {"w1": a_wedding_request(on="2026-10-24")}
    day = Day("2026-06-20", weddings=weddings).at("14:05")
    day.push(photo_failures("w1", rate=50.0), supplied_failure_rate("w1", 50.0))
    day.expects_silence(between("14:05", "14:08"))
