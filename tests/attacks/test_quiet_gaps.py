"""Ways in which a wedding could fail and nobody be told, or a vendor meddle with another's."""

import pytest

from tests.builders import utc
from tests.harness import Bundle, a_point, a_wedding_request
from tests.scenarios.language import Day, ago, at, between, page, photo_failures
from wedsync.tenancy import Role


def a_saturday() -> Day:
    return Day("2026-06-20", starts="16:00", weddings={"w1": a_wedding_request(on="2026-06-20")})


def test_failures_that_arrive_seven_minutes_late_page_at_once() -> None:
    saturday = a_saturday()
    saturday.at("16:05").push(ago(photo_failures("w1", rate=100.0), minutes=7))
    saturday.expects(at("16:05"), page(tier=0, to="on_call_engineer"))


def test_an_incident_resolved_by_hand_while_all_still_fails_pages_anew() -> None:
    saturday = a_saturday()
    saturday.at("16:05").push(photo_failures("w1", rate=100.0))
    assert saturday.tell(str(saturday.incident["incidentId"]), "resolve").status == 200
    assert saturday.alert["state"] == "resolved"
    for minute in range(6, 14):
        saturday.at(f"16:{minute:02}").push(photo_failures("w1", rate=100.0))
    saturday.expects(between("16:10", "16:11"), page(tier=0, to="on_call_engineer"))


@pytest.mark.parametrize("over_http", [True, False])
def test_a_vendor_counts_for_nothing_at_a_wedding_that_does_not_list_it(over_http: bool) -> None:  # noqa: FBT001 - a parameter of the test
    with Bundle(at=utc("2026-06-20T12:00")) as bundle:
        wedding_id = bundle.register(a_wedding_request(on="2026-06-20"))
        key = bundle.key(Role.VENDOR, vendor_id="stranger")
        point = a_point(
            "photo.upload", bundle.now, weddingId=wedding_id, count=50, dims={"outcome": "failed"}
        )
        if over_http:
            answer = bundle.post("/api/metrics/ingest", point, key=key)
            assert answer.status == 400
        else:
            bundle.put_signed(point, device=key)
        bundle.drain()
        assert bundle.notifications() == ()
        (parked,) = bundle.get("/api/metrics/ingest/rejections").items
        assert parked["code"] == "other-wedding"
