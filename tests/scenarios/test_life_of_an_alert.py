"""An alert opens once, ends once, and never because nothing is heard any more."""

import pytest

from tests.builders import a_wedding, utc
from tests.harness import TENANT, a_wedding_request
from tests.scenarios.language import (
    WIDE,
    Day,
    ago,
    at,
    between,
    pages,
    photo_failures,
    photos,
    reminder,
    requests,
    resolved,
    response_time,
    supplied_failure_rate,
)


def a_saturday(*, twice: bool = False) -> Day:
    return Day("2026-06-20", weddings={"w1": a_wedding_request()}, twice=twice)


def test_a_signal_that_flaps_for_ten_minutes_is_one_alert() -> None:
    saturday = a_saturday().at("14:05")
    for count in saturday.every(seconds=30, until="14:15"):
        saturday.push(supplied_failure_rate("w1", 0.1 if count % 2 else 5.0))
        if count == 2:
            assert saturday.acknowledge_alert().status == 200
    # It ends in breach at 14:15 and is clear from 14:15:30 on.
    saturday.at("14:15:30")
    for _ in saturday.every(seconds=30, until="14:22"):
        saturday.push(supplied_failure_rate("w1", 0.1))
    saturday.expects_only(
        between("14:05", "14:23"),
        *pages(0, *WIDE[0]),
        *(reminder(to=role) for role in WIDE[0]),
        *(resolved(to=role) for role in WIDE[0]),
    )
    saturday.expects(at("14:20:30"), *(resolved(to=role) for role in WIDE[0]))
    assert saturday.alert["state"] == "resolved"


def test_a_flap_that_must_hold_a_minute_and_does_not_is_never_heard_of() -> None:
    saturday = a_saturday().at("14:05")
    for count in saturday.every(seconds=30, until="14:14:30"):
        saturday.push(response_time("w1", 120.0 if count % 2 else 2500.0))
    saturday.expects_silence(between("14:05", "14:16"))
    assert saturday.alerts == []


def test_photos_that_come_through_end_the_alert_after_five_clear_minutes() -> None:
    saturday = a_saturday().at("14:05").push(supplied_failure_rate("w1", 5.0))
    saturday.acknowledge_alert()
    saturday.at("14:06:10")
    for _ in saturday.every(seconds=30, until="14:11"):
        saturday.push(supplied_failure_rate("w1", 0.1))
    saturday.expects_silence(between("14:05:01", "14:11:09"))
    saturday.expects_only(between("14:11:10", "14:11:20"), *(resolved(to=role) for role in WIDE[0]))
    assert saturday.bundle.active_incidents() == []


def test_a_rate_between_recovery_and_threshold_ends_nothing() -> None:
    saturday = a_saturday().at("14:05").push(supplied_failure_rate("w1", 5.0))
    saturday.acknowledge_alert()
    for _ in saturday.every(seconds=60, until="14:14"):
        saturday.push(supplied_failure_rate("w1", 0.9))
    assert saturday.alert["state"] == "acknowledged"
    assert {each.kind for each in saturday.heard(between("14:05", "14:14:59"))} == {"page"}


def test_photos_that_vanish_are_not_photos_that_recovered() -> None:
    saturday = a_saturday().at("14:05").push(photo_failures("w1", rate=5.0))
    heard = saturday.heard(between("14:05", "14:21"))
    assert {each.kind for each in heard} == {"page"}
    assert saturday.alert["state"] == "firing"
    assert saturday.alert["resolvedAt"] is None
    assert saturday.incident["status"] == "open"


def test_that_all_else_is_well_does_not_mean_that_the_photos_are() -> None:
    saturday = a_saturday().at("14:05").push(photo_failures("w1", rate=5.0))
    for _ in saturday.every(seconds=120, until="14:17"):
        saturday.push(requests(wedding="w1", number=100))
    assert {each.kind for each in saturday.heard(between("14:05", "14:17"))} == {"page"}


def test_a_wedding_that_nobody_registered_is_counted_and_feeds_no_alert() -> None:
    saturday = Day("2026-06-20").at("14:05")
    saturday.call("w1", "w1")
    saturday.push(photo_failures("w1", rate=5.0))
    saturday.expects_silence(between("14:05", "14:07"))
    assert saturday.alerts == []
    assert saturday.buckets("photo.upload", window="1h") == {"14:00": 200}
    assert saturday.bundle.get("/api/metrics/wedding/w1").status == 404


def test_once_it_is_registered_it_is_judged_by_what_was_counted() -> None:
    saturday = Day("2026-06-20").at("14:05")
    saturday.call("w1", "w1")
    saturday.push(photo_failures("w1", rate=5.0)).at("14:06")
    wedding = a_wedding(on=utc("2026-06-20T00:00").date(), zone="Europe/Madrid")
    saturday.bundle.services.weddings.add(TENANT, wedding)
    saturday.push(photos("w1", completed=1))
    saturday.expects_only(at("14:06"), *pages(0, *WIDE[0]))
    assert saturday.page_of("w1")["metrics"] == {
        **NOTHING_KNOWN,
        "photosUploaded": 191,
        "photosProcessing": 0,
        "photosFailed": 10,
    }


NOTHING_KNOWN = {
    "photosUploaded": None,
    "photosProcessing": None,
    "photosFailed": None,
    "vendorsOnline": None,
    "guestActivity": None,
    "systemPerformance": {"responseTime": None, "errorRate": None, "uptime": None},
    "backupStatus": None,
}


@pytest.mark.parametrize("since", [0, 3])
def test_a_late_minute_pages_however_well_it_went_on(since: int) -> None:
    """``since``: failures among a hundred requests a minute since then."""
    day = Day("2026-06-20", starts="15:55", weddings={"w1": a_wedding_request(on="2026-06-20")})
    for minute in range(5, 10):
        day.at(f"16:{minute:02}:10").push(
            requests(wedding="w1", number=100 - since),
            *([requests(wedding="w1", number=since, status=500)] if since else []),
        )
    day.at("16:10:10").push(ago(requests(wedding="w1", number=20, status=500), minutes=6))
    day.at("16:10:20")
    assert ("page", "on_call_engineer") in {
        (each.kind, each.role) for each in day.bundle.notifications()
    }
