"""Requests by service, counted in one pass."""

from tests.domain.metrics.test_block import a_block, a_point
from wedsync.alerting.streams.minute import time_bin
from wedsync.metrics.point import Point
from wedsync.metrics.requests import requests_by_service


def request(service: str | None, status: str | None, ms: float, count: int = 1) -> Point:
    named = {"service": service, "status": status}
    dims = tuple(sorted((name, text) for name, text in named.items() if text is not None))
    return a_point(value=ms, dims=dims, count=count)


BLOCK = a_block(
    request("api", "200", 100.0, 90),
    request("api", "302", 7000.0, 2),
    request("api", "404", 3.0, 5),
    request("api", "503", 9000.0, 3),
    request("api", "odd", 250.0),
    request("web", "500", 20.0),
    request(None, "200", 20.0),
    a_point(value=1.0, wedding_id="w1", dims=(("service", "api"), ("status", "500"))),
    a_point("system.response_time", 5.0, dims=(("service", "web"),)),
)


def test_requests_are_counted_by_service_and_by_what_became_of_them() -> None:
    found = requests_by_service(BLOCK, slower_than_ms=5000.0)
    api, web = found["api"], found["web"]
    assert found.keys() == {"api", "web"}
    assert (api.total, api.refused, api.failed, api.slower) == (101, 5, 3, 5)
    assert (web.total, web.refused, web.failed, web.slower) == (1, 0, 1, 0)


def test_the_times_are_those_of_requests_that_were_answered_well() -> None:
    found = requests_by_service(BLOCK, slower_than_ms=5000.0)
    assert dict(found["api"].times) == {time_bin(100): 90, time_bin(7000): 2, time_bin(250): 1}
    assert found["web"].times == ()


def test_nothing_holds_no_requests() -> None:
    assert requests_by_service(a_block(a_point("other")), slower_than_ms=5000.0) == {}


def test_times_at_both_ends_lie_in_the_outer_bins() -> None:
    block = a_block(request("api", "200", 0.01), request("api", "200", 1e9))
    found = requests_by_service(block, slower_than_ms=5000.0)
    assert dict(found["api"].times) == {time_bin(0.01): 1, time_bin(1e9): 1}
