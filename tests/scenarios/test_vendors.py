"""How each vendor of a wedding fares, and who sees it."""

from typing import cast

import pytest

from tests.harness import Answer, Json, a_wedding_request
from tests.scenarios.language import Day, heartbeat, requests
from wedsync.tenancy import Role


def a_saturday() -> Day:
    request = a_wedding_request(vendors=("band", "photo"))
    return Day("2026-06-20", starts="14:50", weddings={"w1": request})


def asked(day: Day, *, vendor: str | None = None) -> Answer:
    key = day.bundle.key(Role.VENDOR, vendor_id=vendor) if vendor else None
    answer = day.bundle.get(f"/api/weddings/{day.wedding_id('w1')}/vendors/health", key=key)
    assert answer.status == 200, answer
    return answer


def vendors(day: Day, *, vendor: str | None = None) -> dict[str, dict[str, Json]]:
    found = cast("list[dict[str, Json]]", asked(day, vendor=vendor)["vendors"])
    return {str(each["vendorId"]): each for each in found}


def test_of_two_vendors_one_of_whom_is_silent_for_six_minutes_one_is_online() -> None:
    day = a_saturday().push(heartbeat("w1", "band"), heartbeat("w1", "photo"))
    assert asked(day)["vendorsOnline"] == 2
    day.at("14:54").push(heartbeat("w1", "photo"))
    told = asked(day.at("14:56"))
    assert told["vendorsOnline"] == 1
    assert (told["local"], told["timeZone"]) == ("2026-06-20T14:56:00+02:00", "Europe/Madrid")
    band, photo = vendors(day)["band"], vendors(day)["photo"]
    assert (band["online"], band["lastSeen"]) == (False, "2026-06-20T12:50:00Z")
    assert (photo["online"], photo["local"]) == (True, "2026-06-20T14:54:00+02:00")


def test_a_vendor_is_online_by_its_heartbeat_and_seen_by_whatever_it_sends() -> None:
    day = a_saturday().push(heartbeat("w1", "band"))
    day.at("14:57").push(requests(wedding="w1", vendor="band"))
    band = vendors(day)["band"]
    assert band["online"] is False
    assert band["lastHeartbeat"] == "2026-06-20T12:50:00Z"
    assert band["lastSeen"] == "2026-06-20T12:57:00Z"


def test_each_vendors_requests_fail_for_themselves_and_for_five_minutes() -> None:
    day = a_saturday().push(
        requests(wedding="w1", vendor="band", number=3),
        requests(wedding="w1", vendor="band", status=503),
        requests(wedding="w1", vendor="photo", number=9),
        requests(wedding="w1", number=50, status=500),
    )
    found = vendors(day)
    assert (found["band"]["errorRate"], found["band"]["requests"]) == (25.0, 4)
    assert (found["photo"]["errorRate"], found["photo"]["requests"]) == (0.0, 9)
    assert vendors(day.at("14:54:59"))["band"]["errorRate"] == 25.0
    assert vendors(day.at("14:55:00"))["band"]["errorRate"] is None


def test_of_a_vendor_that_was_never_heard_of_nothing_is_known() -> None:
    day = a_saturday()
    assert asked(day)["vendorsOnline"] is None
    unknown = ("online", "lastHeartbeat", "lastSeen", "local", "errorRate")
    assert {vendors(day)["band"][each] for each in unknown} == {None}


def test_whoever_else_is_heard_of_is_told_after_those_who_are_listed() -> None:
    day = a_saturday().push(heartbeat("w1", "a-guest-band"))
    found = vendors(day)
    assert [(name, each["assigned"]) for name, each in found.items()] == [
        ("band", True),
        ("photo", True),
        ("a-guest-band", False),
    ]


@pytest.mark.parametrize("vendor", ["band", "photo"])
def test_a_vendor_sees_itself_alone(vendor: str) -> None:
    day = a_saturday().push(heartbeat("w1", "band"))
    assert set(vendors(day)) == {"band", "photo"}
    assert set(vendors(day, vendor=vendor)) == {vendor}
    assert asked(day, vendor=vendor)["vendorsOnline"] == (1 if vendor == "band" else None)
