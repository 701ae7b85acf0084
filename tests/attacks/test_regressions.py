"""What an attack from outside once broke, each as a sentence of how it must behave."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.builders import utc
from tests.harness import Bundle, Json, a_point, a_wedding_request
from wedsync.cloud import Record
from wedsync.resources import Resource
from wedsync.tenancy import Role

START = utc("2026-06-20T11:00:30")


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    with Bundle(at=START) as made:
        yield made


def a_wedding(bundle: Bundle, *, on: str = "2026-06-20", ceremony: str | None = None) -> str:
    return bundle.register(a_wedding_request(on=on, zone="UTC", ceremony=ceremony))


def of_type(bundle: Bundle, kind: str) -> list[dict[str, Json]]:
    return [alert for alert in bundle.alerts() if alert["type"] == kind]


def failed_photos(bundle: Bundle, wedding_id: str, at: datetime, count: int = 50) -> None:
    point = a_point(
        "photo.upload", at, weddingId=wedding_id, count=count, dims={"outcome": "failed"}
    )
    bundle.put(point)


def errors(at: datetime, dims: dict[str, str], wedding_id: str | None = None) -> dict[str, object]:
    return a_point("api.request", at, value=100, count=100, dims=dims, weddingId=wedding_id)


# A key that is used again after its day.


@pytest.mark.parametrize("title", ["the same", "another"])
def test_a_key_that_is_used_again_after_its_day_pages_anew(bundle: Bundle, title: str) -> None:
    key = {"idempotency-key": "one"}
    body = {"title": "the same", "severity": "critical"}
    first = bundle.post("/api/monitoring/incidents", body, headers=key)
    paged = len(bundle.notifications())
    bundle.clock.set(START + timedelta(hours=25))
    again = bundle.post("/api/monitoring/incidents", {**body, "title": title}, headers=key)
    assert again["incidentId"] != first["incidentId"]
    assert len(bundle.notifications()) > paged


def test_a_key_that_is_used_again_after_its_day_registers_what_it_says(bundle: Bundle) -> None:
    key = {"idempotency-key": "one"}
    first = bundle.post("/api/weddings", a_wedding_request(couple="Old"), headers=key)
    bundle.clock.set(START + timedelta(hours=25))
    again = bundle.post("/api/weddings", a_wedding_request(couple="New"), headers=key)
    assert (again.status, again["coupleName"]) == (201, "New")
    assert again["weddingId"] != first["weddingId"]


# Devices whose clocks are fast.


@pytest.mark.parametrize("ahead_seconds", [0, 29, 31, 200, 299])
def test_failures_of_a_fast_clock_on_the_day_before_the_window_page(
    bundle: Bundle, ahead_seconds: int
) -> None:
    wedding_id = a_wedding(bundle, ceremony="20:00")
    failed_photos(bundle, wedding_id, START + timedelta(seconds=ahead_seconds))
    bundle.drain()
    assert {page.severity for page in bundle.notifications()} == {"critical"}


def test_a_fast_clock_is_heard_in_planning_and_without_a_wedding(bundle: Bundle) -> None:
    ahead = START + timedelta(seconds=240)
    failed = {"status": "500", "service": "payments"}
    bundle.put(errors(ahead, dims=failed))
    bundle.put(errors(ahead, dims=failed, wedding_id=a_wedding(bundle, on="2026-08-29")))
    bundle.advance(70)
    states = [(alert["severity"], alert["state"]) for alert in bundle.alerts()]
    assert states == [("critical", "firing")] * 2


# A wedding that is moved away while its photos fail.


@pytest.mark.parametrize("date", ["2026-06-22", "2026-09-20"])
@pytest.mark.parametrize("second", [0, 20, 50])
def test_an_alert_of_a_day_that_was_moved_away_ends_without_samples(
    bundle: Bundle, date: str, second: int
) -> None:
    wedding_id = a_wedding(bundle, ceremony="12:00")
    bundle.advance_to(START.replace(minute=1, second=second))
    failed_photos(bundle, wedding_id, bundle.now)
    bundle.drain()
    bundle.patch(f"/api/weddings/{wedding_id}", {"date": date, "timeline": None})
    bundle.advance(320)
    assert [alert["state"] for alert in bundle.alerts()] == ["resolved"]
    assert not bundle.active_incidents()


def test_missing_data_on_the_day_still_ends_nothing(bundle: Bundle) -> None:
    wedding_id = a_wedding(bundle)
    failed_photos(bundle, wedding_id, bundle.now)
    bundle.advance(3600)
    assert [alert["state"] for alert in bundle.alerts()] == ["firing"]


# Health checks.


def test_a_failed_check_that_stands_for_several_is_a_system_failure(bundle: Bundle) -> None:
    def check(count: int, wedding_id: str) -> dict[str, object]:
        dims = {"component": "database", "outcome": "failed"}
        return a_point(
            "health.check",
            bundle.now,
            kind="event",
            value=1,
            count=count,
            dims=dims,
            weddingId=wedding_id,
        )

    once, twice = a_wedding(bundle), a_wedding(bundle)
    bundle.put(check(1, once))
    bundle.put(check(2, twice))
    bundle.drain()
    assert [alert["weddingId"] for alert in of_type(bundle, "system_failure")] == [twice]


def test_only_checks_that_are_ok_count_as_available(bundle: Bundle) -> None:
    wedding_id = a_wedding(bundle)
    for outcome, count in (("ok", 90), ("timeout", 10)):
        bundle.put(
            a_point(
                "health.check",
                bundle.now,
                kind="event",
                value=1,
                count=count,
                dims={"component": "database", "outcome": outcome},
                weddingId=wedding_id,
            )
        )
    bundle.drain()
    degraded = of_type(bundle, "performance_degradation")
    assert [(alert["severity"], alert["value"]) for alert in degraded] == [("critical", 90.0)]


# What a point does not name.


@pytest.mark.parametrize("dims", [{}, {"host": "web-1"}, {"component": "checkout"}])
def test_requests_that_name_no_service_are_judged(bundle: Bundle, dims: dict[str, str]) -> None:
    bundle.put(errors(bundle.now, dims={**dims, "status": "503"}))
    bundle.advance(70)
    degraded = of_type(bundle, "performance_degradation")
    assert [(alert["service"], alert["state"]) for alert in degraded] == [("unnamed", "firing")]


def test_guests_of_a_wedding_without_a_guest_count_engage_nobody_else(bundle: Bundle) -> None:
    sizes = {100: 30, None: 40}
    for invited, active in sizes.items():
        wedding_id = bundle.register(a_wedding_request(zone="UTC", ceremony=None, guests=invited))
        bundle.put(
            *(
                a_point(
                    "guest.activity",
                    bundle.now,
                    kind="event",
                    value=1,
                    dims={"guestId": f"guest-{number}"},
                    weddingId=wedding_id,
                )
                for number in range(active)
            )
        )
    bundle.drain()
    figures = bundle.get("/api/metrics/real-time").members["weddingMetrics"]
    assert isinstance(figures, dict)
    assert figures["guestEngagement"] == 30.0


@pytest.mark.parametrize("role", [Role.VENDOR, Role.DEVICE])
def test_what_a_vendor_signs_is_its_own(bundle: Bundle, role: Role) -> None:
    wedding_id = bundle.register(a_wedding_request(zone="UTC", ceremony=None, vendors=["photo-1"]))
    own = bundle.key(role, vendor_id="photo-1")
    for vendor in (None, "photo-1", "band-2"):
        named = {} if vendor is None else {"vendorId": vendor}
        point = a_point(
            "vendor.activity",
            bundle.now,
            kind="event",
            value=1,
            weddingId=wedding_id,
            dims={"action": str(vendor)},
            **named,
        )
        bundle.put_signed(point, device=own)
    bundle.drain()
    page = bundle.get(f"/api/metrics/wedding/{wedding_id}").members["realTimeActivity"]
    assert isinstance(page, list)
    assert [each["vendorId"] for each in page if isinstance(each, dict)] == ["photo-1"] * 2
    refused = bundle.get("/api/metrics/ingest/rejections").items
    assert [each["code"] for each in refused] == ["other-vendor"]


def test_a_record_that_says_a_member_twice_is_told_so(bundle: Bundle) -> None:
    body = b'{"name":"a","name":"b","kind":"event","ts":1781953230000}'
    bundle.cloud.stream(Resource.METRICS_STREAM).put([Record("k", body)])
    bundle.drain()
    refused = bundle.get("/api/metrics/ingest/rejections").items
    assert [each["code"] for each in refused] == ["duplicate-key"], json.dumps(refused)


@pytest.mark.parametrize("fraction", [0.0, 0.4, 0.999])
@pytest.mark.parametrize("off_ms", [-1000, -1, 0, 1, 400, 1000])
@pytest.mark.parametrize("bound", [timedelta(minutes=5), timedelta(hours=-24)], ids=str)
def test_what_is_accepted_over_http_is_not_refused_behind_it(
    bundle: Bundle, bound: timedelta, off_ms: int, fraction: float
) -> None:
    bundle.clock.set(START + timedelta(seconds=fraction))
    at = bundle.now + bound + timedelta(milliseconds=off_ms)
    answer = bundle.post("/api/metrics/ingest", a_point("edge.of.time", at))
    bundle.drain()
    refused = bundle.get("/api/metrics/ingest/rejections").items
    assert (answer.status, len(refused)) in {(202, 0), (400, 1)}
